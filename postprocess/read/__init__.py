"""Readers of what a run has written: histories, events, the case, and fields."""
