"""Equations of a cell at given damage: their forms, one matrix of blocks, and its solution with the cell voltage.

momentum   int sigma(u, d):eps(v) + int v.(sigma_s + p 1) grad d = 0    (u counts from the intact body, `loads`)
charge     int kappa grad phi.grad q + int |grad d| s j q + (electrode faces) = 0
lithium    V_i(u) - m_i = 0 where the crack is full, p_i = 0 elsewhere
control    what the protocol asks of the current I through the counter electrode and of the voltage V
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc
from lifrac.solver.model.control import Closure
from lifrac.solver.model.lithium import Creep
from lifrac.solver.numerics.linear import LinearSolver
from lifrac.solver.numerics.newton_log import Norms
from lifrac.solver.numerics.nodal import NodalSums, owned_sum
from lifrac.solver.phase_field.fracture.energy import Energy
from lifrac.solver.phase_field.fracture.fields import Floats, State
from lifrac.solver.physics import lithium
from lifrac.solver.physics.symbolic import symbolic
from mpi4py import MPI
from numpy.typing import NDArray
from ufl.core.expr import Expr

from .band import Band
from .charge_transfer import NodalCurrents

WALL_MOBILITY = 1.0e2
"""Mobility of lithium along the walls of pores, over that across a band: a pore has one pressure."""


@dataclass(frozen=True)
class CellFields:
    """Fields of a cell besides displacement and damage, all P1."""

    state: State
    """Displacement [um] and damage."""
    potential: fem.Function
    """phi [V]."""
    pressure: fem.Function
    """p of the lithium [MPa]."""
    aperture: fem.Function
    """Width of the crack [um]; zero beside it."""
    fill_fraction: fem.Function
    """Part of the crack's surface that plates [-]."""

    @classmethod
    def on(cls, state: State) -> "CellFields":
        """Empty fields on the mesh of a state."""
        space = state.damage.function_space
        spaces = [fem.functionspace(space.mesh, ("Lagrange", 1)) for _ in range(2)]
        return cls(
            state,
            fem.Function(spaces[0], name="potential"),
            fem.Function(spaces[1], name="pressure"),
            fem.Function(space, name="aperture"),
            fem.Function(space, name="filled"),
        )


@dataclass(frozen=True)
class Sizes:
    """Sizes that residuals are compared with."""

    current: float
    """Current of the cell [A/m2 um, times um in 3D]; positive also at rest."""
    voltage: float
    """[V]."""
    volume: float
    """Volume of the flaw [um2, um3 in 3D]."""


@dataclass(frozen=True)
class Increment:
    """Change of all unknowns in one iteration."""

    fields: Floats
    """Displacement, potential, pressure: owned dofs."""
    voltage: float

    def times(self, factor: float) -> "Increment":
        """Return a part of it."""
        return Increment(factor * self.fields, factor * self.voltage)


class CellEquations:
    """Forms, matrix and solver, made once.

    Parameters
    ----------
    fields : CellFields
    energy : Energy
        Of the body and its loads, whose derivative in u is the momentum balance.
    load : ufl.Form
        Energy of the loads alone: its derivative measures residuals.
    opening : ufl.Form
        Opening of the crack against the test function of the pressure (`CrackVolume.form`).
    conductivity : Expr
        kappa [A/m2 per V/um].
    flow : ufl.Form
        Creep of lithium against the same test function (`lithium_flow`).
    prescribed : sequence of fem.DirichletBC
        Displacements that are given.
    velocity : float
        Omega/F [um/s per A/m2].

    Attributes
    ----------
    dt : fem.Constant
        Time step [s].
    """

    def __init__(
        self,
        fields: CellFields,
        energy: Energy,
        load: ufl.Form,
        opening: ufl.Form,
        conductivity: Expr,
        flow: ufl.Form,
        *,
        prescribed: Sequence[fem.DirichletBC],
        velocity: float,
    ) -> None:
        self.fields, self.prescribed, self.velocity = fields, list(prescribed), velocity
        space = fields.state.damage.function_space
        self.space, self.comm, self.dim = space, space.mesh.comm, space.mesh.geometry.dim
        self.owned: int = space.dofmap.index_map.size_local
        self.dt = fem.Constant(space.mesh, 1.0)
        self._weights = {k: fem.Function(space) for k in ("phi_phi", "phi_p", "p_phi", "p_p")}
        self._sums, self._force_sums = NodalSums(space), NodalSums(fields.state.displacement.function_space)
        self.node_volume = self._sums.of(fem.form(ufl.TestFunction(space) * ufl.dx(metadata=lithium.LUMPED)))
        """int v dx of each node, ghosts included [um2, um3 in 3D]."""
        self._compile(energy, load, opening, conductivity, flow)
        self._is_prescribed = np.zeros(self.owned * self.dim, dtype=bool)
        for bc in prescribed:
            dofs, first_ghost = bc.dof_indices()
            self._is_prescribed[dofs[:first_ghost]] = True
        self._no_pressure = fem.Function(fields.pressure.function_space)
        self._solver: LinearSolver | None = None

    def _compile(self, energy: Energy, load: ufl.Form, opening: ufl.Form, conductivity: Expr, flow: ufl.Form) -> None:
        u, phi, p = self.fields.state.displacement, self.fields.potential, self.fields.pressure
        (v, q, r), (du, dphi, dp) = ([kind(f.function_space) for f in (u, phi, p)] for kind in _ARGUMENTS)
        lumped, w = ufl.dx(metadata=lithium.LUMPED), self._weights
        force = ufl.derivative(energy.total(u, self.fields.state.damage), u, v)
        charge = conductivity * ufl.inner(ufl.grad(phi), ufl.grad(q)) * ufl.dx
        charge_by_phi = ufl.derivative(charge, phi, dphi) + w["phi_phi"] * dphi * q * lumped
        flow_by_p = self.dt * ufl.derivative(flow, p, dp) + w["p_p"] * dp * r * lumped
        blocks = [
            [ufl.derivative(force, u, du), None, ufl.derivative(force, p, dp)],
            [None, charge_by_phi, w["phi_p"] * dp * q * lumped],
            [ufl.derivative(opening, u, du), w["p_phi"] * dphi * r * lumped, flow_by_p],
        ]
        self._blocks = [[None if b is None else fem.form(b) for b in row] for row in blocks]
        self._force, self._charge, self._flow = fem.form(force), fem.form(charge), fem.form(flow)
        self._load = fem.form(ufl.derivative(load, u, v))
        self.matrix = fem_petsc.create_matrix(self._blocks)  # type: ignore[arg-type]
        self._right, self._step = self.matrix.createVecs()

    def outflow(self) -> Floats:
        """Lithium that creeps out of each node [um2/s, um3/s in 3D] (collective)."""
        return self._sums.of(self._flow)

    def current(self, currents: NodalCurrents) -> float:
        """I through the counter electrode [A/m2 um, times um in 3D] (collective)."""
        return owned_sum(currents.counter, self.space)

    def residuals(self, currents: NodalCurrents, lithium_missing: Floats, closure: Closure, sizes: Sizes) -> Norms:
        """Leave minus the residual in the right-hand side; its scaled norms (collective).

        Parameters
        ----------
        currents : NodalCurrents
            Currents at the present state.
        lithium_missing : ndarray
            V_i - m_i of full nodes, zero elsewhere.
        closure : Closure
            What the control asks at the present state.
        """
        n = self.owned
        r_u, load = self._owned_force(self._force), self._owned_force(self._load)
        reaction = np.where(self._is_prescribed, r_u, 0.0)
        r_u = np.where(self._is_prescribed, 0.0, r_u)
        r_phi = self._sums.of(self._charge) + currents.crack + currents.anode - currents.counter
        self._right.setArray(-np.concatenate([r_u, r_phi[:n], lithium_missing[:n]]))
        squares = self.comm.allreduce(np.array([r_u @ r_u, load @ load, reaction @ reaction]), op=MPI.SUM)
        self._closure = closure
        return Norms(
            {
                "momentum": float(np.sqrt(squares[0] / max(squares[1] + squares[2], 1.0e-20))),
                "charge": owned_sum(np.abs(r_phi), self.space) / sizes.current,
                "control": closure.defect(sizes.current, sizes.voltage),
                "lithium": owned_sum(np.abs(lithium_missing), self.space) / sizes.volume,
            }
        )

    def _owned_force(self, form: fem.Form) -> Floats:
        return self._force_sums.of(form)[: self.owned * self.dim]

    def linearise(self, currents: NodalCurrents, given: NDArray[np.int32]) -> None:
        """Factorise the matrix at the present state (collective).

        Parameters
        ----------
        currents : NodalCurrents
            Currents and their derivatives.
        given : ndarray of int
            Nodes whose pressure is given.
        """
        w, m, rate = self._weights, self.node_volume, float(self.dt.value) * self.velocity
        by_potential = currents.crack_by_potential + currents.anode_by_potential + currents.counter_by_drop
        w["phi_phi"].x.array[:] = by_potential / m
        w["phi_p"].x.array[:] = currents.crack_by_pressure / m
        w["p_phi"].x.array[:] = -rate * currents.crack_by_potential / m
        w["p_p"].x.array[:] = -rate * currents.crack_by_pressure / m
        bcs = [*self.prescribed, fem.dirichletbc(self._no_pressure, given)]
        self.matrix.zeroEntries()
        fem_petsc.assemble_matrix(self.matrix, self._blocks, bcs)  # type: ignore[arg-type]
        self.matrix.assemble()
        if self._solver is None:
            self._solver = LinearSolver(self.matrix, "general", "cell")
        else:
            self._solver.refill()
        self._counter_by_drop = currents.counter_by_drop[: self.owned].copy()
        self._by_voltage: Floats | None = None

    def increment(self) -> Increment:
        """Newton's increment for the residual that was evaluated last (collective).

        The voltage is eliminated by the control's equation: the counter electrode's current follows V and the potential
        by dI = sum of drop (dV - dphi).
        """
        step = self._solved()
        drop, phi = self._counter_by_drop, slice(self.owned * self.dim, self.owned * (self.dim + 1))
        if self._by_voltage is None:
            self._right.setArray(np.concatenate([np.zeros(phi.start), drop, np.zeros(self.owned)]))
            self._by_voltage = self._solved()
        local = np.array([drop @ step[phi], drop @ self._by_voltage[phi], drop.sum()])
        sums = self.comm.allreduce(local, op=MPI.SUM)
        ask = self._closure
        dv = float((ask.missing + ask.by_current * sums[0]) / (ask.by_current * (sums[2] - sums[1]) + ask.by_voltage))
        return Increment(step + dv * self._by_voltage, dv)

    def _solved(self) -> Floats:
        """Solution for the present right-hand side, owned unknowns."""
        assert self._solver is not None
        self._solver.solve(self._right, self._step)
        return np.array(self._step.getArray(readonly=True))

    def parts(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Owned values of displacement, potential and pressure."""
        first, second = self.owned * self.dim, self.owned * (self.dim + 1)
        return values[:first], values[first:second], values[second:]

    def add(self, values: Floats) -> None:
        """Move displacement, potential and pressure (collective)."""
        fields = (self.fields.state.displacement, self.fields.potential, self.fields.pressure)
        for function, part in zip(fields, self.parts(values), strict=True):
            function.x.array[: len(part)] += part
            function.x.scatter_forward()

    def destroy(self) -> None:
        """Free solver and matrix."""
        if self._solver is not None:
            self._solver.destroy()
        for thing in (self.matrix, self._right, self._step):
            thing.destroy()


_ARGUMENTS = (ufl.TestFunction, ufl.TrialFunction)


def lithium_flow(
    fields: CellFields,
    band: Band,
    creep: Creep,
    across_mobility: fem.Constant,
    test: ufl.Argument,
    walls: ufl.Measure | None,
) -> ufl.Form:
    """Return int gamma [M_t grad_t p . grad_t r + M_n grad_n p . grad_n r] dx, and the flow along the walls of pores.

    Parameters
    ----------
    across_mobility : fem.Constant
        M_n [um3/(MPa s)], so large that p is uniform through the band.
    test : ufl.Argument
        r.
    walls : ufl.Measure, optional
        Of the walls of pores, where lithium spreads freely.
    """
    msh = fields.pressure.function_space.mesh
    slope, across = ufl.grad(fields.pressure), band.across
    along = ufl.dot(ufl.Identity(msh.geometry.dim) - across, slope)
    w = lithium.passage(fields.aperture, ufl.CellDiameter(msh))
    crept = lithium.mobility(symbolic(msh, creep), w, along) * along
    moved = crept + across_mobility * ufl.dot(across, slope)
    flow = band.open_cells * band.gamma * ufl.inner(moved, ufl.grad(test)) * ufl.dx(metadata=lithium.MIDPOINT)
    if walls is not None:
        n = ufl.FacetNormal(msh)
        tangent = slope - ufl.inner(slope, n) * n
        flow += WALL_MOBILITY * across_mobility * ufl.inner(tangent, ufl.grad(test)) * walls
    return flow
