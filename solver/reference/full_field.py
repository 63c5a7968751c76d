"""Conduction and elasticity in the whole electrolyte, without condensation: 2D plane strain and 3D alike.

For single states of a cell with a given flaw, on any number of ranks, with either preset; the plane engine is
checked against them. The flaw is the part of the crack plane within `flaw_length` of the origin (mouth).
"""

from dataclasses import dataclass
from typing import override

import dolfinx
import numpy as np
import ufl
from dolfinx import fem, mesh
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.collective import largest
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.loads import Loads
from lifrac.solver.numerics.linear import LinearSolver
from lifrac.solver.numerics.newton import Convergence, LineSearch, Newton, NewtonProblem
from lifrac.solver.numerics.newton_log import Norms
from lifrac.solver.numerics.presets import Preset
from lifrac.solver.physics.constants import thermal_voltage
from lifrac.solver.physics.constriction import constricted
from lifrac.solver.physics.kinetics import ChargeTransfer
from lifrac.solver.physics.lithium import LUMPED
from lifrac.solver.plane.bulk import assemble_conduction, assemble_stiffness, face_load, held_rows, support
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

Floats = NDArray[np.float64]
FLAW = 91
"""Tag of the flaw's facets; no group of a mesh has it."""
TOLERANCE = 1.0e-11
"""Tolerance of overpotentials against 4RT/F, and of currents against the applied one: rounding leaves about 1e-13."""
STAGNATION = 1.0e-9
"""A good conductor leaves more of its currents: rounding of kappa grad phi, which all but vanishes."""
METHOD = Newton(
    "conduction",
    Convergence(TOLERANCE, max_iterations=30, stagnation=STAGNATION, min_iterations=1),
    LineSearch(trials=7, settling=1),
)


@dataclass(frozen=True)
class ConductionState:
    """A galvanostatic state of the cell."""

    potential: fem.Function
    """phi [V], P1; zero is the potential of the anode's metal."""
    cell_voltage: float
    """[V]."""
    flaw_current: float
    """Current into the flaw's face of the half model, per depth in 2D [A/m2 um] or [A/m2 um2]."""
    history: tuple[float, ...]
    """Scaled residual of the start, and after each Newton iteration."""

    @property
    def iterations(self) -> int:
        """Number of Newton iterations."""
        return len(self.history) - 1


def solve_conduction(
    tagged: TaggedMesh,
    conductivity: float,
    anode: Kinetics,
    counter: Kinetics,
    current_density: float,
    flaw_length: float = 0.0,
    preset: Preset = "direct",
) -> ConductionState:
    """div(kappa grad phi) = 0 between faces with charge transfer, at a mean current density (collective).

    The cell voltage is an unknown. Metal in the flaw is at the anode's potential and plates by its kinetics,
    without stress.

    Parameters
    ----------
    conductivity : float
        kappa [A/m2 per V/um].
    anode, counter : Kinetics
        With film and contact fraction (which the flaw's faces do not have).
    current_density : float
        Per area of the anode [A/m2]; positive plates there.
    flaw_length : float
        Length of the metal-filled flaw [um]; 0: the crack plane insulates.

    Raises
    ------
    NumericalFailure
        On every rank alike, when Newton's method or a linear solver does not converge.
    """
    return _Cell(tagged, conductivity, anode, counter, flaw_length).solve(current_density, preset)


def solve_elasticity(
    tagged: TaggedMesh,
    electrolyte: Electrolyte,
    loads: Loads,
    crack_pressure: float = 0.0,
    flaw_length: float = 0.0,
    preset: Preset = "direct",
) -> fem.Function:
    """Displacement u [um], P1, of the half model under its loads and a pressure in the flaw (collective).

    u_x = 0 by symmetry on the crack plane outside the flaw; u_y = 0 on the counter electrode.

    Parameters
    ----------
    crack_pressure : float
        Uniform pressure on the flaw's faces [MPa].
    flaw_length : float
        [um].

    Raises
    ------
    NumericalFailure
        On every rank alike, when the linear solver does not converge.
    """
    space = fem.functionspace(tagged.mesh, ("Lagrange", 1, (tagged.mesh.geometry.dim,)))
    tags, ds = _faces(tagged, flaw_length)
    matrix = assemble_stiffness(space, electrolyte.poisson_ratio)
    anode, lateral, crack = (tagged.groups[name] for name in ("anode", "lateral", "crack_plane"))
    faces = ((anode, loads.stack_pressure), (lateral, -loads.lateral_stress), (FLAW, crack_pressure))
    load = matrix.createVecRight()
    for tag, pressure in faces:
        part = face_load(space, ds(tag), pressure / electrolyte.youngs_modulus)
        load.setArray(load.getArray(readonly=True) + part.getArray(readonly=True))
        part.destroy()
    u = fem.Function(space, name="displacement")
    rows = held_rows(space, [*support(tagged, loads), (tags.find(crack), 0)])
    held = load.duplicate()
    matrix.zeroRowsColumns(rows, diag=1.0, x=held, b=load)
    solver = LinearSolver(matrix, preset)
    solver.solve(load, u.x.petsc_vec)
    u.x.scatter_forward()
    for thing in (solver, matrix, load, held):
        thing.destroy()
    return u


def _faces(tagged: TaggedMesh, flaw_length: float) -> tuple[mesh.MeshTags, ufl.Measure]:
    """Facet tags with the flaw's facets as a group of their own, and their measure."""
    msh = tagged.mesh
    fdim = msh.topology.dim - 1
    values = tagged.facet_tags.values.copy()
    crack = np.flatnonzero(values == tagged.groups["crack_plane"])
    # By the nodes of each facet, ghosts included: dofs on a facet that stays in `crack_plane` are held.
    msh.topology.create_connectivity(fdim, msh.topology.dim)
    x = msh.geometry.x[mesh.entities_to_geometry(msh, fdim, tagged.facet_tags.indices[crack])]
    inside = (np.hypot(x[..., 1], x[..., 2]) <= flaw_length * (1.0 + 1.0e-6)).all(axis=1)
    values[crack[inside]] = FLAW
    tags = mesh.meshtags(msh, fdim, tagged.facet_tags.indices, values)
    return tags, ufl.Measure("ds", domain=msh, subdomain_data=tags)


class _Face:
    """Charge transfer on one group of facets, node by node (lumped)."""

    def __init__(self, kinetics: ChargeTransfer, drop: fem.Function, ds: ufl.Measure, contact_fraction: float) -> None:
        space = drop.function_space
        self.current = fem.Function(space)
        """j of each node [A/m2 of touching area]."""
        j, d, q = ufl.variable(self.current), ufl.variable(drop), ufl.TestFunction(space)
        f = kinetics.residual(j, d, 0.0)
        forms = (f, ufl.diff(f, j), ufl.diff(f, d))
        self._forms = [fem.form(g * q * ds(metadata=LUMPED)) for g in forms]
        area = _assembled(fem.form(contact_fraction * q * ds(metadata=LUMPED)))
        self._touches = area > 0.0
        self.area = np.where(self._touches, area, 0.0)
        self._lumped = np.where(self._touches, self.area / contact_fraction, 1.0)

    def linearise(self) -> tuple[Floats, Floats, Floats]:
        """(defect [V], shift, slope) of owned nodes: j has to change by shift + slope * (change of drop)."""
        f, by_current, by_drop = (_assembled(form) for form in self._forms)
        by_current = np.where(self._touches, by_current, -1.0)
        on = self._touches
        return f / self._lumped, np.where(on, -f / by_current, 0.0), np.where(on, -by_drop / by_current, 0.0)


def _assembled(form: fem.Form) -> Floats:
    """Owned entries of a linear form (collective)."""
    b = fem.assemble_vector(form)
    b.scatter_reverse(dolfinx.la.InsertMode.add)
    space = form.function_spaces[0]
    return np.array(b.array[: space.dofmap.index_map.size_local])


@dataclass(frozen=True)
class _Terms:
    """Terms of one Newton iteration, on owned nodes; faces in the order anode, flaw, counter."""

    balance: Floats
    """Current that is created at each node [A/m2 um]."""
    missing: float
    shifts: list[Floats]
    slopes: list[Floats]


@dataclass(frozen=True)
class _Increment:
    potential: Floats
    voltage: float
    currents: list[Floats]


class _Cell(NewtonProblem[_Increment]):
    """Potential, face currents and cell voltage at a mean current density.

    With the currents eliminated node by node, K + D is symmetric positive definite (D > 0 on the faces), and
    the voltage borders it: two solves with one matrix per iteration.
    """

    def __init__(
        self, tagged: TaggedMesh, conductivity: float, anode: Kinetics, counter: Kinetics, flaw_length: float
    ) -> None:
        self.comm = tagged.mesh.comm
        space = fem.functionspace(tagged.mesh, ("Lagrange", 1))
        self.owned = space.dofmap.index_map.size_local
        _, ds = _faces(tagged, flaw_length)
        self.phi, self.drop = fem.Function(space, name="potential"), fem.Function(space)
        groups = tagged.groups
        face, counter = constricted(anode, conductivity), constricted(counter, conductivity)
        self.plating = [
            _Face(ChargeTransfer(face), self.phi, ds(groups["anode"]), anode.contact_fraction),
            _Face(ChargeTransfer(anode), self.phi, ds(FLAW), 1.0),
        ]
        self.stripping = _Face(
            ChargeTransfer(counter, plating=False), self.drop, ds(groups["counter"]), counter.contact_fraction
        )
        self._faces = (*self.plating, self.stripping)
        self.matrix = assemble_conduction(space)
        self.matrix.scale(conductivity)
        self._matrix: PETSc.Mat | None = None
        self._solver: LinearSolver | None = None
        self.area = self._sum(self.plating[0].area) / anode.contact_fraction
        self.scale = 4.0 * thermal_voltage(anode.temperature)
        self.exchange = anode.exchange_current
        self.voltage = 0.0

    def _sum(self, local: Floats) -> float:
        return float(self.comm.allreduce(float(local.sum()), op=MPI.SUM))

    def solve(self, current_density: float, preset: Preset) -> ConductionState:
        """Damped Newton; every decision follows from all-reduced numbers."""
        self.total, self.preset = current_density * self.area, preset
        try:
            found = METHOD.solve(self)
        finally:
            self._free()
        flaw = self.plating[1]
        into = self._sum(flaw.area * flaw.current.x.array[: self.owned])
        return ConductionState(self.phi, self.voltage, into, tuple(norms.largest for norms in found.norms))

    def _free(self) -> None:
        for thing in (self._solver, self._matrix):
            if thing is not None:
                thing.destroy()
        self._solver = self._matrix = None

    @override
    def residual(self) -> Norms:
        n = self.owned
        self.drop.x.array[:] = self.voltage - self.phi.x.array
        x, y = self.matrix.createVecs()
        x.setArray(self.phi.x.array[:n])
        self.matrix.mult(x, y)
        balance = y.getArray(readonly=True).copy()
        x.destroy()
        y.destroy()
        parts = [face.linearise() for face in self._faces]
        for face, sign in zip(self._faces, (1.0, 1.0, -1.0), strict=True):
            balance += sign * face.area * face.current.x.array[:n]
        missing = self.total - self._sum(self.stripping.area * self.stripping.current.x.array[:n])
        worst = float(np.max([np.abs(part[0]).max(initial=0.0) for part in parts])) / self.scale
        flowing = abs(self.total) + 1.0e-3 * self.exchange * self.area
        unbalanced = (self._sum(np.abs(balance)) + abs(missing)) / flowing
        self._terms = _Terms(balance, missing, [p[1] for p in parts], [p[2] for p in parts])
        return Norms({"charge transfer": largest(self.comm, worst), "current": unbalanced})

    @override
    def linearise(self) -> int:
        self._free()
        self._matrix = self.matrix.copy()
        slopes = [face.area * slope for face, slope in zip(self._faces, self._terms.slopes, strict=True)]
        diagonal = self._matrix.createVecRight()
        diagonal.setArray(sum(slopes))
        self._matrix.setDiagonal(diagonal, addv=PETSc.InsertMode.ADD_VALUES)
        diagonal.destroy()
        self._solver = LinearSolver(self._matrix, self.preset, "conduction")
        return 0

    @override
    def increment(self) -> _Increment:
        """[K + D, -b; -b', sum b] with b = A dj/d(drop) on the counter electrode, through two solves."""
        assert self._solver is not None
        terms = self._terms
        moved = [face.area * shift for face, shift in zip(self._faces, terms.shifts, strict=True)]
        b = self.stripping.area * terms.slopes[2]
        right_side, solution = self.matrix.createVecs()
        found = []
        for right in (-terms.balance - moved[0] - moved[1] + moved[2], b):
            right_side.setArray(right)
            self._solver.solve(right_side, solution)
            found.append(solution.getArray(readonly=True).copy())
        right_side.destroy()
        solution.destroy()
        lacking = terms.missing - self._sum(moved[2]) + self._sum(b * found[0])
        dv = lacking / (self._sum(b) - self._sum(b * found[1]))
        dphi = found[0] + dv * found[1]
        drops = (dphi, dphi, dv - dphi)
        rules = zip(terms.shifts, terms.slopes, drops, strict=True)
        currents = [shift + slope * d for shift, slope, d in rules]
        return _Increment(dphi, dv, currents)

    @override
    def move(self, increment: _Increment, factor: float, taken: float) -> None:
        n = self.owned
        part = factor - taken
        self.voltage += part * increment.voltage
        self.phi.x.array[:n] += part * increment.potential
        self.phi.x.scatter_forward()
        for face, change in zip(self._faces, increment.currents, strict=True):
            face.current.x.array[:n] += part * change
            face.current.x.scatter_forward()
