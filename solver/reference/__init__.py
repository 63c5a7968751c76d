"""Reference solvers for verification: full fields and all unknowns at once."""
