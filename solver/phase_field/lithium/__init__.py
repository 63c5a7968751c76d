"""Lithium and currents in a diffuse crack at given damage."""
