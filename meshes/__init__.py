"""Meshes with named groups: generated or read, checked, refined and gathered."""
