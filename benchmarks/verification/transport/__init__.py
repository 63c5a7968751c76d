"""Checks of ion transport and charge transfer."""
