"""Steps on a mesh that is refined where the solution asks for it: solve, refine, redo the step.

Nothing here knows what is solved. A mesh is refined on rank 0 (as it was made there) and distributed anew, so that the
work stays balanced and no result depends on the number of ranks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from lifrac.errors import Interrupted, NumericalFailure
from lifrac.meshes.gather_mesh import gather
from lifrac.meshes.refinement import Refined, SizeDemand, refine
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.meshes.tagged import TaggedMesh, distribute
from lifrac.parallel.collective import on_root
from lifrac.parallel.meeting import meeting_of, shared
from mpi4py import MPI
from numpy.typing import NDArray

from .gathered_fields import Fields, Floats, gather_fields, is_cellwise, scatter_fields

MAX_ROUNDS = 200
"""Refinements of one step; a crack that runs takes one for every few l."""
Arrays = dict[str, NDArray[Any]]


class Problem(Protocol):
    """A problem that is solved on one mesh."""

    def fields(self) -> Fields:
        """All that is carried to a finer mesh, by name: P1 interpolated, DG0 taken from the parent cell.

        Of what is conserved, give the amount per volume: its integral is kept to rounding; or see `amounts`.
        """
        ...

    def carried(self) -> None:
        """Bring up to date what follows from the fields after they have been filled."""
        ...

    def snapshot(self) -> Any:
        """Return a copy of the state, fields and all else."""
        ...

    def restore(self, snapshot: Any) -> None:
        """Back to a snapshot."""
        ...

    def destroy(self) -> None:
        """Free solvers; the problem is not used again."""
        ...


class Adaptive[P: Problem]:
    """A problem whose mesh follows its solution.

    The start is refined until its demands are met, each time from what `build` makes, so that a starting crack is as
    narrow as the refined cells.

    Parameters
    ----------
    tagged : TaggedMesh
        First mesh.
    build : callable of (TaggedMesh, problem or None) -> problem
        A problem on a mesh. The second argument is the one that it replaces, at the start of the step: whatever is no
        field (time, pressure) is copied from it; fields are filled afterwards. None: the initial state.
    demands : callable of problem -> sequence of SizeDemand
        Sizes wanted near the points that this rank names; as many demands on every rank.

    Attributes
    ----------
    problem : Problem
        The one on the present mesh.
    rounds : int
        Steps that were redone on a finer mesh so far.
    """

    def __init__(
        self,
        tagged: TaggedMesh,
        build: Callable[[TaggedMesh, P | None], P],
        demands: Callable[[P], Sequence[SizeDemand]],
        *,
        carried: Mapping[str, Floats] | None = None,
    ) -> None:
        self._build, self._demands = build, demands
        self._comm: MPI.Comm = tagged.mesh.comm
        self._meeting = meeting_of(self._comm)
        self._raw = gather(tagged)
        self.rounds = 0
        self.problem = build(tagged, None)
        if carried is not None:
            scatter_fields(carried, self.problem.fields())
            self.problem.carried()
        while carried is None and (refined := self._refined()) is not None:
            self.problem.destroy()
            self.problem = build(self._distributed(refined), None)
        self._start: Any = self.problem.snapshot()

    def step[R](self, solve: Callable[[P], R]) -> R:
        """Solve on a mesh that is fine enough for what comes out (collective); nothing is committed.

        Raises
        ------
        NumericalFailure
            On every rank alike: what `solve` raises, or no end of refinement. The problem is then at the start of the
            step, on the mesh reached so far.
        """
        for _ in range(MAX_ROUNDS):
            self._start = self.problem.snapshot()
            try:
                found = solve(self.problem)
            except (NumericalFailure, Interrupted) as error:
                shared(self._meeting, error)  # what follows is collective
                self.reject()
                raise
            refined = self._refined()
            if refined is None:
                return found
            self.reject()
            self._carry(refined)
            self.rounds += 1
        raise NumericalFailure(f"a step still asks for a finer mesh after {MAX_ROUNDS} refinements")

    def reject(self) -> None:
        """Back to the start of the last step, on the present mesh."""
        self.problem.restore(self._start)

    def _refined(self) -> tuple[Refined | None] | None:
        """Return the refined mesh (on rank 0) if one is wanted, else None on every rank."""
        demands = [self._gathered(demand) for demand in self._demands(self.problem)]
        found = on_root(self._comm, partial(self._refine, demands))
        return (found,) if self._comm.bcast(found is not None, root=0) else None

    def _gathered(self, demand: SizeDemand) -> SizeDemand:
        """Return the demand with the points of all ranks, on rank 0."""
        points = self._comm.gather(demand.points, root=0)
        return demand if points is None else replace(demand, points=np.concatenate(points))

    def _refine(self, demands: Sequence[SizeDemand]) -> Refined | None:
        assert self._raw is not None
        return refine(self._raw, demands)

    def _distributed(self, refined: tuple[Refined | None]) -> TaggedMesh:
        self._raw = None if refined[0] is None else refined[0].raw
        return distribute(self._comm, self._raw)

    def _carry(self, refined: tuple[Refined | None]) -> None:
        """Put a new problem in place of the present one, with its fields."""
        old, fields = self.problem, self.problem.fields()
        values = gather_fields(fields)
        if refined[0] is not None:
            values = {
                name: refined[0].cellwise(v) if is_cellwise(fields[name]) else refined[0].nodal(v)
                for name, v in values.items()
            }
        self.problem = self._build(self._distributed(refined), old)
        scatter_fields(values, self.problem.fields())
        self.problem.carried()
        old.destroy()

    def arrays(self) -> Arrays:
        """Mesh and fields on rank 0, by names that `resume` knows; empty elsewhere (collective)."""
        values = gather_fields(self.problem.fields())
        if self._raw is None:
            return {}
        raw = self._raw
        return (
            {"points": raw.points, "cells": raw.cells}
            | {f"facets_{name}": facets for name, facets in raw.groups.items()}
            | {f"cells_{name}": rows for name, rows in raw.cell_groups.items()}
            | {f"field_{name}": v for name, v in values.items()}
        )


def resume[P: Problem](
    comm: MPI.Comm,
    arrays: Mapping[str, NDArray[Any]],
    build: Callable[[TaggedMesh, P | None], P],
    demands: Callable[[P], Sequence[SizeDemand]],
) -> Adaptive[P]:
    """Return an adaptive problem from the arrays of one, which rank 0 holds; on any number of ranks (collective)."""

    def named(prefix: str) -> dict[str, NDArray[Any]]:
        return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}

    raw = None
    if comm.rank == 0:
        raw = RawMesh(arrays["points"], arrays["cells"], named("facets_"), named("cells_"))
    return Adaptive(distribute(comm, raw), build, demands, carried=named("field_"))
