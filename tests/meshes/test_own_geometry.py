"""A geometry of one's own: one class that draws itself, and no file of the package."""

from dataclasses import dataclass
from typing import Any

import lifrac
import numpy as np
import pytest
from lifrac.meshes.builder import build
from lifrac.meshes.serial_mesh import CELL_GROUP, FACET_GROUPS
from lifrac.solver.model.control import ConstantCurrent
from mpi4py import MPI


@dataclass(frozen=True)
class Trapezoid:
    """A half model whose side leans: its width goes from `wide` at the anode to `narrow` at the counter electrode."""

    thickness: float
    wide: float
    narrow: float
    flaw_length: float
    size: float

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        return (0.0, max(self.wide, self.narrow)), (0.0, self.thickness)

    def draw(self, model: Any) -> None:
        """Five corners (the tip of the flaw is one), five sides, one surface."""
        top, tip = self.thickness, self.flaw_length
        corners = ((0.0, 0.0), (self.wide, 0.0), (self.narrow, top), (0.0, top), (0.0, tip))
        points = [model.occ.addPoint(x, y, 0.0, self.size) for x, y in corners]
        lines = [model.occ.addLine(a, b) for a, b in zip(points, [*points[1:], points[0]], strict=True)]
        surface = model.occ.addPlaneSurface([model.occ.addCurveLoop(lines)])
        model.occ.synchronize()
        model.mesh.setSize([(0, point) for point in points], self.size)
        model.mesh.field.add("MathEval", 1)
        model.mesh.field.setString(1, "F", str(self.size))
        model.mesh.field.setAsBackgroundMesh(1)
        for name, sides in (
            ("anode", lines[:1]),
            ("lateral", lines[1:2]),
            ("counter", lines[2:3]),
            ("crack_plane", lines[3:]),
        ):
            model.addPhysicalGroup(1, sides, FACET_GROUPS[name], name)
        model.addPhysicalGroup(2, [surface], 1, CELL_GROUP)


BODY = Trapezoid(thickness=40.0, wide=40.0, narrow=20.0, flaw_length=8.0, size=2.0)


def test_it_is_meshed_with_its_groups() -> None:
    tagged = build(BODY, MPI.COMM_SELF)
    assert set(tagged.groups) == {"anode", "counter", "lateral", "crack_plane"}
    assert tagged.report.crack_plane_nodes == 21


def test_a_cell_runs_on_it() -> None:
    """The current that leaves the counter electrode enters the anode. Trial potentials that depend on y alone bound the
    resistance from below (Dirichlet), currents in proportion to x/w(y) from above (Thomson)."""
    face = lifrac.Kinetics(exchange_current=1.0e6, temperature=298.15)
    model = lifrac.PlaneModel(
        electrolyte=lifrac.Electrolyte(5.0e4, 150.0e3, 0.26, 6.0),
        anode=face,
        counter=face,
        creep=lifrac.Creep(prefactor=7.7e-3, exponent=6.56),
        flaw=lifrac.Flaw(8.0, 1.0e-3, filling=0.0, mouth="closed"),
        protocol=(lifrac.ProtocolStep(ConstantCurrent(100.0), duration=1.0),),
    )
    simulation = lifrac.Simulation.from_model(model, BODY)
    simulation.run()
    voltage = simulation.history["cell_voltage_V"].iloc[-1]
    current, kappa, lean = 100.0 * 40.0, 5.0e4, (40.0 - 20.0) / 40.0
    least = current / kappa * 40.0**2 / (30.0 * 40.0)
    most = current / kappa * np.log(40.0 / 20.0) / lean * (1.0 + lean**2 / 3.0)
    assert least < voltage < most
    assert simulation.balances["charge_balance_error"] < 1.0e-12
    areas = simulation.cell.areas()
    assert (areas.anode, areas.counter) == pytest.approx((40.0, 20.0))
