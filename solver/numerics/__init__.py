"""Numerical methods that know nothing of batteries: linear solvers, Newton, condensation, bounds, steps, adaptivity."""
