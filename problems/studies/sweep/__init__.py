"""Sweeps over keys of a case, a kind of study."""
