"""Charge transfer at the faces of a cell with a diffuse crack, node by node."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import ufl
from dolfinx import fem
from lifrac.meshes.tagged import TaggedMesh
from lifrac.parallel.collective import largest
from lifrac.solver.interfaces.coefficients import FaceCoefficients
from lifrac.solver.interfaces.law import CONTACT, EXCHANGE_CURRENT, FILM_RESISTANCE, Face, Faces
from lifrac.solver.interfaces.laws import FaceLaws, LawStates, laws_of
from lifrac.solver.model.cell_model import PhaseFieldModel
from lifrac.solver.numerics.nodal import LUMPED, NodalRelation, nodal_sums
from lifrac.solver.phase_field.fracture.fields import Floats
from lifrac.solver.physics.kinetics import ChargeTransfer, FaceKinetics
from lifrac.solver.physics.symbolic import symbolic
from mpi4py import MPI

SUPPORTED = (CONTACT, FILM_RESISTANCE, EXCHANGE_CURRENT)
"""Coefficients that laws on faces can change here.

A toughness that changes cannot be one of them: the dissipated energy Gc w(d) of what is broken would change with it.
"""


@dataclass(frozen=True)
class CrackSurface:
    """Surface of the crack that carries a current, per node [um, um2 in 3D]."""

    plates: Floats
    strips: Floats
    """Less than what plates where stripping leaves a residue (`physics.lithium.strippable_fraction`)."""


@dataclass
class NodalCurrents:
    """Nodal currents of a state [A/m2 um, times um in 3D] and what they do with the potential and pressure."""

    crack: Floats
    anode: Floats
    counter: Floats
    crack_by_potential: Floats
    crack_by_pressure: Floats
    anode_by_potential: Floats
    counter_by_drop: Floats


class ChargeTransferFaces:
    """Kinetics of anode face, crack faces and counter electrode; forms are made once.

    Parameters
    ----------
    tagged : TaggedMesh
    model : PhaseFieldModel
    space : fem.FunctionSpace
        P1, scalar.
    crack_kinetics : FaceKinetics, optional
        Replaces the charge transfer of the crack faces (verification).

    Attributes
    ----------
    laws : FaceLaws
        The laws on the electrode faces. The crack is a band here, whose faces have no nodes of their own: no law acts
        on them.
    """

    def __init__(
        self, tagged: TaggedMesh, model: PhaseFieldModel, space: fem.FunctionSpace, crack_kinetics: FaceKinetics | None
    ) -> None:
        msh, self._fractions = tagged.mesh, (model.anode.contact_fraction, model.counter.contact_fraction)
        ds = ufl.Measure("ds", domain=msh, subdomain_data=tagged.facet_tags)
        on_anode, on_counter = ds(tagged.groups["anode"]), ds(tagged.groups["counter"])
        self.areas = (_nodal_area(space, on_anode), _nodal_area(space, on_counter))
        """Areas of anode and counter electrode of each node, ghosts included [um, um2 in 3D]."""
        self.laws = FaceLaws(laws_of(model), self._faces(space), SUPPORTED)
        self.coefficients = FaceCoefficients(self.laws, space, fem.Constant(msh, model.electrolyte.conductivity))
        anode = ChargeTransfer(self.coefficients.kinetics(symbolic(msh, model.anode)))
        counter = ChargeTransfer(self.coefficients.kinetics(symbolic(msh, model.counter)), plating=False)
        crack = crack_kinetics or ChargeTransfer(symbolic(msh, model.anode))
        self._crack = NodalRelation(crack.residual, space, 2, ufl.Measure("dx", domain=msh))
        self._anode = NodalRelation(lambda j, phi: anode.residual(j, phi, 0.0), space, 1, on_anode)
        self._counter = NodalRelation(lambda j, drop: counter.residual(j, drop, 0.0), space, 1, on_counter)
        self.begin_step(self.laws.initial(model.loads.stack_pressure))

    def _faces(self, space: fem.FunctionSpace) -> Faces:
        owned, comm = space.dofmap.index_map.size_local, space.mesh.comm

        def total(value: float) -> float:
            return float(comm.allreduce(value, op=MPI.SUM))

        def face(area: Floats, contact_fraction: float) -> Face:
            nodes = np.flatnonzero(area > 0.0)
            return Face(nodes, np.where(nodes < owned, area[nodes], 0.0), contact_fraction, total)

        anode, counter = map(face, self.areas, self._fractions)
        return Faces(len(self.areas[0]), anode, counter, largest=partial(largest, comm))

    def begin_step(self, states: LawStates, dt: float = 0.0) -> None:
        """Let the coefficients act that laws give to a step of `dt` [s] from these states."""
        self.coefficients.update(states, dt)
        contact = self.laws.coefficient(CONTACT, states, dt)
        self._touching = tuple(f * a * contact for f, a in zip(self._fractions, self.areas, strict=True))

    def current(self, currents: NodalCurrents) -> Floats:
        """Return the current density where each electrode face touches [A/m2], positive plates; zero off the faces."""
        anode, counter = (
            np.divide(current, area, out=np.zeros_like(area), where=area > 0.0)
            for current, area in zip((currents.anode, currents.counter), self._touching, strict=True)
        )
        return np.asarray(anode - counter)

    @property
    def node_volume(self) -> Floats:
        """Volume int v dx of each node, ghosts included [um2, um3 in 3D]."""
        return self._crack.weight

    def nodal_currents(
        self, potential: Floats, excess_pressure: Floats, voltage: float, crack: CrackSurface
    ) -> NodalCurrents:
        """Currents at a state (collective).

        Parameters
        ----------
        potential : ndarray
            phi [V].
        excess_pressure : ndarray
            p - P [MPa].
        voltage : float
            Of the cell [V].
        crack : CrackSurface
            Both faces of the crack, and walls of pores.
        """
        j, (by_phi, by_p) = self._crack.solve([potential, excess_pressure])
        j_anode, (anode_by_phi,) = self._anode.solve([potential])
        j_counter, (counter_by_drop,) = self._counter.solve([voltage - potential])
        anode_area, counter_area = self._touching
        crack_area = np.where(j < 0.0, crack.strips, crack.plates)
        return NodalCurrents(
            crack_area * j,
            anode_area * j_anode,
            counter_area * j_counter,
            crack_area * by_phi,
            crack_area * by_p,
            anode_area * anode_by_phi,
            counter_area * counter_by_drop,
        )


def _nodal_area(space: fem.FunctionSpace, ds: ufl.Measure) -> Floats:
    return nodal_sums(fem.form(ufl.TestFunction(space) * ds(metadata=LUMPED)), space)
