"""Figures of runs, studies and sweeps, and the page that links them."""
