"""How fine pictures are: coarse in nearly all tests, as fine as a user's where a test says so."""

from typing import Any

COARSE: dict[str, Any] = {"savefig.dpi": 60, "pdf.fonttype": 3}
FINE: dict[str, Any] = {"savefig.dpi": 300, "pdf.fonttype": 42}
