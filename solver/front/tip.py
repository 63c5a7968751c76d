"""Where the tip of a discrete crack lies."""

TIP_OFFSET = 0.325
"""Linear elements are too stiff at a tip: a crack whose first closed node is n opens like one that ends this part of
the last open cell before that node (measured in check `front_weights`; it depends neither on the mesh nor on the
body)."""
