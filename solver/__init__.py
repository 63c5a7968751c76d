"""The model of a cell, its physics, and the engines that step it."""
