"""A cell with a diffuse crack at given damage: displacement, potential and lithium pressure in one Newton method.

    momentum   int sigma(u, d):eps(v) + int v.(sigma_s + p 1) grad d = 0      (u counts from the sound body, `loads`)
    charge     int kappa grad phi.grad q + int |grad d| s j q + (electrode faces) = 0
    lithium    V_i(u) - m_i >= 0, p_i >= 0, one of them zero,  V = -int u.grad d + w0 A0,
               m = m_old + dt [ (Omega/F) int |grad d| s j - int gamma (M grad p).grad r ]

p_i = 0 where a node's share of the crack is not full: the rule of the plane engine (`physics.lithium`), node by node.
M is the mobility of creeping metal along the crack, and so large across the band that p is uniform through it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc
from lifrac.errors import NumericalFailure
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.model.cell import PhaseFieldModel
from lifrac.solver.numerics.linear import LinearSolver
from lifrac.solver.numerics.nodal import nodal_sums, values_of
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.fields import Floats, State
from lifrac.solver.phase_field.fracture.loads import CellLoads
from lifrac.solver.physics import elasticity, lithium
from lifrac.solver.physics.constants import surface_velocity_per_current, thermal_voltage
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.physics.symbolic import symbolic
from lifrac.solver.protocol.measures import Areas
from mpi4py import MPI
from numpy.typing import NDArray
from ufl.core.expr import Expr

from .band import Band
from .charge_transfer import Charges, Faces
from .rigid_translation import Drift
from .scales import Scales

Nodes = NDArray[np.bool_]

TOLERANCE = 1.0e-9
ROUNDING = 1.0e-8
"""A scaled residual below this that no longer falls is as small as it gets."""
MAX_NEWTON = 40
SETTLING, MOST_HALVINGS = 4, 4
"""Iterations before an increment may be cut, and how often it is halved."""
LARGEST_POTENTIAL, LARGEST_PRESSURE = 5.0, 0.25
"""Increments in one iteration, in thermal voltages and in Griffith pressures of the flaw: creep goes with a high power
of the slope of the pressure, and what overshoots ten times comes back by a third per iteration."""
CHORD = 0.2
"""The factorised matrix is used again while an iteration brings the residual below this part of the last."""
MOST_CHANGES = 4
"""Changes between full and dry within one solution after which a node stays dry, for the time step."""
SLACK = 5.0e-3
"""By how much a slice of the crack must miss its condition to change between full and dry, in Griffith pressures and
openings: fronts then do not go to and fro by single nodes. What is full, and balances, do not depend on it."""


class Cell:
    """Forms, matrix and solver of a cell, made once.

    Parameters
    ----------
    tagged : TaggedMesh
        With the facet groups anode, counter and lateral; `pore` for walls of pores.
    model : PhaseFieldModel
    solid : Solid
    state : State
        u and d.
    held : list of fem.DirichletBC
        Displacements that are held.
    scales : Scales
    crack_kinetics : FaceKinetics, optional
        Replaces Butler-Volmer on the crack faces (verification).
    conductivity : Expr, optional
        kappa where it varies [A/m2 per V/um].
    """

    def __init__(
        self,
        tagged: TaggedMesh,
        model: PhaseFieldModel,
        solid: Solid,
        state: State,
        held: list[fem.DirichletBC],
        scales: Scales,
        crack_kinetics: FaceKinetics | None = None,
        conductivity: Expr | None = None,
    ) -> None:
        self.model, self.state, self.held, self.scales = model, state, held, scales
        self.tagged, self.mesh = tagged, tagged.mesh
        msh = tagged.mesh
        self.comm = msh.comm
        self.band = Band(state.damage, solid.damage_model)
        self.ds = ufl.Measure("ds", domain=msh, subdomain_data=tagged.facet_tags)
        self.groups = tagged.groups
        space = state.damage.function_space
        self.potential = fem.Function(fem.functionspace(msh, ("Lagrange", 1)), name="potential")
        self.pressure = fem.Function(fem.functionspace(msh, ("Lagrange", 1)), name="pressure")
        self.aperture = fem.Function(space, name="aperture")
        self.share = fem.Function(space, name="filled")
        self.conductivity = conductivity or fem.Constant(msh, model.electrolyte.conductivity)
        self.voltage, self.dt = 0.0, fem.Constant(msh, 1.0)
        self.sound = fem.Function(state.displacement.function_space, name="sound")
        """us [um]: displacement of the body without damage under the loads, from which u counts."""
        self.sound_stress = elasticity.stress(self.sound, solid.youngs_modulus, solid.poisson_ratio)
        self.carried = fem.Function(space, name="carried")
        """-n.sigma_s.n [MPa] as far as metal carries it."""
        across = ufl.inner(self.sound_stress, self.band.across)
        self._carried = fem.form(-self.band.density * across * ufl.TestFunction(space) * ufl.dx)
        self.loads = CellLoads(tagged, model.loads, self.pressure, self.sound_stress, self.carried, self.band.across)
        self.energy = Energy(solid, self.loads.energy)
        self.drift = Drift(self.band, state, "crack_plane" in tagged.groups)
        self.driving_energy = Energy(solid, lambda u, d: self.loads.driving(u, d, self.drift.across))
        """For the damage at given displacement."""
        self.across_mobility = fem.Constant(msh, scales.across_mobility(solid.damage_model.length))
        self._weights = {k: fem.Function(space) for k in ("phi_phi", "phi_p", "p_phi", "p_p")}
        self.faces = Faces(tagged, model, space, crack_kinetics)
        self.lumped = self.faces.node_volume
        self.areas = Areas(*(self.total(face) for face in self.faces.areas))
        self._walls(space)
        self._compile(space)
        self.velocity = surface_velocity_per_current(model.anode.molar_volume)
        self.plating_wall = self.wall_area
        self.initial_volume = np.zeros(len(state.damage.x.array))
        self.raised_volume = np.zeros(len(self.initial_volume))
        """By how much the volume of nodes was raised when metal could enter first."""
        self.drift_volume = np.zeros(len(self.initial_volume))
        """What damage would have opened by the drift of both faces, which is taken off."""
        self.wet = np.zeros(len(self.initial_volume), dtype=bool)
        """Nodes that metal can reach, ghosts included."""
        self._undecided = np.zeros(len(self.initial_volume), dtype=bool)
        """Nodes that went to and fro between full and dry: dry until the time step ends."""
        self.owned = space.dofmap.index_map.size_local
        self.mouth = self.nodes_on("anode") if model.flaw.mouth == "open" else np.zeros(0, dtype=np.int32)
        self.mouth_pressure = np.full_like(self.initial_volume, model.loads.stack_pressure)
        self._is_held = np.zeros(self.owned * msh.geometry.dim, dtype=bool)
        for bc in held:
            dofs, first_ghost = bc.dof_indices()
            self._is_held[dofs[:first_ghost]] = True
        self._no_pressure = fem.Function(self.pressure.function_space)
        self._solver: LinearSolver | None = None

    # -- forms ---------------------------------------------------------------------------------------------------

    def _walls(self, space: fem.FunctionSpace) -> None:
        """Surface and volume of pores, shared out among the nodes of their walls."""
        self.wall_area = self.wall_volume = np.zeros_like(self.lumped)
        if "pore" in self.groups:
            wall, v = self.ds(self.groups["pore"], metadata=lithium.LUMPED), ufl.TestFunction(space)
            n, x = ufl.FacetNormal(self.mesh), ufl.SpatialCoordinate(self.mesh)
            self.wall_area = self.band.assembled(fem.form(v * wall))
            volume = -self.total(self.band.assembled(fem.form(ufl.inner(x, n) * v * wall))) / self.mesh.geometry.dim
            self.wall_volume = volume * self.wall_area / self.total(self.wall_area)

    def _compile(self, space: fem.FunctionSpace) -> None:
        u, d = self.state.displacement, self.state.damage
        v, q, r = (ufl.TestFunction(f.function_space) for f in (u, self.potential, self.pressure))
        du, dphi, dp = (ufl.TrialFunction(f.function_space) for f in (u, self.potential, self.pressure))
        lumped = ufl.dx(metadata=lithium.LUMPED)
        force = ufl.derivative(self.energy.total(u, d), u, v)
        charge = self.conductivity * ufl.inner(ufl.grad(self.potential), ufl.grad(q)) * ufl.dx
        slit, volume = self.loads.openings(u, d, r)
        self._opening = fem.form(slit)
        flow = self._flow(r)
        w = self._weights
        blocks = [
            [ufl.derivative(force, u, du), None, ufl.derivative(force, self.pressure, dp)],
            [
                None,
                ufl.derivative(charge, self.potential, dphi) + w["phi_phi"] * dphi * q * lumped,
                w["phi_p"] * dp * q * lumped,
            ],
            [
                ufl.derivative(volume, u, du),
                w["p_phi"] * dphi * r * lumped,
                self.dt * ufl.derivative(flow, self.pressure, dp) + w["p_p"] * dp * r * lumped,
            ],
        ]
        self._blocks = [[None if b is None else fem.form(b) for b in row] for row in blocks]
        self._force, self._charge = fem.form(force), fem.form(charge)
        self._volume, self._flow_form = fem.form(volume), fem.form(flow)
        self._load_form = fem.form(ufl.derivative(self.loads.energy(u, d), u, v))
        self.matrix = fem_petsc.create_matrix(self._blocks)  # type: ignore[arg-type]
        self._right, self._step = self.matrix.createVecs()

    def _flow(self, r):  # type: ignore[no-untyped-def]
        """int gamma [M_t grad_t p . grad_t r + M_n grad_n p . grad_n r] dx, and along the walls of pores."""
        slope, across = ufl.grad(self.pressure), self.band.across
        eye = ufl.Identity(self.mesh.geometry.dim)
        along = ufl.dot(eye - across, slope)
        creep = symbolic(self.mesh, self.model.creep)
        w = lithium.passage(self.aperture, ufl.CellDiameter(self.mesh))
        crept = lithium.mobility(creep, w, along) * along
        moved = crept + self.across_mobility * ufl.dot(across, slope)
        flow = self.band.passable * self.band.gamma * ufl.inner(moved, ufl.grad(r)) * ufl.dx(metadata=lithium.MIDPOINT)
        if "pore" in self.groups:
            n = ufl.FacetNormal(self.mesh)
            tangent = slope - ufl.inner(slope, n) * n
            flow += 1.0e2 * self.across_mobility * ufl.inner(tangent, ufl.grad(r)) * self.ds(self.groups["pore"])
        return flow

    def nodes_on(self, group: str) -> np.ndarray:
        return fem.locate_dofs_topological(
            self.state.damage.function_space, self.mesh.topology.dim - 1, self.tagged.facets(group)
        )

    def total(self, values: Floats) -> float:
        """Over owned nodes of all ranks (collective)."""
        n = self.state.damage.function_space.dofmap.index_map.size_local
        return float(self.comm.allreduce(float(values[:n].sum()), op=MPI.SUM))

    def total_stress(self) -> Expr:
        """Stress [MPa], continuous across the band: what the body carries, and the metal where it is broken."""
        u, d = self.state.displacement, self.state.damage
        eye = ufl.Identity(self.mesh.geometry.dim)
        return self.energy.stress(u, d) + (1.0 - d) * self.sound_stress - d * self.pressure * eye

    # -- at given damage -----------------------------------------------------------------------------------------

    def follow_damage(self) -> None:
        """Take over a new damage: band, what the sound body carries across it (collective)."""
        self.band.update()
        self.carried.x.array[:] = np.clip(self.carried_pressure(), 0.0, np.maximum(self.pressure.x.array, 0.0))

    def carried_pressure(self) -> Floats:
        """-n.sigma_s.n [MPa], even across the band (collective)."""
        return self.band.surface_field(self.band.assembled(self._carried))

    def admit_metal(self, metal: Floats) -> None:
        """Let metal into what is broken through now: what breaks in a time step is dry until it ends (collective).

        -u.grad d also holds displacement along the crack, and may be less than nothing ahead of a tip: a node's volume
        counts from there, or metal that is not there would wedge it open.
        """
        fresh = self.band.admit()
        self._undecided[:] = False
        self.wet = self.band.open | (self.wall_area > 0.0)
        missing = np.maximum(metal - self.crack_volume(), 0.0)
        self.raised_volume = self.raised_volume + np.where(fresh, missing, 0.0)

    def crack_volume(self) -> Floats:
        """V_i of each node [um2, um3 in 3D]: opening and initial aperture."""
        return self.band.assembled(self._volume) + self._given_volume()

    def mean_pressure(self) -> float:
        """Over the volume of the crack [MPa] (collective)."""
        volume = np.maximum(self.crack_volume(), 0.0)
        return self.total(values_of(self.pressure) * volume) / max(self.total(volume), 1.0e-30)

    def set_aperture(self) -> None:
        """Of the crack at the present state; it has none beside its band (collective)."""
        aperture = np.maximum(self.band.surface_field(self._slit_volume()), 0.0)
        self.aperture.x.array[:] = np.where(self.band.inside, aperture, 0.0)

    def _slit_volume(self) -> Floats:
        """V_i without what the walls of pores enclose: it would be taken for a wide crack beside them (collective)."""
        return self.band.assembled(self._opening) + self._given_volume() - self.wall_volume

    def _given_volume(self) -> Floats:
        """What nodes hold where nothing is open."""
        return self.initial_volume + self.raised_volume - self.drift_volume

    def set_share(self, metal: Floats) -> None:
        """Which part of the crack's surface plates (collective)."""
        slit, whole = self._slit_volume(), self.crack_volume()
        part = np.divide(slit, whole, out=np.zeros_like(whole), where=np.abs(whole) > 1.0e-30)
        held = self.band.surface_field(np.where(self.wall_area > 0.0, part, 1.0) * metal)
        w = np.maximum(self.aperture.x.array, lithium.SMALL_APERTURE)
        self.share.x.array[:] = np.where(self.band.open, np.clip(held / w, 0.0, 1.0), 0.0)
        filled = np.clip(metal / np.maximum(whole, 1.0e-30), 0.0, 1.0)
        self.plating_wall = np.where(self.wall_area > 0.0, filled, 0.0) * self.wall_area

    @contextmanager
    def pressed(self, pressure: Floats) -> Iterator[None]:
        """Metal everywhere is at a given pressure [MPa], and nothing plates: it comes and goes as it must."""
        mouth, before = self.mouth, self.mouth_pressure
        self.mouth, self.mouth_pressure = np.arange(len(before), dtype=np.int32), pressure
        self.insulate()
        try:
            yield
        finally:
            self.mouth, self.mouth_pressure = mouth, before

    def insulate(self) -> None:
        """Nothing plates in the crack in the next solution: the cell is at rest."""
        self.share.x.array[:] = 0.0
        self.plating_wall = np.zeros_like(self.wall_area)

    def charges(self) -> Charges:
        """Currents at the present state (collective)."""
        area = 2.0 * self.share.x.array * self.band.area + self.plating_wall
        phi, p = values_of(self.potential), values_of(self.pressure)
        return self.faces.charges(phi, p - self.model.loads.stack_pressure, self.voltage, area)

    def solve(self, dt: float, current_density: float, metal_old: Floats) -> tuple[Floats, Charges, int]:
        """u, phi, p and V at the end of a time step (collective); returns metal per node, currents and iterations.

        Raises
        ------
        NumericalFailure
            On every rank alike.
        """
        self.dt.value = dt  # type: ignore[assignment]
        total = current_density * self.areas.anode
        for bc in self.held:
            bc.set(self.state.displacement.x.array)
        free = self.wet & ~self._undecided
        free[self.mouth] = False
        p = self.pressure.x
        p.array[~self.wet] = 0.0
        p.array[self.mouth] = np.where(self.wet[self.mouth], self.mouth_pressure[self.mouth], 0.0)
        full, fresh = self._filled_before(free, metal_old), False
        flips = np.zeros(len(p.array), dtype=int)
        self.history: list[float] = []
        self._halvings = 0
        for iteration in range(MAX_NEWTON):
            charges = self.charges()
            metal = metal_old + dt * (self.velocity * charges.crack - self.band.assembled(self._flow_form))
            space_left = self.crack_volume() - metal
            changed = False
            if iteration > 0:
                before = full
                full = self._full(free, before, space_left) & (flips < MOST_CHANGES)
                flips += full != before
                changed = self.total((full != before).astype(float)) > 0
            p.array[free & ~full] = 0.0
            norm = self._residual(charges, space_left, full, total)
            self.history.append(norm)
            stuck = norm < ROUNDING and norm > 0.5 * self.history[-2] if iteration > 1 else False
            if (norm < TOLERANCE or stuck) and not changed:
                self._undecided |= flips >= MOST_CHANGES
                return metal, charges, iteration
            if self._cut(iteration, changed):
                continue
            stale = changed or not fresh or norm > CHORD * self.history[-2]
            self._newton_step(charges, full, total, dt, stale)
            fresh = True
        raise NumericalFailure(f"Newton's method of the cell stopped at a scaled residual of {norm:.1e}")

    def _filled_before(self, free: Nodes, metal: Floats) -> Nodes:
        """Slices that are under pressure or hold all that fits in."""
        gap = self.band.surface_field(self.crack_volume() - metal) / self.scales.opening
        return np.asarray(free & ((self.pressure.x.array > 0.0) | (np.where(self.wall_area > 0.0, 0.0, gap) <= 0.0)))

    def _full(self, free: Nodes, before: Nodes, space_left: Floats) -> Nodes:
        """Nodes whose crack is full of metal: decided across the band as a whole, and for the walls of pores together.

        Node by node it would be undone by what moves across the band in every iteration. A slice that was full stays
        so while its pressure is positive, one that was dry fills when no space is left in it.
        """
        level = self.band.surface_field(self.pressure.x.array * self.band.area) / self.scales.pressure
        gap = self.band.surface_field(space_left) / self.scales.opening
        if "pore" in self.groups:
            wall = self.wall_area > 0.0
            level = np.where(wall, self.pressure.x.array / self.scales.pressure, level)
            gap = np.where(wall, self.total(np.where(wall, space_left, 0.0)) / self.total(self.wall_volume), gap)
        return np.asarray(free & np.where(before, level >= -SLACK, gap < -SLACK))

    def _residual(self, charges: Charges, space_left: Floats, full: Nodes, total: float) -> float:
        """Leave minus the residual in the right-hand side; its scaled norm (collective)."""
        n = self.owned
        r_u = self._vector(self._force, self.state.displacement.function_space)
        load = self._vector(self._load_form, self.state.displacement.function_space)
        reaction = np.where(self._is_held, r_u, 0.0)
        r_u = np.where(self._is_held, 0.0, r_u)
        r_phi = self.band.assembled(self._charge) + charges.crack + charges.anode - charges.counter
        r_p = np.where(full, space_left, 0.0)
        self._right.setArray(-np.concatenate([r_u, r_phi[:n], r_p[:n]]))
        squares = self.comm.allreduce(np.array([r_u @ r_u, load @ load, reaction @ reaction]), op=MPI.SUM)
        self._missing = total - self.total(charges.counter)
        size = abs(total) + 0.1 * self.model.anode.exchange_current * self.areas.anode
        volume = self.total(self.initial_volume) + self.scales.opening * self.scales.length * 1.0e-3
        parts = (
            np.sqrt(squares[0] / max(squares[1] + squares[2], 1.0e-20)),
            self.total(np.abs(r_phi)) / size,
            abs(self._missing) / size,
            self.total(np.abs(r_p)) / volume,
        )
        self.parts = parts
        return float(max(parts))

    def _vector(self, form: fem.Form, space: fem.FunctionSpace) -> Floats:
        return nodal_sums(form, space)[: self.owned * space.dofmap.index_map_bs]

    def _newton_step(self, charges: Charges, full: Nodes, total: float, dt: float, stale: bool) -> None:
        """One iteration; the matrix is that of an earlier one unless it is stale (collective)."""
        n, dim = self.owned, self.mesh.geometry.dim
        phi = slice(n * dim, n * dim + n)
        if stale:
            self._factorise(charges, full, dt)
        step = self._solved()
        if stale:
            self._drop = charges.counter_by_drop[:n].copy()
            self._right.setArray(np.concatenate([np.zeros(n * dim), self._drop, np.zeros(n)]))
            self._by_voltage = self._solved()
        drop, by_voltage = self._drop, self._by_voltage
        sums = self.comm.allreduce(np.array([drop @ step[phi], drop @ by_voltage[phi], drop.sum()]), op=MPI.SUM)
        dv = (self._missing + sums[0]) / (sums[2] - sums[1])
        step += dv * by_voltage
        self._increment = self._limited(step, float(dv))
        self._move(*self._increment)

    def _cut(self, iteration: int, changed: bool) -> bool:
        """Take half of the last increment back if the residual has grown by it, as a split that changes sides may make
        it (collective)."""
        if changed or iteration <= SETTLING or self._halvings == MOST_HALVINGS or self.history[-1] < self.history[-2]:
            self._halvings = 0
            return False
        self._halvings += 1
        step, dv = self._increment
        self._increment = (0.5 * step, 0.5 * dv)
        self._move(-0.5 * step, -0.5 * dv)
        return True

    def _move(self, step: Floats, dv: float) -> None:
        n, dim = self.owned, self.mesh.geometry.dim
        self.voltage += dv
        for function, part in (
            (self.state.displacement, step[: n * dim]),
            (self.potential, step[n * dim : n * dim + n]),
            (self.pressure, step[n * dim + n :]),
        ):
            function.x.array[: len(part)] += part
            function.x.scatter_forward()

    def _limited(self, step: Floats, dv: float) -> tuple[Floats, float]:
        """An increment that exponentials and power laws can be asked about (collective)."""
        n, dim = self.owned, self.mesh.geometry.dim
        largest = [float(np.abs(part).max(initial=0.0)) for part in (step[n * dim : n * dim + n], step[n * dim + n :])]
        volts, pressure = np.max(self.comm.allgather(largest), axis=0)
        if not np.isfinite(volts + pressure + dv):
            raise NumericalFailure("an increment of the cell's Newton method is not finite")
        allowed = LARGEST_POTENTIAL * thermal_voltage(self.model.anode.temperature)
        factor = min(
            1.0,
            allowed / max(volts, abs(dv), 1.0e-300),
            LARGEST_PRESSURE * self.scales.pressure / max(pressure, 1.0e-300),
        )
        return factor * step, factor * dv

    def _solved(self) -> Floats:
        """Solution for the present right-hand side, owned unknowns."""
        assert self._solver is not None
        self._solver.solve(self._right, self._step)
        return np.array(self._step.getArray(readonly=True))

    def destroy(self) -> None:
        """Free solvers and matrices."""
        self.band.destroy()
        if self._solver is not None:
            self._solver.destroy()
        for thing in (self.matrix, self._right, self._step):
            thing.destroy()

    def _factorise(self, charges: Charges, full: Nodes, dt: float) -> None:
        w, m, rate = self._weights, self.lumped, dt * self.velocity
        by_potential = charges.crack_by_potential + charges.anode_by_potential + charges.counter_by_drop
        w["phi_phi"].x.array[:] = by_potential / m
        w["phi_p"].x.array[:] = charges.crack_by_pressure / m
        w["p_phi"].x.array[:] = -rate * charges.crack_by_potential / m
        w["p_p"].x.array[:] = -rate * charges.crack_by_pressure / m
        given = np.flatnonzero(~full).astype(np.int32)
        bcs = [*self.held, fem.dirichletbc(self._no_pressure, given)]
        self.matrix.zeroEntries()
        fem_petsc.assemble_matrix(self.matrix, self._blocks, bcs)  # type: ignore[arg-type]
        self.matrix.assemble()
        if self._solver is None:
            self._solver = LinearSolver(self.matrix, "general", "cell")
        else:
            self._solver.refill()
