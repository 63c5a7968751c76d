"""Domains of the runs of a study: condensed bulks that all ranks share, or meshes of a team of ranks."""

from collections.abc import Sequence
from typing import Any

from lifrac.errors import InputError
from lifrac.problems.case.case import Case
from lifrac.problems.run.accuracy import companion
from lifrac.problems.run.meshing import make_mesh
from lifrac.solver.cells import Domain
from lifrac.solver.model.cell_model import PlaneModel
from lifrac.solver.plane.body import PlaneBody, condense
from mpi4py import MPI


def team_of(comm: MPI.Comm, ranks: int, noun: str = "study") -> MPI.Comm:
    """Ranks that compute a run together with this one (collective).

    Parameters
    ----------
    comm : MPI.Comm
        All ranks of the study.
    ranks : int
        How many make a team, as stated in `[study]` or `[sweep]`.
    noun : str
        Which of the two.

    Raises
    ------
    InputError
        On every rank alike, if some of them would be in no whole team.
    """
    if comm.size % ranks:
        raise InputError(
            f"the {noun} was started on {comm.size} ranks, which are no whole number of teams",
            key=f"{noun}.ranks",
            value=ranks,
            remedy=f"Start it by `mpiexec -n` with a multiple of {noun}.ranks, or through Snakemake with --profile",
        )
    return MPI.COMM_SELF if ranks == 1 else comm.Split(comm.rank // ranks, comm.rank)


class Domains:
    """Meshes and condensed bulks of a study, each made once (collective on `comm`).

    Parameters
    ----------
    comm : MPI.Comm
        All ranks of the study: they mesh and condense together what plane cells share.
    team : MPI.Comm, optional
        Ranks that compute a phase-field cell together, on a mesh of their own; default: each on its own.
    """

    def __init__(self, comm: MPI.Comm, team: MPI.Comm | None = None) -> None:
        self.comm, self.team = comm, MPI.COMM_SELF if team is None else team
        self._made: dict[Any, Domain] = {}
        """Domains by what each depends on, its mesh first."""

    def make(self, cases: Sequence[Case]) -> None:
        """Mesh, and condense, what these cases and their companions need."""
        coarse = (companion(case) for case in cases)
        for case in (*cases, *(each for each in coarse if each is not None)):
            key = domain_key(case)
            if key not in self._made:
                self._made[key] = self._condensed(case) if _condenses(case) else make_mesh(case, self.team)

    def of(self, case: Case) -> Domain:
        """Return what a case is computed on (not collective)."""
        return self._made[domain_key(case)]

    def _condensed(self, case: Case) -> PlaneBody:
        mesh, model = case.geometry(), case.engine_model()
        bodies = ((key[0], body) for key, body in self._made.items() if isinstance(body, PlaneBody))
        alike = next((body for other, body in bodies if other == mesh), None)
        tagged = make_mesh(case, self.comm) if alike is None else alike.tagged
        surface = None if alike is None else alike.surface
        return condense(tagged, model.electrolyte.poisson_ratio, model.loads, case.bulk_solver, surface=surface)


def _condenses(case: Case) -> bool:
    return isinstance(case.engine_model(), PlaneModel)


def domain_key(case: Case) -> tuple[Any, ...]:
    """Return what the mesh depends on and, where there is one, what the condensed bulk does."""
    mesh = case.geometry()
    if not _condenses(case):
        return (mesh,)
    model = case.engine_model()
    return mesh, model.electrolyte.poisson_ratio, model.loads.lateral
