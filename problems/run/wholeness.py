"""Whether what a run has written is whole up to a checkpoint, so that it can go on from there without a hole."""

import csv
import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from lifrac.errors import InputError
from lifrac.postprocess.read.field_file import FieldFile
from lifrac.quantities import HISTORY_COLUMNS
from lifrac.solver.protocol.restart import RestartData, known_to_all
from mpi4py import MPI

from .checkpoint import ANEW, read_checkpoint

SAME_TIME = 1.0e-9
"""Relative difference between a time in a table, written with twelve digits, and the same time in a checkpoint."""


def refuse_holes(path: Path, checkpoint: RestartData) -> None:
    """Refuse to go on in a run folder whose tables or fields do not reach up to a checkpoint without a hole.

    Raises
    ------
    InputError
        If a row, an event or a stored state is missing or broken; it says which.
    """
    _check_history(path / "history.csv", checkpoint)
    _check_events(path / "events.jsonl", int(checkpoint.values["event_lines"]))
    _check_fields(path / "fields.vtkhdf", checkpoint)


def _refuse(file: Path, message: str, remedy: str = ANEW) -> NoReturn:
    raise InputError(message, file=file, key="--resume", remedy=remedy)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        _refuse(file, f"cannot be read ({error})")


def _check_history(file: Path, checkpoint: RestartData) -> None:
    """Check that the history has a row for every step from 0 to that of the checkpoint."""
    last, rows = int(checkpoint.values["counters"]["steps"]), list(csv.reader(_lines(file)))
    if not rows or not set(HISTORY_COLUMNS) <= set(rows[0]):
        _refuse(file, "does not begin with the names of the columns that this version writes")
    if len(rows) < last + 2:
        _refuse(file, f"ends with step {len(rows) - 2}, but the checkpoint is of step {last}: rows are missing")
    times = [_time(file, rows[0], row, number) for number, row in enumerate(rows[1 : last + 2])]
    for number, (before, after) in enumerate(pairwise(times)):
        if after <= before:
            _refuse(file, f"step {number + 1} is not later than the step before it")
    if not math.isclose(times[-1], checkpoint.time, rel_tol=SAME_TIME, abs_tol=1.0e-300):
        _refuse(file, f"step {last} ends at {times[-1]:.12g} s, in the checkpoint at {checkpoint.time:.12g} s")


def _time(file: Path, columns: Sequence[str], row: Sequence[str], number: int) -> float:
    """Time of a step [s], whose row must be whole."""
    if len(row) != len(columns):
        _refuse(file, f"the row of step {number} has {len(row)} entries instead of {len(columns)}")
    try:
        values = dict(zip(columns, map(float, row), strict=True))
    except ValueError:
        _refuse(file, f"the row of step {number} holds what is no number")
    if values["step"] != number:
        _refuse(file, f"the row of step {number} is missing: that of step {row[0]} stands in its place")
    return values["time_s"]


def _check_events(file: Path, count: int) -> None:
    """As many events as when the checkpoint was made."""
    lines = _lines(file)
    if len(lines) < count:
        _refuse(file, f"holds {len(lines)} events, but there were {count} when the checkpoint was made")
    for number, line in enumerate(lines[:count], 1):
        try:
            whole = isinstance(json.loads(line), dict)
        except ValueError:
            whole = False
        if not whole:
            _refuse(file, f"line {number} is no event")


def _check_fields(file: Path, checkpoint: RestartData) -> None:
    """Check that the state that was stored last is there; a file that has been taken away is begun anew."""
    stored = float(checkpoint.values["driver"]["stored_at"])
    if not file.exists() or stored < 0.0:
        return
    remedy = "Move it away, so that a new one begins, and give the same command again"
    try:
        times = FieldFile(file).times
    except InputError as error:
        _refuse(file, error.message, remedy)
    if not any(math.isclose(time, stored, rel_tol=SAME_TIME, abs_tol=1.0e-300) for time in times):
        _refuse(file, f"lacks the state that was stored at {stored:.12g} s", remedy)


def last_checkpoint(out: Path, comm: MPI.Comm) -> RestartData:
    """Return the checkpoint that a run goes on from, with its arrays on rank 0 (collective).

    It counts only if what was written reaches up to it.
    """

    def read() -> RestartData:
        checkpoint = read_checkpoint(out)
        refuse_holes(out, checkpoint)
        return checkpoint

    return known_to_all(comm, read)
