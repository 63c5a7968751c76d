"""Bodies that can be meshed, and their drawing in gmsh."""
