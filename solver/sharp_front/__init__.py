"""The sharp-front engine: a plane crack whose front stands at a node and advances where K = K_Ic, in time."""
