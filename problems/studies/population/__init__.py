"""Populations of flaws: the critical current density of an electrode from that of its flaws."""
