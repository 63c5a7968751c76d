"""Critical current density: brackets, the search for them, and tables."""
