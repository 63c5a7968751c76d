"""Quantities as users write them: numbers with units, and lists of them."""
