"""The runs of a study on disk: light run folders, each named by the content of its case.

A run is made in a scratch folder beside its place and renamed when it is complete, so that a kill leaves no half run.
Making the scratch folder is also how one of several processes claims a run: the file system lets only one of them.
"""

import json
import logging
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from lifrac.errors import NumericalFailure
from lifrac.problems.case.case import Case
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.run.files import read_json
from lifrac.problems.run.loop import ASKED_TO_STOP, Observer, RunLoop
from lifrac.problems.run.other_code import code_of
from lifrac.problems.run.run_folder import RunFolder
from lifrac.problems.run.summary import end_of, summary_of
from lifrac.solver.cell import Report
from lifrac.solver.cells import build_cell
from lifrac.solver.plane.body import PlaneBody
from mpi4py import MPI

LOG = logging.getLogger("lifrac")
NEEDED = {"outcome", "termination", "charge_mAh_per_cm2", "protocol_step"}
"""What the tables cannot do without; a summary that lacks any is damaged."""
TROUBLE = (NumericalFailure, ArithmeticError, np.linalg.LinAlgError)
"""What a run may end in without saying anything about the cell."""


class PointFolders:
    """The folder `points/` of a study."""

    def __init__(self, study: Path) -> None:
        self.path = study / "points"

    def summary(self, key: str) -> Mapping[str, Any] | None:
        """What came out of a point; None if it is not finished."""
        try:
            found = dict(json.loads((self.path / key / "summary.json").read_text(encoding="utf-8")))
            if not found.keys() >= NEEDED:
                raise ValueError("keys are missing")
            return found
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError):
            shutil.rmtree(self.path / key)  # damaged: renamed whole, so not by us
            return None

    def codes(self) -> dict[str, str | None]:
        """The code that has computed each finished point; None where it is not known."""
        return {file.parent.name: code_of(file) for file in sorted(self.path.glob("[!.]*/summary.json"))}

    def known(self) -> dict[str, Mapping[str, Any]]:
        """What came out of all finished points; nothing is changed."""
        found = {file.parent.name: read_json(file) for file in self.path.glob("[!.]*/summary.json")}
        return {key: summary for key, summary in found.items() if summary.keys() >= NEEDED}

    def remove(self, keys: Iterable[str]) -> None:
        """Take points away, so that they are computed again."""
        for key in keys:
            shutil.rmtree(self.path / key)

    def clear(self) -> None:
        """Remove what killed processes left; nobody may be at work."""
        self.path.mkdir(exist_ok=True)
        for left in self.path.glob(".*.part"):
            shutil.rmtree(left, ignore_errors=True)
        for half in self.path.iterdir():
            if half.is_dir() and not (half / "summary.json").is_file():
                shutil.rmtree(half)

    def claim(self, key: str) -> Path | None:
        """A new scratch folder for a point, or None where another process has it or it is finished."""
        if (self.path / key).exists():
            return None
        scratch = self._scratch(key)
        try:
            scratch.mkdir()
        except FileExistsError:
            return None
        if (self.path / key).exists():  # finished between the two
            scratch.rmdir()
            return None
        return scratch

    def complete(self, key: str) -> None:
        """A claimed point is finished."""
        try:
            self._scratch(key).rename(self.path / key)
        except OSError:
            if not (self.path / key).exists():
                raise
            self.give_up(key)  # two machines see each other's folders late: the first one's result stands

    def give_up(self, key: str) -> None:
        """A claimed point is not finished; another process may claim it."""
        with suppress(OSError):
            shutil.rmtree(self._scratch(key))

    def _scratch(self, key: str) -> Path:
        return self.path / f".{key}.part"


class _Tables(Observer):
    """Writes history and events, and keeps in which protocol step the run is."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder, self.protocol_step = folder, 0

    def began(self, report: Report) -> None:
        self.folder.add(report)

    def accepted(self, report: Report) -> None:
        self.folder.add(report)
        self.protocol_step = report.protocol_step


def compute(case: Case, path: Path, body: PlaneBody, asked: Sequence[int], ranks: int = 1) -> Mapping[str, Any] | None:
    """One run into a light run folder; a failure of the numerics is a reason in its summary, no error.

    Parameters
    ----------
    case : Case
    path : Path
        A folder that is empty or not there yet.
    body : PlaneBody
        The condensed bulk of the case's geometry.
    asked : sequence of int
        Signals received; the run is given up after the present step when there is one.
    ranks : int
        Ranks that work at the study, for the summary.

    Returns
    -------
    Mapping or None
        What `summary.json` says; None if the run was given up.
    """
    begun = time.monotonic()
    folder = RunFolder(path, ours=True)
    folder.begin_light(case)
    try:
        cell = build_cell(case.engine_model(), body, comm=MPI.COMM_SELF)
    except TROUBLE as error:
        return _ended(folder, _unstarted(error))
    tables = _Tables(folder)
    loop = RunLoop(cell, (tables,), fatal=TROUBLE)
    loop.asked, loop.label = lambda: bool(asked), f"point {case.content_hash()[:8]}: "
    end = loop.run()
    if end.code == ASKED_TO_STOP:
        return None
    engine = cell.engine
    assert engine is not None
    for event in (*engine.skipped, end_of(engine, end.failure)):
        folder.event(event)
    values = summary_of(engine, loop.worst, ranks=ranks, dofs=body.dofs, begun=begun)
    return _ended(folder, values | {"protocol_step": tables.protocol_step, "reason": end.failure})


def _ended(folder: RunFolder, summary: dict[str, Any]) -> Mapping[str, Any]:
    summary = summary | {"code_hash": code_hash()}
    folder.summary(summary)
    return summary


def _unstarted(error: Exception) -> dict[str, Any]:
    """The summary of a run that has no state at all."""
    return {
        "outcome": "unfinished",
        "termination": "numerical_failure",
        "steps": 0,
        "wall_time_s": 0.0,
        "charge_mAh_per_cm2": 0.0,
        "protocol_step": 0,
        "reason": _words(error),
    }


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
