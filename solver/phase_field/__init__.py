"""The phase-field engine: diffuse cracks that choose their path, filled with lithium."""
