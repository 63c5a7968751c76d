"""One run of a study in a light run folder: tables and summary, no fields and no checkpoints."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, override

import numpy as np
from lifrac.errors import NumericalFailure
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.collective import decided, on_root
from lifrac.problems.case.case import Case
from lifrac.problems.run.accuracy import companion, errors_of, least_error
from lifrac.problems.run.code_version import code_hash
from lifrac.problems.run.companion_run import run_companion
from lifrac.problems.run.loop import ASKED_TO_STOP, DONE, Observer, RunLoop
from lifrac.problems.run.run_folder import RunFolder
from lifrac.problems.run.summary import last_events, summary_of
from lifrac.solver.cell import Report
from lifrac.solver.cells import Domain, build_cell
from mpi4py import MPI

FAILURES = (NumericalFailure, ArithmeticError, np.linalg.LinAlgError)
"""Errors that a run may end in without saying anything about the cell."""


class _Tables(Observer):
    """Writes history and events, and keeps in which protocol step the run is (collective on `comm`)."""

    def __init__(self, folder: RunFolder | None, comm: MPI.Comm) -> None:
        self.folder, self.comm, self.protocol_step = folder, comm, 0

    @override
    def began(self, report: Report) -> None:
        self._add(report)

    @override
    def accepted(self, report: Report) -> None:
        self._add(report)
        self.protocol_step = report.protocol_step

    def _add(self, report: Report) -> None:
        on_root(self.comm, lambda: None if self.folder is None else self.folder.add(report))


def compute(
    case: Case,
    path: Path,
    domain: Domain,
    interrupts: Sequence[int],
    ranks: int = 1,
    coarse_domain: Domain | None = None,
) -> Mapping[str, Any] | None:
    """Compute one run into a light run folder; a failure of the numerics is a reason in its summary, no error.

    Collective on the ranks that have the mesh, with the phase-field engine; a plane cell is stepped by one rank.

    Parameters
    ----------
    case : Case
    path : Path
        A folder that is empty or not there yet.
    domain : PlaneBody or TaggedMesh
        The condensed bulk of the case's geometry, or its mesh.
    interrupts : sequence of int
        Signals received; the run is given up after the present step when there is one.
    ranks : int
        Ranks that work at the study, for the summary.
    coarse_domain : PlaneBody or TaggedMesh, optional
        The same of its companion, from which numerical errors follow; default: it is made.

    Returns
    -------
    Mapping or None
        What `summary.json` says, on every rank; None if the run was given up.
    """
    begun = time.monotonic()
    comm = domain.mesh.comm if isinstance(domain, TaggedMesh) else MPI.COMM_SELF
    met_alike: tuple[type[Exception], ...] = (NumericalFailure,)  # by ranks that step together
    fatal = FAILURES if comm.size == 1 else met_alike
    folder = on_root(comm, lambda: _begin(path, case))
    try:
        cell = build_cell(case.engine_model(), domain, comm=comm)
    except fatal as error:
        unstarted = _unstarted(error)
        return _ended(folder, comm, lambda: unstarted)
    tables = _Tables(folder, comm)
    loop = RunLoop(cell, (tables,), fatal=fatal)
    loop.stop_requested, loop.label = lambda: bool(interrupts), f"point {case.content_hash()[:8]}: "
    end = loop.run()
    beside = _companion(case, comm, coarse_domain, interrupts) if end.code == DONE else None
    if end.code == ASKED_TO_STOP or interrupts:
        return None

    def summarise() -> dict[str, Any]:
        engine = cell.engine
        assert engine is not None
        assert folder is not None
        for event in last_events(engine, end.failure):
            folder.event(event)
        values = summary_of(engine, loop.largest_values, ranks=ranks, dofs=cell.dofs, begun=begun)
        values |= errors_of(values, beside, least_error(case))
        return values | {"protocol_step": tables.protocol_step, "reason": end.failure}

    return _ended(folder, comm, summarise)


def _companion(
    case: Case, comm: MPI.Comm, domain: Domain | None, interrupts: Sequence[int]
) -> Mapping[str, Any] | None:
    """Return the summary of the companion of a run, if it has one."""
    coarse = companion(case)
    return None if coarse is None else run_companion(coarse, comm, domain, lambda: bool(interrupts))


def _begin(path: Path, case: Case) -> RunFolder:
    folder = RunFolder(path, ours=True)
    folder.begin_light(case)
    return folder


def _ended(folder: RunFolder | None, comm: MPI.Comm, summarise: Callable[[], dict[str, Any]]) -> Mapping[str, Any]:
    """Write the summary on rank 0; it is the same on every rank (collective)."""

    def write() -> dict[str, Any]:
        assert folder is not None
        summary = summarise() | {"code_hash": code_hash()}
        folder.summary(summary)
        return summary

    return decided(comm, write)


def _unstarted(error: Exception) -> dict[str, Any]:
    """Return the summary of a run that has no state at all."""
    return {
        "outcome": "unfinished",
        "termination": "numerical_failure",
        "steps": 0,
        "wall_time_s": 0.0,
        "charge_mAh_per_cm2": 0.0,
        "protocol_step": 0,
        "reason": _reason(error),
    }


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
