"""Protocols: time steps, control and loading, events, restart, and the measures of a state."""
