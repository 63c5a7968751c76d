"""Terms of the model, one file each: equations in UFL with their units and sources."""
