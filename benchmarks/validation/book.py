"""Rows of a comparison: what was measured, what the model gives, and whether that was fitted or predicted."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["fitted", "predicted"]


@dataclass(frozen=True)
class Row:
    """One number of one comparison.

    `low` and `high`: bracket of the model's answer, nan where there is no such end. `measured`: nan where it did not
    happen. `bound`: `above` where the measurement is a lower bound, `below` an upper one.
    """

    quantity: str
    unit: str
    measured: float
    low: float
    high: float
    kind: Kind
    bound: str = ""
    note: str = ""

    @property
    def model(self) -> float:
        """Middle of the bracket (geometric), or the end there is."""
        if self.low > 0.0 and math.isfinite(self.high):
            return math.sqrt(self.low * self.high)
        return self.high if math.isfinite(self.high) else self.low

    @property
    def ratio(self) -> float:
        """Model over measurement; nan where either is zero, missing, or only bounded."""
        plain = self.measured > 0.0 and self.model > 0.0 and not self.open_ended and self._bound == ""
        return self.model / self.measured if plain else math.nan

    @property
    def _bound(self) -> str:
        return self.bound if isinstance(self.bound, str) else ""

    @property
    def _note(self) -> str:
        return self.note if isinstance(self.note, str) else ""

    @property
    def open_ended(self) -> bool:
        """Whether the model gives one end only."""
        return not (math.isfinite(self.low) and math.isfinite(self.high))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def measured_text(self) -> str:
        if not math.isfinite(self.measured):
            return "none"
        sign = {"above": "> ", "below": "< "}.get(self._bound, "")
        return f"{sign}{self.measured:.4g}"

    def model_text(self) -> str:
        if not math.isfinite(self.high):
            return f"> {self.low:.4g}" if math.isfinite(self.low) else "none"
        if not math.isfinite(self.low):
            return f"< {self.high:.4g}"
        close = self.high - self.low < 0.02 * max(self.high, 1.0e-12)
        return f"{self.model:.3g}" if close else f"{self.low:.3g} to {self.high:.3g}"

    def words(self) -> str:
        ratio = f", ratio {self.ratio:.2g}" if math.isfinite(self.ratio) else ""
        note = f" ({self._note})" if self._note else ""
        figures = f"measured {self.measured_text()} {self.unit}, model {self.model_text()}"
        return f"{self.quantity}: {figures}, {self.kind}{ratio}{note}"


def as_table(rows: dict[str, list[Row]]) -> str:
    """Markdown table of all comparisons."""
    lines = ["| comparison | quantity | measured | model | model/measured | |", "|---|---|---|---|---|---|"]
    for name, entries in rows.items():
        for row in entries:
            ratio = f"{row.ratio:.2g}" if math.isfinite(row.ratio) else ""
            kind = f"**{row.kind}**" if row.kind == "fitted" else row.kind
            what = f"{row.quantity} [{row.unit}]" if row.unit else row.quantity
            note = f"; {row._note}" if row._note else ""
            link = f"[{name}]({name}/README.md)"
            lines.append(f"| {link} | {what} | {row.measured_text()} | {row.model_text()} | {ratio} | {kind}{note} |")
    return "\n".join(lines)


def misfit(rows: dict[str, list[Row]]) -> str:
    """How far predicted figures are off, as a factor (geometric mean of the deviation)."""
    predicted = [row.ratio for entries in rows.values() for row in entries if row.kind == "predicted"]
    off = [abs(math.log(ratio)) for ratio in predicted if math.isfinite(ratio)]
    if not off:
        return "no predicted figure to compare"
    mean, most = math.exp(sum(off) / len(off)), math.exp(max(off))
    return f"{len(off)} predicted figures: off by a factor of {mean:.2g} in the mean, {most:.2g} at most"
