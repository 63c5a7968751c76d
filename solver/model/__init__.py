"""Parameters that a solver is told, in internal units."""
