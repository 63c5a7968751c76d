"""The notebook of the docs: its code runs from the first cell to the last."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from lifrac import quantities
from lifrac.problems.case.case import load_case

NOTEBOOK = Path(__file__).parents[2] / "docs" / "library.ipynb"


def code() -> list[str]:
    """The code cells, in order."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.timeout(1800)
def test_notebook_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures are drawn, the flaw cracks, the quantity of one's own is in the history, half the toughness cracks
    earlier."""
    plt.switch_backend("agg")
    names: dict[str, Any] = {}
    try:
        for cell in code():
            exec(compile(cell, str(NOTEBOOK), "exec"), names)
        assert names["watched"].history["dry_length_um"].max() > 0.0
    finally:
        if "dry" in names:  # tables of the docs list what is known
            quantities.unregister(names["dry"])
    assert len(plt.get_fignums()) == 2
    plt.close("all")
    assert names["simulation"].outcome == "fracture"
    assert 0.0 < names["capacity"][3.0] < names["capacity"][6.0]
    assert names["density"].x.array.max() > 40.0
    assert load_case("llzo_runs_through").content_hash() != names["case"].content_hash()
    assert "crack" in capsys.readouterr().out


def test_no_output_is_kept() -> None:
    """Pictures in a notebook make every change of it large."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not [cell for cell in cells if cell.get("outputs")]
