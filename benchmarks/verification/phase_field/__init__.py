"""Checks of the phase-field engine."""
