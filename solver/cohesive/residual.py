"""The surface problem in UFL: crack opening, lithium, kinetics and current on the surface mesh.

Everything local is here, as one residual in six components per node and its derivative. What couples nodes at a
distance (elastic stiffness, conduction) is linear and enters in `system.py`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import ufl
from dolfinx import fem
from lifrac.solver.interfaces.coefficients import FaceCoefficients
from lifrac.solver.interfaces.law import TOUGHNESS
from lifrac.solver.interfaces.laws import FaceLaws
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.physics import lithium
from lifrac.solver.physics.cohesive import LinearSoftening
from lifrac.solver.physics.constants import surface_velocity_per_current
from lifrac.solver.physics.kinetics import ChargeTransfer, FaceKinetics
from lifrac.solver.physics.symbolic import symbolic
from lifrac.solver.plane.surface import ANODE, COUNTER, CRACK, SurfaceMesh
from numpy.typing import NDArray
from ufl.core.expr import Expr

from .unknowns import COMPONENTS, Floats


@dataclass(frozen=True)
class CrackGeometry:
    """The place of the flaw, as cell and node fields on the crack plane."""

    flaw_cell: NDArray[np.bool_]
    """Per surface cell: part of the initial flaw."""
    aperture: Floats
    """Per node: area-weighted initial aperture w0 [um]."""
    floor: Floats
    """Per node: smallest opening before the faces touch: -w0 in the flaw, 0 elsewhere [um]."""
    area: Floats
    """Per node: lumped crack area [um]."""
    intact_area: Floats
    """Per node: the part of `area` that holds together at first [um]."""


def locate_flaw(surface: SurfaceMesh, length: float, aperture: float) -> CrackGeometry:
    """Cells of the crack plane within `length` of the mouth: y <= a0 in 2D, y^2 + z^2 <= a0^2 in 3D."""
    distance = np.hypot(surface.x[:, 1], surface.x[:, 2])
    tolerance = 1.0e-6 * length
    cells = surface.space.dofmap.list
    count = len(cells)
    flaw_cell = np.zeros(count, dtype=bool)
    crack_cells = surface.tags.find(CRACK)
    flaw_cell[crack_cells] = (distance[cells[crack_cells]] <= length + tolerance).all(axis=1)
    area = surface.lumped_area(CRACK)
    flaw = fem.Function(fem.functionspace(surface.mesh, ("DG", 0)))
    flaw.x.array[:count] = flaw_cell
    v = ufl.TestFunction(surface.space)
    form = fem.form(flaw * v * surface.measure()(CRACK, metadata=lithium.LUMPED))
    flaw_area = np.array(fem.assemble_vector(form).array)
    share = np.divide(flaw_area, area, out=np.zeros_like(area), where=area > 0)
    inside = share > 1.0 - 1.0e-9
    w0 = aperture * share
    return CrackGeometry(flaw_cell, w0, np.where(inside, -w0, 0.0), area, area - flaw_area)


@dataclass(frozen=True)
class Cohesion:
    """What holds the faces of the crack plane together."""

    law: LinearSoftening
    """Traction by opening, its strength node by node."""
    viscosity: Floats
    """(n,) traction per speed of opening [MPa s/um]."""


class Unknowns(NamedTuple):
    """The six unknowns of a node in UFL, or the test functions of their equations, in the order of `unknowns`."""

    opening: Expr
    """w [um]; tests momentum."""
    pressure: Expr
    """p of the lithium [MPa]; it has no equation of its own."""
    thickness: Expr
    """Thickness h of the lithium [um]; tests its balance."""
    current: Expr
    """j on anode and crack [A/m2]; tests the kinetics there."""
    counter_current: Expr
    """The same of the counter electrode."""
    potential: Expr
    """phi [V]; tests the balance of currents."""


class SurfaceResidual:
    """Residual (n, 6) and its sparse derivative at a state; forms are compiled once."""

    def __init__(
        self,
        surface: SurfaceMesh,
        model: CohesiveModel,
        cohesion: Cohesion,
        crack: CrackGeometry,
        laws: FaceLaws,
        crack_kinetics: FaceKinetics | None = None,
    ) -> None:
        self.surface = surface
        self.model = model
        self.crack = crack
        self.viscosity = cohesion.viscosity
        space = fem.functionspace(surface.mesh, ("Lagrange", 1, (COMPONENTS,)))
        if not np.allclose(space.tabulate_dof_coordinates(), surface.space.tabulate_dof_coordinates()):
            raise RuntimeError("scalar and blocked surface spaces number their dofs differently")
        cellwise = fem.functionspace(surface.mesh, ("DG", 0))
        self.unknown = fem.Function(space)
        self.now = Unknowns(*ufl.split(self.unknown))
        names = ("opening_old", "lithium_old", "max_opening", "aperture", "connected", "strength", "viscosity")
        self.old = {name: fem.Function(surface.space, name=name) for name in names}
        self.flaw = fem.Function(cellwise, name="flaw")
        self.open = fem.Function(cellwise, name="open")
        self.dt = fem.Constant(surface.mesh, 1.0)
        self.voltage = fem.Constant(surface.mesh, 0.0)
        self.sqrt_toughness = fem.Constant(surface.mesh, 1.0) if TOUGHNESS in laws.coefficients else None
        """sqrt(Gc_eff/Gc) where a law changes the toughness; None leaves the forms as they are without."""
        self.old["aperture"].x.array[:] = crack.aperture
        self.old["strength"].x.array[:] = cohesion.law.strength
        self.old["viscosity"].x.array[:] = cohesion.viscosity
        self.flaw.x.array[:] = crack.flaw_cell
        # Numbers of the model are constants of the forms, not literals: another value compiles nothing.
        self.anode = symbolic(surface.mesh, model.anode)
        self.counter = symbolic(surface.mesh, model.counter)
        self.electrolyte = symbolic(surface.mesh, model.electrolyte)
        self.creep = symbolic(surface.mesh, model.creep)
        self.flaw_data = symbolic(surface.mesh, model.flaw)
        self.stack_pressure = fem.Constant(surface.mesh, model.loads.stack_pressure)
        self.cohesion = symbolic(surface.mesh, cohesion.law)
        self.coefficients = FaceCoefficients(laws, surface.space, self.electrolyte.conductivity)
        # A node has one current density: at the mouth the crack's kinetics are those of the anode face.
        mouth = fem.Function(surface.space, name="mouth")
        mouth.x.array[surface.mouth] = 1.0
        self.crack_kinetics = crack_kinetics or ChargeTransfer(self.coefficients.kinetics(self.anode, mouth))
        form = self._form(ufl.TestFunction(space))
        self._residual = fem.form(form)
        self._jacobian = fem.form(ufl.derivative(form, self.unknown))
        self._matrix = fem.create_matrix(self._jacobian)
        self.size = surface.size

    def _form(self, test: ufl.Argument) -> ufl.Form:
        """Sum of the five balances, each against its own test function."""
        dx, tests = self.surface.measure(), Unknowns(*ufl.split(test))
        return (
            self._momentum(tests.opening, dx(CRACK))
            + self._lithium(tests.thickness, dx(CRACK))
            + self._kinetics(tests.current, tests.counter_current, dx)
            + self._current(tests.potential, dx)
        )

    def _momentum(self, v: Expr, dx: ufl.Measure) -> ufl.Form:
        """Return int [ T(w, w_max) + eta (1-d) dw/dt - p ] v: cohesion and viscosity act outside the flaw only.

        A weakened toughness scales eta by sqrt(g), too, so that it stays the same small part of the toughness.
        """
        now, max_opening = self.now, self.old["max_opening"]
        intact = 1.0 - self.flaw
        strength = self.old["strength"]
        undamaged = ufl.max_value(1.0 - max_opening * strength / (2.0 * self.cohesion.fracture_energy), 0.0)
        rate = (now.opening - self.old["opening_old"]) / self.dt
        viscous = self.old["viscosity"] * undamaged * rate
        sqrt_ratio = self.sqrt_toughness
        if sqrt_ratio is None:
            traction = self.cohesion.traction(now.opening, max_opening, strength) + viscous
        else:
            traction = self.cohesion.weakened(now.opening, max_opening, strength, sqrt_ratio) + sqrt_ratio * viscous
        return (intact * traction - now.pressure) * v * dx(metadata=lithium.LUMPED)

    def plating_fraction(self) -> Expr:
        """Part of the crack's area that plates: filled, connected to the anode, and in an open cell."""
        now = self.now
        filled = lithium.fill_fraction(now.thickness, self.old["aperture"] + now.opening)
        if self.model.flaw.residual > 0.0:
            filled = lithium.strippable_fraction(filled, self.flaw_data.residual, now.current)
        return self.open * self.old["connected"] * filled

    def _lithium(self, r: Expr, dx: ufl.Measure) -> ufl.Form:
        """Return int (h-h_old)/dt r - int 2 s (Omega/F) j r + int M grad p . grad r."""
        now, w0 = self.now, self.flaw_data.aperture * self.flaw
        moving = (1.0 - self.flaw) * now.opening if self.model.creep.fixed_aperture else now.opening
        velocity = surface_velocity_per_current(self.anode.molar_volume)
        return (
            lithium.storage(now.thickness, self.old["lithium_old"], self.dt, r, dx)
            + lithium.plating(self.plating_fraction(), now.current, velocity, r, dx)
            + lithium.flow(self.creep, w0 + moving, now.pressure, r, dx)
        )

    def _kinetics(self, q: Expr, qc: Expr, dx: ufl.Measure) -> ufl.Form:
        """Charge transfer on anode face, crack faces and counter electrode (phi_Li = 0)."""
        lumped, now = lithium.LUMPED, self.now
        excess = now.pressure - self.stack_pressure
        anode = ChargeTransfer(self.coefficients.kinetics(self.anode))
        counter = ChargeTransfer(self.coefficients.kinetics(self.counter), plating=False)
        return (
            anode.residual(now.current, now.potential, 0.0) * q * dx(ANODE, metadata=lumped)
            + self.crack_kinetics.residual(now.current, now.potential, excess) * q * dx(CRACK, metadata=lumped)
            + counter.residual(now.counter_current, self.voltage - now.potential, 0.0)
            * qc
            * dx(COUNTER, metadata=lumped)
        )

    def _current(self, s: Expr, dx: ufl.Measure) -> ufl.Form:
        """Return what leaves the electrolyte: plating on anode and crack, minus what the counter electrode feeds in."""
        lumped, j, jc = lithium.LUMPED, self.now.current, self.now.counter_current
        return (
            self.coefficients.touching(self.anode) * j * s * dx(ANODE, metadata=lumped)
            + self.plating_fraction() * j * s * dx(CRACK, metadata=lumped)
            - self.coefficients.touching(self.counter) * jc * s * dx(COUNTER, metadata=lumped)
        )

    def begin_step(self, values: Floats, max_opening: Floats, connected: Floats) -> None:
        """Load the fields of the committed state that a step starts from."""
        self.old["opening_old"].x.array[:] = values[:, 0]
        self.old["lithium_old"].x.array[:] = values[:, 2]
        self.old["max_opening"].x.array[:] = max_opening
        self.old["connected"].x.array[:] = connected
        nodes = self.surface.space.dofmap.list
        self.open.x.array[:] = self.crack.flaw_cell | (max_opening[nodes] > 0.0).all(axis=1)

    def evaluate(self, values: Floats, voltage: float, dt: float) -> Floats:
        """Residual (n, 6)."""
        self.unknown.x.array[:] = values.ravel()
        self.voltage.value = np.asarray(voltage)
        self.dt.value = np.asarray(dt)
        b = np.zeros(self.size * COMPONENTS)
        fem.assemble_vector(b, self._residual)
        return b.reshape(-1, COMPONENTS)

    def linearise(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Node rows, node columns and (nz, 6, 6) blocks of the derivative at the last evaluated state."""
        self._matrix.set_value(0.0)
        fem.assemble_matrix(self._matrix, self._jacobian)
        indptr = np.asarray(self._matrix.indptr)
        rows = np.repeat(np.arange(self.size), np.diff(indptr)[: self.size])
        blocks = np.asarray(self._matrix.data).reshape(-1, COMPONENTS, COMPONENTS)
        return rows, np.asarray(self._matrix.indices, dtype=np.int64), blocks
