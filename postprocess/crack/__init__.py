"""Lines on the picture of a body: the path of a crack, grain boundaries, outlines of pores."""
