"""Charge transfer at the faces of a cell with a diffuse crack, node by node."""

from dataclasses import dataclass

import ufl
from dolfinx import fem
from lifrac.meshes.tagged import TaggedMesh
from lifrac.solver.model.cell import PhaseFieldModel
from lifrac.solver.numerics.nodal import NodalRelation
from lifrac.solver.phase_field.fracture.fields import Floats
from lifrac.solver.physics.constriction import constricted
from lifrac.solver.physics.kinetics import ChargeTransfer, FaceKinetics
from lifrac.solver.physics.symbolic import symbolic


@dataclass
class Charges:
    """Nodal currents of a state [A/m2 um, times um in 3D] and what they do with the potential and pressure."""

    crack: Floats
    anode: Floats
    counter: Floats
    crack_by_potential: Floats
    crack_by_pressure: Floats
    anode_by_potential: Floats
    counter_by_drop: Floats


class Faces:
    """Kinetics of anode face, crack faces and counter electrode; forms are made once.

    Parameters
    ----------
    tagged : TaggedMesh
    model : PhaseFieldModel
    space : fem.FunctionSpace
        P1, scalar.
    crack_kinetics : FaceKinetics, optional
        Replaces Butler-Volmer on the crack faces (verification).
    """

    def __init__(
        self, tagged: TaggedMesh, model: PhaseFieldModel, space: fem.FunctionSpace, crack_kinetics: FaceKinetics | None
    ) -> None:
        msh, kappa = tagged.mesh, model.electrolyte.conductivity
        ds = ufl.Measure("ds", domain=msh, subdomain_data=tagged.facet_tags)
        anode = ChargeTransfer(symbolic(msh, constricted(model.anode, kappa)))
        counter = ChargeTransfer(symbolic(msh, constricted(model.counter, kappa)), plating=False)
        crack = crack_kinetics or ChargeTransfer(symbolic(msh, model.anode))
        self._crack = NodalRelation(crack.residual, space, 2, ufl.Measure("dx", domain=msh))
        self._anode = NodalRelation(lambda j, phi: anode.residual(j, phi, 0.0), space, 1, ds(tagged.groups["anode"]))
        self._counter = NodalRelation(
            lambda j, drop: counter.residual(j, drop, 0.0), space, 1, ds(tagged.groups["counter"])
        )
        self._anode_area = model.anode.contact_fraction * self._anode.weight
        self._counter_area = model.counter.contact_fraction * self._counter.weight

    @property
    def node_volume(self) -> Floats:
        """int v dx of each node, ghosts included [um2, um3 in 3D]."""
        return self._crack.weight

    @property
    def areas(self) -> tuple[Floats, Floats]:
        """Areas of anode and counter electrode of each node, ghosts included [um, um2 in 3D]."""
        return self._anode.weight, self._counter.weight

    def charges(self, potential: Floats, excess_pressure: Floats, voltage: float, crack_area: Floats) -> Charges:
        """Currents at a state (collective).

        Parameters
        ----------
        potential : ndarray
            phi [V].
        excess_pressure : ndarray
            p - P [MPa].
        voltage : float
            Of the cell [V].
        crack_area : ndarray
            Plating surface of the crack, both faces, and of walls of pores.
        """
        j, (by_phi, by_p) = self._crack.solve([potential, excess_pressure])
        j_anode, (anode_by_phi,) = self._anode.solve([potential])
        j_counter, (counter_by_drop,) = self._counter.solve([voltage - potential])
        return Charges(
            crack_area * j,
            self._anode_area * j_anode,
            self._counter_area * j_counter,
            crack_area * by_phi,
            crack_area * by_p,
            self._anode_area * anode_by_phi,
            self._counter_area * counter_by_drop,
        )
