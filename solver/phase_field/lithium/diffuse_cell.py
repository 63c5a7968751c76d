"""A cell with a diffuse crack at given damage: displacement, potential, lithium pressure and cell voltage.

The equations are in `equations`, their solution in `newton`; volumes, lithium and currents of nodes are objects of
their own. p_i = 0 where a node's share of the crack is not full: the rule of the plane engine (`physics.lithium`), node
by node, with

    m = m_old + dt [ (Omega/F) int |grad d| s j - int gamma (M grad p).grad r ].

M is the mobility of creeping lithium along the crack, and so large across the band that p is uniform through it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import ufl
from dolfinx import fem
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.model.control import Closure, Control
from lifrac.solver.numerics.nodal import owned_sum, values_of
from lifrac.solver.phase_field.fracture.crack_loads import CellLoads
from lifrac.solver.phase_field.fracture.energy import Energy, Solid
from lifrac.solver.phase_field.fracture.fields import Floats, State
from lifrac.solver.phase_field.fracture.intact_body import load_intact_body
from lifrac.solver.physics import elasticity, lithium
from lifrac.solver.physics.constants import surface_velocity_per_current, thermal_voltage
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.protocol.measures import Areas
from numpy.typing import NDArray
from ufl.core.expr import Expr

from .band import Band
from .cell_newton import CellNewton, Limits, StepInput, StepSolution
from .charge_transfer import ChargeTransferFaces, CrackSurface, NodalCurrents
from .crack_volume import CrackVolume
from .equations import CellEquations, CellFields, Sizes, lithium_flow
from .fill_state import FillState
from .pore_walls import PoreWalls
from .rigid_translation import RigidTranslation
from .scales import Scales

LARGEST_POTENTIAL, LARGEST_PRESSURE = 5.0, 0.25
"""Increments in one iteration, in thermal voltages and in Griffith pressures of the flaw."""
SMALLEST_CURRENT = 0.1
"""Current of a cell that is not at rest, in exchange currents of the anode face."""
SMALLEST_FLAW = 1.0e-3
"""Volume of a flaw that is not closed, in lengths times openings of it."""


class Cell:
    """The parts of a cell, made once.

    Parameters
    ----------
    tagged : TaggedMesh
        With the facet groups anode, counter and lateral; `pore` for walls of pores.
    model : PhaseFieldModel
    solid : Solid
    state : State
        u and d.
    prescribed : list of fem.DirichletBC
        Displacements that are given.
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
        prescribed: list[fem.DirichletBC],
        scales: Scales,
        *,
        crack_kinetics: FaceKinetics | None = None,
        conductivity: Expr | None = None,
    ) -> None:
        self.tagged, self.model, self.state, self.scales = tagged, model, state, scales
        self.stack_pressure = model.loads.stack_pressure
        """P [MPa] that acts; set by `press`."""
        self.mesh, self.comm, self.space = tagged.mesh, tagged.mesh.comm, state.damage.function_space
        self.owned: int = self.space.dofmap.index_map.size_local
        self.velocity = surface_velocity_per_current(model.anode.molar_volume)
        self.band = Band(state.damage, solid.damage_model)
        self.fields = CellFields.on(state)
        self.potential, self.pressure = self.fields.potential, self.fields.pressure
        self.aperture, self.fill_fraction = self.fields.aperture, self.fields.fill_fraction
        self.conductivity: Expr = conductivity or fem.Constant(self.mesh, model.electrolyte.conductivity)
        self._load_body(solid)
        self.faces = ChargeTransferFaces(tagged, model, self.space, crack_kinetics)
        self.areas = Areas(*(self.total(face) for face in self.faces.areas))
        self.walls = PoreWalls(tagged, self.space)
        self.walls_filled = np.ones_like(self.walls.area)
        """Part of the walls of pores that plates."""
        test = ufl.TestFunction(self.pressure.function_space)
        self.volume = CrackVolume(state, self.loads, self.walls, test)
        mouth = self.nodes_on("anode") if model.flaw.mouth == "open" else np.zeros(0, dtype=np.int32)
        self.fill = FillState(self.band, self.walls, scales, mouth, model.loads.stack_pressure)
        self.across_mobility = fem.Constant(self.mesh, scales.across_mobility(solid.damage_model.length))
        self.equations = self._equations(prescribed, test)
        self.newton = self._newton()

    def _load_body(self, solid: Solid) -> None:
        """Put the loads on the intact body, and make the energies of what the crack changes."""
        u = self.state.displacement
        self.intact = fem.Function(u.function_space, name="intact")
        """us [um]: displacement of the body without damage under the loads, from which u counts."""
        names = ("intact_per_pressure", "intact_lateral") if self.model.pressure_changes else ()
        self.intact_parts = tuple(fem.Function(u.function_space, name=name) for name in names)
        """Parts of us: that of a unit stack pressure [um/MPa], that of the lateral stress [um]; none if us stays."""
        self.intact_stress = elasticity.stress(self.intact, solid.youngs_modulus, solid.poisson_ratio)
        self.carried = fem.Function(self.space, name="carried")
        """-n.sigma_s.n [MPa] as far as lithium carries it."""
        across = ufl.inner(self.intact_stress, self.band.across)
        self._carried = fem.form(-self.band.density * across * ufl.TestFunction(self.space) * ufl.dx)
        self.loads = CellLoads(self.tagged, self.pressure, self.intact_stress, self.carried, self.band.across)
        self.energy = Energy(solid, self.loads.energy)
        self.translation = RigidTranslation(self.band, self.state, "crack_plane" in self.tagged.groups)
        self.driving_energy = Energy(solid, lambda u, d: self.loads.driving(u, d, self.translation.across))
        """For the damage at given displacement."""

    def _equations(self, prescribed: list[fem.DirichletBC], test: ufl.Argument) -> CellEquations:
        wall = None
        if self.walls.present:
            ds = ufl.Measure("ds", domain=self.mesh, subdomain_data=self.tagged.facet_tags)
            wall = ds(self.tagged.groups["pore"])
        flow = lithium_flow(self.fields, self.band, self.model.creep, self.across_mobility, test, wall)
        load = self.loads.energy(self.state.displacement, self.state.damage)
        return CellEquations(
            self.fields,
            self.energy,
            load,
            self.volume.form,
            self.conductivity,
            flow,
            prescribed=prescribed,
            velocity=self.velocity,
        )

    def _newton(self) -> CellNewton:
        volts = LARGEST_POTENTIAL * thermal_voltage(self.model.anode.temperature)
        limits = Limits(volts, LARGEST_PRESSURE * self.scales.pressure)
        return CellNewton(self.equations, self.fill, self.nodal_currents, self.volume.capacity, limits)

    def _sizes(self, current: float) -> Sizes:
        """Return what residuals are compared with at a current [A/m2 um, times um in 3D] (collective)."""
        least = SMALLEST_CURRENT * self.model.anode.exchange_current * self.areas.anode
        flaw = SMALLEST_FLAW * self.scales.opening * self.scales.length
        voltage = thermal_voltage(self.model.anode.temperature)
        return Sizes(abs(current) + least, voltage, self.total(self.volume.initial) + flaw)

    # -- sums and stresses ---------------------------------------------------------------------------------------

    @property
    def voltage(self) -> float:
        """Voltage of the cell [V]."""
        return self.newton.voltage

    @voltage.setter
    def voltage(self, volts: float) -> None:
        self.newton.voltage = volts

    @property
    def node_volume(self) -> Floats:
        """Volume int v dx of each node, ghosts included [um2, um3 in 3D]."""
        return self.equations.node_volume

    def nodes_on(self, group: str) -> NDArray[np.int32]:
        """Nodes of a group of facets on this rank."""
        facets = self.tagged.facets(group)
        return np.asarray(fem.locate_dofs_topological(self.space, self.mesh.topology.dim - 1, facets))

    def total(self, values: Floats) -> float:
        """Sum over the nodes of all ranks (collective)."""
        return owned_sum(values, self.space)

    def total_stress(self) -> Expr:
        """Stress [MPa], continuous across the band: what the body carries, and the lithium where it is broken."""
        u, d = self.state.displacement, self.state.damage
        eye = ufl.Identity(self.mesh.geometry.dim)
        return self.energy.stress(u, d) + (1.0 - d) * self.intact_stress - d * self.pressure * eye

    def carried_pressure(self) -> Floats:
        """-n.sigma_s.n [MPa], projected onto the crack surface (collective)."""
        return self.band.project(self.band.assembled(self._carried))

    def mean_pressure(self) -> float:
        """Over the volume of the crack [MPa] (collective)."""
        volume = np.maximum(self.volume.capacity(), 0.0)
        return self.total(values_of(self.pressure) * volume) / max(self.total(volume), 1.0e-30)

    # -- at given damage -----------------------------------------------------------------------------------------

    def load_intact(self, solid: Solid, prescribed: list[fem.DirichletBC]) -> None:
        """Find the displacement of the intact body under the loads of the start (collective).

        Raises
        ------
        NumericalFailure
            On every rank alike.
        """
        loads = self.model.loads
        cases = [(self.intact, loads.stack_pressure, loads.lateral_stress)]
        if self.intact_parts:
            unit, lateral = self.intact_parts
            cases = [(unit, 1.0, 0.0), (lateral, 0.0, loads.lateral_stress)]
        for function, stack, across in cases:
            load_intact_body(function, solid, self.loads, prescribed, stack, across)
        self.press(loads.stack_pressure)

    def press(self, stack_pressure: float) -> None:
        """Let a stack pressure [MPa] act on the intact body, on lithium at the mouth and in the kinetics.

        What the intact body carries across the crack follows with `follow_damage`, or `carry`.
        """
        self.stack_pressure = stack_pressure
        self.fill.prescribed_pressure[:] = stack_pressure
        if self.intact_parts:
            unit, lateral = self.intact_parts
            self.intact.x.array[:] = stack_pressure * unit.x.array + lateral.x.array

    def follow_damage(self) -> None:
        """Take over a new damage: band, what the intact body carries across it (collective)."""
        self.band.update()
        self.carry()

    def carry(self) -> None:
        """Let lithium carry what the intact body carries across the crack, as far as it is under pressure.

        Collective.
        """
        self.carried.x.array[:] = np.clip(self.carried_pressure(), 0.0, np.maximum(self.pressure.x.array, 0.0))

    def open_to_lithium(self, lithium_amount: Floats) -> None:
        """Let lithium into what is broken through now: what breaks in a time step is dry until it ends (collective).

        Parameters
        ----------
        lithium_amount : ndarray
            Lithium of each node [um2, um3 in 3D].
        """
        self.volume.raise_to(lithium_amount, self.fill.connect())

    def set_aperture(self) -> None:
        """Set the aperture of the crack at the present state; it has none beside its band (collective)."""
        aperture = np.maximum(self.band.project(self.volume.slit()), 0.0)
        self.aperture.x.array[:] = np.where(self.band.inside, aperture, 0.0)

    def set_fill_fraction(self, lithium_amount: Floats) -> None:
        """Set which part of the crack's surface plates (collective).

        Parameters
        ----------
        lithium_amount : ndarray
            Lithium of each node [um2, um3 in 3D].
        """
        slit, whole = self.volume.slit(), self.volume.capacity()
        part = np.divide(slit, whole, out=np.zeros_like(whole), where=np.abs(whole) > 1.0e-30)
        thickness = self.band.project(np.where(self.walls.nodes, part, 1.0) * lithium_amount)
        w = np.maximum(self.aperture.x.array, lithium.SMALL_APERTURE)
        self.fill_fraction.x.array[:] = np.where(self.band.open, np.clip(thickness / w, 0.0, 1.0), 0.0)
        filled = np.clip(lithium_amount / np.maximum(whole, 1.0e-30), 0.0, 1.0)
        self.walls_filled = np.where(self.walls.nodes, filled, 0.0)

    @contextmanager
    def pressed(self, pressure: Floats) -> Iterator[None]:
        """Lithium everywhere is at a given pressure [MPa], and nothing plates: it comes and goes as it must."""
        self.fill_fraction.x.array[:] = 0.0
        self.walls_filled = np.zeros_like(self.walls.area)
        with self.fill.pressed(pressure):
            yield

    def nodal_currents(self) -> NodalCurrents:
        """Currents at the present state (collective)."""
        phi, p = values_of(self.potential), values_of(self.pressure)
        return self.faces.nodal_currents(phi, p - self.stack_pressure, self.voltage, self._surface())

    def _surface(self) -> CrackSurface:
        """Return what carries current in the crack: filled parts plate, and strip down to the residue."""
        fill, residual = (values_of(self.fill_fraction), self.walls_filled), self.model.flaw.residual
        strips = [np.maximum(part - residual, 0.0) / (1.0 - residual) for part in fill]
        plating, stripping = (2.0 * slit * self.band.area + wall * self.walls.area for slit, wall in (fill, strips))
        return CrackSurface(plating, stripping)

    def solve(self, dt: float, control: Control, lithium_old: Floats) -> StepSolution:
        """u, phi, p and V at the end of a time step (collective).

        Parameters
        ----------
        dt : float
            [s].
        control : Control
            Closes the system: gives the current or the voltage.
        lithium_old : ndarray
            Lithium of each node at the start [um2, um3 in 3D].

        Raises
        ------
        NumericalFailure
            On every rank alike.
        """

        def closure(current: float, voltage: float) -> Closure:
            return control.closure(current, voltage, self.areas.anode)

        sizes = self._sizes(control.current_density * self.areas.anode)
        return self.newton.solve(StepInput(dt, closure, lithium_old), sizes)

    def destroy(self) -> None:
        """Free solvers and matrices."""
        self.band.destroy()
        self.equations.destroy()
