"""What every plane crack rests on: the electrolyte condensed onto its faces, a cell, and fields recovered from it."""
