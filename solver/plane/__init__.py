"""The plane engine: a crack that grows in its plane, solved on the faces of the electrolyte."""
