"""How fine pictures are: coarse in nearly all tests, as fine as a user's where a test says so."""

from typing import Any

COARSE: dict[str, Any] = {"savefig.dpi": 60, "pdf.use14corefonts": True}
FINE: dict[str, Any] = {"savefig.dpi": 300, "pdf.use14corefonts": False}
