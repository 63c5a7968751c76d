"""One run: what it writes and keeps, how it is resumed, and what its folder says about the code."""
