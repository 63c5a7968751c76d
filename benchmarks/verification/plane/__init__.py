"""Checks of the plane engine."""
