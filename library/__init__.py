"""Predicts when lithium metal cracks a solid electrolyte."""

from . import backend

backend.install()
