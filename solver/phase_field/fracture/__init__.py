"""Brittle fracture by a phase field: energy, displacement, damage, and the size of cells."""
