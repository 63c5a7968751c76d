"""Measures of a phase-field state: lengths, volumes, currents, energies and balances."""

from dataclasses import dataclass

import numpy as np
import ufl
from dolfinx import fem
from lifrac.solver.phase_field.fracture.fields import Floats
from mpi4py import MPI
from scipy.spatial import cKDTree

from .problem import PhaseFieldProblem, PhaseState, Step


@dataclass
class Reference:
    """Values that measures are compared with; they outlive a mesh."""

    area: float
    """Surface of the cracks at the start, as `PhaseFieldDiagnostics.surface` has it."""
    energy: float = 0.0
    """At the first state [MPa um2, um3 in 3D]."""
    released: float = 0.0
    """The energy that the crack takes away from the intact body (`CellLoads.released`), at the last state."""
    currents: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Into the crack and the anode face, and out of the counter electrode, in the last accepted step [A/m2 um, times
    um in 3D]."""


class PhaseFieldDiagnostics:
    """Reads lengths, currents and energies off the fields as they are; integrals are compiled once (collective).

    Parameters
    ----------
    problem : PhaseFieldProblem
    reference : Reference, optional
        That of the diagnostics on the mesh before; default: the cell as it is now.
    """

    def __init__(self, problem: PhaseFieldProblem, reference: Reference | None = None) -> None:
        self.problem = problem
        cell, fields = problem.cell, problem.fields
        u, d = fields.displacement, fields.damage
        self.x = d.function_space.tabulate_dof_coordinates()
        energy = cell.energy.stored(u, d) + cell.energy.fracture(d) + cell.loads.released(u, d)
        self._energy = fem.form(energy)
        self._released = fem.form(cell.loads.released(u, d))
        self._before = fem.Function(u.function_space)
        self._released_before = fem.form(cell.loads.released(self._before, fields.lower_bound))
        self.from_flaw = self._distances()
        model = problem.solid.damage_model
        surface = problem.surface_weight * model.surface_density(d) / model.toughness_factor(problem.row)
        self._surface = fem.form(surface * ufl.dx)
        self.reference = reference or Reference(self.surface())
        mouth = np.zeros(len(self.x), dtype=bool)
        mouth[cell.nodes_on("anode")] = True
        self.at_face = mouth
        """Nodes on the anode face."""

    def _distances(self) -> Floats:
        """Return the distance of every node from the nodes that are broken at the start [um] (collective)."""
        owned = self.problem.cell.owned
        mine = self.problem.flaw[self.problem.flaw < owned]
        flaw = np.concatenate(self.problem.comm.allgather(self.x[mine]))
        return np.asarray(cKDTree(flaw).query(self.x)[0])

    def energy(self) -> float:
        """Return stored and surface energy less the work of the outer loads [MPa um2, um3 in 3D].

        That of the intact body is taken off.
        """
        return self._sum(self._energy)

    def _sum(self, form: fem.Form) -> float:
        return float(self.problem.comm.allreduce(fem.assemble_scalar(form), op=MPI.SUM))

    def surface(self) -> float:
        """Return the surface of the cracks by surface energy, one face, of what is meshed [um, um2 in 3D].

        Collective.
        """
        return self._sum(self._surface)

    def crack_length(self) -> float:
        """a0 and what its surface has grown by, by surface energy [um].

        In 3D the radius of a half penny of equal area.
        """
        p = self.problem
        grown = p.copies * (self.surface() - self.reference.area)
        a0 = p.model.flaw.length
        if p.tagged.mesh.geometry.dim == 2:
            return a0 + grown
        return float(np.sqrt(max(a0**2 + 4.0 * grown / np.pi, 0.0)))

    def accumulate(self, old: PhaseState, new: PhaseState, step: Step, dt: float) -> None:
        """Add the step's charge, lithium and work to the accumulated balances of `new`, at which the fields are."""
        p, cell = self.problem, self.problem.cell
        crack, anode, counter = self._currents(step)
        new.charge_in += counter * dt
        new.charge_out += (crack + anode) * dt
        plated = p.copies * cell.velocity * crack * dt
        new.plated_in_flaw += plated
        new.exchanged += abs(plated)
        change = cell.volume.capacity() - p.volume_before
        new.work["pressure"] += cell.total(0.5 * (old.pressure + new.pressure) * change)
        # The stress along the crack that is left out follows the crack: what that does at the state before.
        self._before.x.array[:] = old.displacement
        new.work["along"] = new.work.get("along", 0.0) + self._sum(self._released_before) - self.reference.released
        self.reference.released = self._sum(self._released)

    def _currents(self, step: Step) -> tuple[float, float, float]:
        """Into crack and anode face, and out of the counter electrode [A/m2 um, times um in 3D] (collective)."""
        currents, total = step.currents, self.problem.cell.total
        return total(currents.crack), total(currents.anode), total(currents.counter)

    def empty_mouth(self, new: PhaseState) -> float:
        """Take from `new` the lithium beyond what the nodes of an open mouth hold; how much [um2, meshed part]."""
        cell = self.problem.cell
        nodes = cell.fill.mouth[cell.fill.connected[cell.fill.mouth]]
        surplus = np.zeros(len(new.lithium_amount))
        surplus[nodes] = new.lithium_amount[nodes] - cell.volume.capacity()[nodes]
        new.lithium_amount -= surplus
        return cell.total(surplus)

    def begin(self) -> None:
        """Take the fields for those of the cell's first state."""
        self.reference.energy, self.reference.released = self.energy(), self._sum(self._released)

    def remember(self, step: Step) -> None:
        """Take the currents of an accepted step for the present ones."""
        self.reference.currents = self._currents(step)
