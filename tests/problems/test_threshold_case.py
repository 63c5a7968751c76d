"""`lifrac.threshold` and `lifrac threshold`."""

from pathlib import Path

import lifrac
import numpy as np
import pytest
from lifrac.problems.cli.main import main
from lifrac.problems.run.threshold_current import Threshold, evaluated, model_at, threshold, threshold_bodies
from lifrac.solver.front.body import FrontBody
from mpi4py import MPI

COARSE = {"crack_size": "1 um", "thickness": "100 um", "lateral": "free"}
"""Twenty cells along the flaw: the figures are those of fine meshes within a percent."""


@pytest.fixture(scope="module")
def bodies() -> list[FrontBody]:
    """The body of that case on its two meshes."""
    return threshold_bodies(lifrac.load_case("llzo_holds", **COARSE), MPI.COMM_SELF)


@pytest.fixture(scope="module")
def llzo(bodies: list[FrontBody]) -> Threshold:
    """Its threshold."""
    return evaluated(lifrac.load_case("llzo_holds", **COARSE), bodies)


def test_figures_of_llzo(llzo: Threshold) -> None:
    """1.988 mA/cm2 on fine meshes, of which charge transfer has two thirds; the closed form 1.981."""
    assert llzo.milliamperes == pytest.approx(1.988, rel=0.01)
    assert abs(llzo.milliamperes / 1.988 - 1.0) < 2.0 * llzo.error
    assert llzo.closed_form == pytest.approx(19.81, rel=1e-3)
    assert llzo.budget["charge transfer"] == pytest.approx(0.64, abs=0.02)
    assert llzo.limited_by == "charge transfer"
    assert llzo.pressure[0] == pytest.approx(1.0)
    assert llzo.depth[-1] == pytest.approx(20.0)
    assert 0.001 < llzo.error < 0.02


def test_the_distance_of_the_next_flaw_counts() -> None:
    """Half-width 100 um between free sides: 1.99, and 2.09 mA/cm2 with 200 um (docs/threshold.md)."""
    found = threshold(lifrac.load_case("llzo_holds", **COARSE))
    assert found.wider / found.by_mesh[0] == pytest.approx(2.09 / 1.99, abs=0.01)


def test_figures_of_a_sulfide_between_sides() -> None:
    """Free sides 0.203 mA/cm2 at 20 MPa, held ones 0.874."""
    for lateral, target, tolerance in (("free", 0.203, 0.04), ("die", 0.874, 0.01)):
        case = lifrac.load_case("li6ps5cl_1MPa", crack_size="1 um", stack_pressure="20 MPa", lateral=lateral)
        found = threshold(case)
        assert found.milliamperes == pytest.approx(target, rel=tolerance)
        assert found.loads_ratio == pytest.approx({"free": 0.81, "die": 0.29}[lateral], abs=0.01)


def test_temperature_counts_through_all_laws(llzo: Threshold, bodies: list[FrontBody]) -> None:
    """The derivative by temperature against two thresholds, on the same bodies."""
    cases = [lifrac.load_case("llzo_holds", temperature=f"{t} degC", **COARSE) for t in (24, 26)]
    ends = [evaluated(case, bodies).current_density for case in cases]
    assert llzo.sensitivity("operation.temperature").derivative == pytest.approx((ends[1] - ends[0]) / 2.0, rel=3e-3)
    case = lifrac.load_case("llzo_holds", **COARSE)
    assert model_at(case, case.temperature) == case.cell()
    with pytest.raises(KeyError, match="protocol"):
        llzo.sensitivity("protocol.current_density")


def test_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The tables of the command, and refusals with exit code 2."""
    coarse = ["--set", "mesh.crack_size=1 um", "--set", "operation.lateral=free"]
    assert main(["threshold", "li6ps5cl_1MPa", *coarse]) == 0
    said = capsys.readouterr().out
    for words in ("threshold current density", "1.0", "of K_Ic", "charge transfer", "1 K more of temperature"):
        assert words in said
    assert main(["threshold", "li6ps5cl_1MPa", *coarse, "--set", 'operation.stack_pressure="30 MPa"']) == 2
    said = capsys.readouterr().err
    assert "li6ps5cl_1MPa.toml: defect.length = '20 um': the threshold is below zero" in said
    assert "K is 1.2" in said
    assert main(["threshold", "llzo_inclined"]) == 2
    assert 'Write fracture.engine = "plane"' in capsys.readouterr().err


def test_meshes_of_the_users_own(tmp_path: Path, llzo: Threshold) -> None:
    """One mesh: the same number, and no error."""
    mesh = tmp_path / "slab.msh"
    assert main(["mesh", "llzo_holds", "--out", str(mesh), "--set", "mesh.crack_size=1 um", "--set",
                 "electrolyte.thickness=100 um"]) == 0  # fmt: skip
    case = lifrac.load_case("llzo_holds", thickness="100 um", lateral="free", mesh__file=str(mesh))
    found = threshold(case)
    assert len(found.by_mesh) == 1
    assert np.isnan(found.error)
    assert found.current_density == pytest.approx(llzo.current_density, rel=0.02)
