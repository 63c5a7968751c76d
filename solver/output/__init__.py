"""Fields of a state: gathered, averaged to nodes, and written for ParaView."""
