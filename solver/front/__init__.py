"""A plane crack with a sharp front: linear elastic statics from the condensed bulk, and equilibria of its lithium."""
