"""No stored array has values beyond what physics allows, or where it does not live: all ready cases, cut short."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from lifrac import quantities
from lifrac.postprocess.read.field_file import FieldFile
from lifrac.solver.phase_field.phase_field_fields import PhaseFieldFields
from lifrac.solver.plane.plane_fields import PlaneFields
from lifrac.verification.support.field_bounds import BOUNDS, check_fields
from support.short_runs import ready_cases, short_run


@pytest.mark.parametrize("name", ready_cases())
def test_every_array_of_every_ready_case(name: str) -> None:
    checked = check_fields(short_run(name))
    assert checked.states >= 2
    assert not checked.excesses, "\n".join(map(str, checked.excesses))
    # None of them is empty: where it lives it comes near its bounds.
    assert checked.used["damage"] == 1.0
    everywhere = ("potential_V", "lithium_pressure_MPa", "current_density_mA_per_cm2")
    assert min(checked.used[name] for name in everywhere) > 0.3


def test_every_array_of_both_engines_has_bounds() -> None:
    arrays = {e.key for view in (PlaneFields, PhaseFieldFields) for e, _ in quantities.functions(view, field=True)}
    assert arrays == set(BOUNDS)


WRONG = [
    ("llzo_holds", "aperture_um", 813.0),
    ("llzo_holds", "damage", 1.1),
    ("llzo_holds", "potential_V", 3.0),
    ("llzo_inclined", "aperture_um", 1.0e-4),
    ("llzo_inclined", "lithium_pressure_MPa", 5.0),
    ("llzo_inclined", "lithium_share", 0.1),
    ("llzo_pore", "stress_MPa", 1.0e5),
    ("llzo_holds", "contact", np.nan),
    ("llzo_half_penny", "current_density_mA_per_cm2", 1.0e3),
    ("llzo_half_penny", "displacement_um", 5.0),
]


@pytest.mark.parametrize(("name", "array", "value"), WRONG)
def test_a_wrong_value_at_one_point_is_found(name: str, array: str, value: float, tmp_path: Path) -> None:
    """At the point that is farthest from the crack."""
    folder = tmp_path / "run"
    shutil.copytree(short_run(name), folder)
    fields = FieldFile(folder / "fields.vtkhdf")
    x = fields.grid(-1).points
    with h5py.File(folder / "fields.vtkhdf", "r+") as file:
        first = int(file["VTKHDF/Steps/PointDataOffsets"][array][len(fields.times) - 1])
        row = first + int(np.argmax(x[:, 0] + x[:, 1]))
        file["VTKHDF/PointData"][array][row] = value
    found = {excess.array for excess in check_fields(folder).excesses}
    assert array in found
