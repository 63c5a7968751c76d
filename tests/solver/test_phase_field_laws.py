"""Contact of the electrode faces and the residue of stripping in the phase-field engine."""

import numpy as np
import pytest
from lifrac.solver.interfaces.contact import CONTACT_ALLOWANCE
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.interface import ContactLaw
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.constants import surface_velocity_per_current
from mpi4py import MPI
from support.diffuse_cell import A0, CURRENT, adaptive_engine, engine, model

COMM = MPI.COMM_SELF
PASSAGE = 1.0 / surface_velocity_per_current()
"""F h*/Omega for h* = 1 um [C/m2]."""


def left_after_stripping(residual: float) -> tuple[float, float]:
    """Lithium in the flaw over that at the start: after it was stripped, and after plating a third of that charge."""
    steps = (ProtocolStep(ConstantCurrent(-10.0), 300.0), ProtocolStep(ConstantCurrent(10.0), 100.0))
    cell = engine(COMM, model(*steps, flaw=Flaw(A0, 0.02, residual=residual)))
    start = cell.measures.lithium_volume
    reports = list(cell.run())
    assert max(r["lithium_balance_error"] for r in reports) < 1.0e-8
    stripped = [r["lithium_volume"] for r in reports if r.protocol_step == 0][-1]
    return stripped / start, reports[-1]["lithium_volume"] / start


def test_stripping_leaves_the_residue_on_which_the_flaw_fills_again() -> None:
    emptied, after = left_after_stripping(0.0)
    assert after < 1.2 * emptied
    for residual in (0.1, 0.2):
        left, refilled = left_after_stripping(residual)
        assert residual < left < residual + emptied
        assert refilled > 2.5 * left


def test_contact_is_lost_as_by_hand_and_ends_the_run() -> None:
    """theta dtheta/dQ = -Omega/(F h*) where nothing closes voids: Q = (1 - theta^2)/2 F h*/Omega."""
    law = ContactLaw(void_height=0.05, reference_current=1.0e-9)
    closed = Flaw(A0, 1.0e-3, filling=0.0, mouth="closed")
    cell = engine(COMM, model(ProtocolStep(ConstantCurrent(CURRENT), 0.05 * PASSAGE), flaw=closed, contact=law))
    reports = list(cell.run())
    assert cell.outcome == cell.termination == "contact_lost"
    contact = np.array([1.0, *(r["contact_counter"] for r in reports)])
    charge = np.array([0.0, *(r.state.charge for r in reports)]) / (0.05 * PASSAGE)
    np.testing.assert_allclose(charge, 0.5 * (1.0 - contact**2), atol=1.0e-4)
    assert np.abs(np.diff(contact)).max() <= CONTACT_ALLOWANCE * (1.0 + 1.0e-9)
    assert all(r["contact_anode"] == pytest.approx(1.0, abs=1.0e-12) for r in reports)


def test_contact_goes_along_when_the_mesh_changes() -> None:
    """A crack grows while the counter electrode loses contact, whose nodes become more."""
    law = ContactLaw(void_height=0.2, reference_current=1.0e-9)
    steps = (ProtocolStep(ConstantCurrent(CURRENT), 150.0),)
    cell = adaptive_engine(COMM, contact=law, protocol=steps)
    nodes = len(cell.state.damage)
    reports = list(cell.run())
    assert len(cell.state.damage) > nodes
    contact, charge = reports[-1]["contact_counter"], reports[-1].state.charge / (0.2 * PASSAGE)
    assert contact < 0.92
    assert charge == pytest.approx(0.5 * (1.0 - contact**2), rel=5.0e-3)
    assert reports[-1].state.laws["contact"].nodal["contact"].shape == cell.state.damage.shape
