"""Computes the companion of a run, from which its numerical errors follow (`accuracy`)."""

from collections.abc import Callable, Mapping
from typing import Any

from lifrac.errors import NumericalFailure
from lifrac.problems.case.case import Case
from lifrac.quantities import in_units
from lifrac.solver.cells import Domain, build_cell
from mpi4py import MPI

from .loop import RunLoop
from .meshing import make_mesh
from .summary import capacities, of_protocol


def run_companion(
    coarse: Case, comm: MPI.Comm, domain: Domain | None = None, stop_requested: Callable[[], bool] = lambda: False
) -> Mapping[str, Any]:
    """Run a companion in memory, and return of its summary what errors follow from (collective on `comm`).

    Parameters
    ----------
    coarse : Case
        From `companion`.
    comm : MPI.Comm
    domain : PlaneBody or TaggedMesh, optional
        Its condensed bulk or its mesh, where there is one.
    stop_requested : callable
        Whether somebody asks to stop; rank 0 decides.
    """
    try:
        cell = build_cell(coarse.engine_model(), make_mesh(coarse, comm) if domain is None else domain, comm=comm)
    except NumericalFailure:  # on every rank alike
        return {"outcome": "unfinished", "termination": "numerical_failure"}
    loop = RunLoop(cell)
    loop.stop_requested, loop.label = stop_requested, "companion run: "
    end = loop.run()
    of_run = cell.on_all(lambda engine: capacities(engine.counters.first_events) | of_protocol(engine))
    return {"outcome": end.outcome, "termination": end.termination} | in_units(of_run)
