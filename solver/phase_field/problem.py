"""A body with a diffuse crack that lithium fills: its fields, its solvers, and one implicit time step of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from dolfinx import fem, mesh
from lifrac.meshes.geometries.grains import band_share
from lifrac.meshes.refinement import cell_sizes
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.collective import largest
from lifrac.solver.interfaces.law import FaceStep
from lifrac.solver.interfaces.laws import FaceLaws, LawStates
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.model.control import Control, Rest
from lifrac.solver.model.fracture import DiffuseCrack
from lifrac.solver.numerics.nodal import values_of
from lifrac.solver.phase_field.fracture.damage import DamageSolver
from lifrac.solver.phase_field.fracture.energy import Solid
from lifrac.solver.phase_field.fracture.fields import Floats, State
from lifrac.solver.phase_field.fracture.supports import flaw_nodes, prescribed_displacements
from lifrac.solver.phase_field.lithium.charge_transfer import NodalCurrents
from lifrac.solver.phase_field.lithium.diffuse_cell import Cell
from lifrac.solver.phase_field.lithium.scales import Scales
from lifrac.solver.phase_field.lithium.time_step import CellTimeStep
from lifrac.solver.phase_field.outer_loop import LoopControl, OuterLoop
from lifrac.solver.physics.damage import DAMAGE_MODELS, DamageModel
from lifrac.solver.physics.flaw_scales import plating_time
from lifrac.solver.physics.kinetics import FaceKinetics
from lifrac.solver.physics.splits import VOLUMETRIC_DEVIATORIC, NoSplit, Spectral, Split, StarConvex
from lifrac.solver.physics.weak_band import weak_band
from lifrac.solver.protocol.cell_state import CellState
from ufl.core.expr import Expr

SHORTEST_SPREADING_TIME = 0.01
"""Time in which metal can still spread across the band, in plating times of the flaw: in shorter steps it moves the
more easily. Otherwise each node would keep its metal whatever becomes of its volume, as when a mesh has changed."""
RESISTANCE_CELLS, LARGEST_PART_OF_GRAIN = 8.0, 0.5
"""Cells over which the resistance of a grain boundary is spread where they are coarse: in fewer, the current finds ways
of less resistance from cell to cell (13 % at half a cell, 3 % at two). At most this part of the mean grain."""
MAX_SWEEPS = 120
"""Largest number of sweeps of a time step.

It may need many on its way through a jump of the crack; a shorter step is tried then.
"""


def damage_model(diffuse: DiffuseCrack) -> DamageModel:
    """AT1 or AT2."""
    return DAMAGE_MODELS[diffuse.damage_model](diffuse.length)


def energy_split(diffuse: DiffuseCrack) -> Split:
    """Return the split of the energy that a model names."""
    known: dict[str, Split] = {
        "none": NoSplit(),
        "volumetric_deviatoric": VOLUMETRIC_DEVIATORIC,
        "star_convex": StarConvex(diffuse.star_ratio),
        "spectral": Spectral(),
    }
    return known[diffuse.split]


@dataclass(frozen=True)
class CellProperties:
    """Constant, or by cell where there are grain boundaries."""

    toughness: Expr
    """Gc [J/m2]."""
    conductivity: Expr
    """kappa [A/m2 per V/um]."""
    surface: Expr
    """Weight of the surface density with which a crack along a boundary is as long as one in a grain [-]."""


def by_cell(msh: mesh.Mesh, model: PhaseFieldModel, row: float) -> CellProperties:
    """Return properties of the electrolyte on cells whose rows have a width where a crack can go [um].

    A cell that lies in the band of a boundary in part has that part of its properties: the mean of Gc, and of 1/kappa,
    so that the resistance across the band is what is stated whatever its width.
    """
    e, boundaries = model.electrolyte, model.boundaries
    if boundaries is None:
        constant = (fem.Constant(msh, value) for value in (e.fracture_energy, e.conductivity, 1.0))
        return CellProperties(*constant)
    cells = fem.functionspace(msh, ("DG", 0))
    middles = cells.tabulate_dof_coordinates()
    nodes = np.asarray(msh.geometry.dofmaps[0])
    size = cell_sizes(msh.geometry.x[:, : msh.geometry.dim], nodes)
    distance = boundaries.grains.locate(middles)[1]
    share = band_share(distance, size, boundaries.width)
    coarse = np.minimum(RESISTANCE_CELLS * size, LARGEST_PART_OF_GRAIN * boundaries.grains.mean_size)
    wide: Floats = np.maximum(boundaries.width, coarse)
    band = weak_band(damage_model(model.diffuse), boundaries.toughness_ratio, boundaries.width, row)
    toughness, conductivity, surface = (fem.Function(cells) for _ in range(3))
    toughness.x.array[:] = e.fracture_energy * (1.0 + (band.toughness - 1.0) * share)
    added: Floats = boundaries.resistance * band_share(distance, size, wide) / wide
    conductivity.x.array[:] = 1.0 / (1.0 / e.conductivity + added)
    surface.x.array[:] = 1.0 + (band.surface - 1.0) * share
    return CellProperties(toughness, conductivity, surface)


@dataclass(kw_only=True)
class PhaseState(CellState):
    """A committed (or proposed) state; arrays are per node of this rank, ghosts included."""

    displacement: Floats
    """From that of the intact body under the loads [um]."""
    damage: Floats
    potential: Floats
    pressure: Floats
    lithium_amount: Floats
    """Lithium in the part of the crack that belongs to each node [um2, um3 in 3D]."""
    translated_volume: Floats
    """The volume that was taken off nodes for the rigid translation of both faces, same unit."""


@dataclass(frozen=True)
class Step:
    """The results of a time step besides the fields."""

    lithium_amount: Floats
    currents: NodalCurrents
    current_density: float
    """Mean over the anode [A/m2]."""
    sweeps: int
    newton_iterations: int


def _no_tip_current() -> float:
    """No law here asks for it: none may change the toughness."""
    raise NotImplementedError("the phase-field engine does not tell the current at the front of the lithium")


class PhaseFieldProblem:
    """Collective: every rank holds its part.

    Parameters
    ----------
    tagged : TaggedMesh
        With the cell group `flaw`, one row of cells wide.
    model : PhaseFieldModel
    crack_kinetics : FaceKinetics, optional
        Replaces Butler-Volmer on the crack faces (verification).
    fresh : bool
        The cell as assembled; otherwise an intact and empty body, whose fields are filled by what carries them.
    """

    def __init__(
        self,
        tagged: TaggedMesh,
        model: PhaseFieldModel,
        crack_kinetics: FaceKinetics | None = None,
        *,
        fresh: bool = True,
    ) -> None:
        self.tagged, self.model, self.crack_kinetics = tagged, model, crack_kinetics
        self.scales = Scales.of(model)
        self.comm = tagged.mesh.comm
        self.fields = State.on(tagged.mesh)
        self.copies = 2.0 if "crack_plane" in tagged.groups else 1.0
        """Bodies like the meshed one that make up the whole across the crack: a half model is one of two."""
        regularised = damage_model(model.diffuse)
        self.row = self.copies * model.diffuse.cell_size
        """Width of the row of broken cells in the whole body [um]."""
        e = model.electrolyte
        excess = regularised.toughness_factor(self.row)
        correction = 1.0 / excess if model.diffuse.correct_toughness else 1.0
        properties = by_cell(tagged.mesh, model, self.row)
        self.surface_weight = properties.surface
        split = energy_split(model.diffuse)
        self.solid = Solid(e.youngs_modulus, e.poisson_ratio, correction * properties.toughness, regularised, split)
        self.surface_energy = e.fracture_energy * correction * excess
        """Energy of a crack within a grain [J/m2], on this mesh."""
        prescribed = prescribed_displacements(tagged, self.fields.displacement.function_space, model.loads)
        self.cell = Cell(
            tagged,
            model,
            self.solid,
            self.fields,
            prescribed,
            self.scales,
            crack_kinetics=crack_kinetics,
            conductivity=properties.conductivity,
        )
        self.law_states = self.laws.initial(model.loads.stack_pressure)
        """States of the laws on the faces at the state that was loaded last."""
        self.damage = DamageSolver(self.cell.driving_energy, self.fields)
        self.loop = OuterLoop(self.damage, LoopControl(max_sweeps=MAX_SWEEPS))
        space = self.fields.damage.function_space
        self.flaw = flaw_nodes(tagged, space)
        self.lithium_amount = np.zeros(len(self.fields.damage.x.array))
        self.volume_before = self.lithium_amount
        """V_i of each node at the state that was loaded last [um2, um3 in 3D]."""
        if fresh:
            self.cell.load_intact(self.solid, prescribed)
            self._break_flaw()

    def _break_flaw(self) -> None:
        """Find the damage of the unloaded flaw, and the lithium in it."""
        self.fields.break_nodes(self.flaw)
        self.damage.solve()
        self.damage.put(self.damage.found)
        self.fields.commit()
        cell, flaw = self.cell, self.model.flaw
        cell.follow_damage()
        cell.open_to_lithium(self.lithium_amount)
        cell.volume.initial = flaw.aperture * np.where(cell.band.open, cell.band.area, 0.0) + cell.walls.volume
        self.lithium_amount = flaw.filling * cell.volume.initial

    @property
    def dofs(self) -> int:
        """Unknowns of displacement, damage, potential and pressure."""
        space = self.fields.damage.function_space
        return int(space.dofmap.index_map.size_global) * (self.tagged.mesh.geometry.dim + 3)

    def state(self) -> PhaseState:
        """Return the fields as they are."""
        cell, f = self.cell, self.fields
        return PhaseState(
            displacement=f.displacement.x.array.copy(),
            damage=f.damage.x.array.copy(),
            potential=values_of(cell.potential).copy(),
            pressure=values_of(cell.pressure).copy(),
            lithium_amount=self.lithium_amount.copy(),
            translated_volume=cell.volume.translated.copy(),
            cell_voltage=cell.voltage,
            stack_pressure=cell.stack_pressure,
            largest_stack_pressure=cell.stack_pressure,
            laws=self.law_states,
        )

    @property
    def laws(self) -> FaceLaws:
        """The laws on the faces, on this mesh."""
        return self.cell.faces.laws

    def laws_after(self, state: PhaseState, currents: NodalCurrents, dt: float, stack_pressure: float) -> LawStates:
        """Return the states of the laws after a step of `dt` [s] from `state` with these currents (collective).

        The stack pressure is in MPa.
        """
        current = self.cell.faces.current(currents)
        step = FaceStep(dt, stack_pressure, state.largest_stack_pressure, current, _no_tip_current)
        return self.laws.advance(state.laws, step)

    def load(self, state: PhaseState) -> None:
        """Set the fields to a committed state (collective)."""
        f, cell = self.fields, self.cell
        f.displacement.x.array[:] = state.displacement
        f.damage.x.array[:] = state.damage
        f.lower_bound.x.array[:] = state.damage
        cell.potential.x.array[:] = state.potential
        cell.pressure.x.array[:] = state.pressure
        cell.voltage = state.cell_voltage
        self.law_states = state.laws
        cell.faces.begin_step(state.laws)
        cell.press(state.stack_pressure)
        cell.volume.translated = state.translated_volume
        self.lithium_amount = state.lithium_amount.copy()
        cell.follow_damage()
        cell.open_to_lithium(self.lithium_amount)
        cell.set_aperture()
        cell.set_fill_fraction(self.lithium_amount)
        self.volume_before = cell.volume.capacity()

    def destroy(self) -> None:
        """Free solvers and matrices; the problem is not used again."""
        self.damage.destroy()
        self.cell.destroy()

    def pressed(self, state: PhaseState, pressure: Floats) -> Step:
        """Return the cell without current, its crack full of metal at given pressures [MPa] (collective).

        Raises as `solve` does.
        """
        self.load(state)
        with self.cell.pressed(pressure):
            step = self._find(CellTimeStep(self.cell, 1.0, Rest(), state.lithium_amount))
        return replace(step, lithium_amount=np.where(self.cell.fill.connected, self.cell.volume.capacity(), 0.0))

    def solve(
        self,
        state: PhaseState,
        dt: float,
        control: Control,
        each_sweep: Callable[[], None] = lambda: None,
        stack_pressure: float | None = None,
    ) -> Step:
        """Find the fields at the end of a time step from a committed state (collective).

        The stack pressure is that of the state or another one [MPa]. Damage and the rest are solved by turns, each at
        its own equilibrium, accelerated (`OuterLoop`); the bounds hold exactly. `each_sweep` may end it by an
        exception, on every rank alike.

        Raises
        ------
        NumericalFailure
            On every rank alike.
        """
        self.load(state)
        if stack_pressure is not None and stack_pressure != state.stack_pressure:
            self.cell.press(stack_pressure)
            self.cell.carry()
        self.cell.faces.begin_step(state.laws, dt)
        return self._find(CellTimeStep(self.cell, dt, control, state.lithium_amount), each_sweep)

    def _find(self, step: CellTimeStep, each_sweep: Callable[[], None] = lambda: None) -> Step:
        """Return the end of a step from the fields as they are."""
        spread = max(1.0, SHORTEST_SPREADING_TIME * plating_time(self.model) / step.dt)
        usual = self.scales.across_mobility(self.solid.damage_model.length)
        self.cell.across_mobility.value = spread * usual  # type: ignore[assignment]
        done = self.loop.solve(step, each_sweep)
        assert step.solution is not None
        currents = step.solution.currents
        current = step.control.flowed(self.cell.total(currents.counter) / self.cell.areas.anode)
        return Step(step.solution.lithium_amount, currents, current, done.sweeps, done.newton_iterations)

    def largest(self, values: Floats) -> float:
        """Return the largest of nodal values over all ranks; -inf where there are none (collective)."""
        return largest(self.comm, float(np.max(values, initial=-np.inf)))
