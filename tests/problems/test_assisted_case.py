"""The table `[fracture.assisted]`: resolved into the model, refused where it makes no sense, shown by `check`."""

from pathlib import Path

import pytest
from lifrac.errors import InputError
from lifrac.problems.case.case import load_case
from lifrac.problems.cli import main as cli
from lifrac.solver.model.fracture import AssistedCracking

STATED = 'fracture.assisted.current_density="0.1 mA/cm^2"'


def test_off_by_default_and_resolved_when_given(tmp_path: Path) -> None:
    plain, case = load_case("llzo_holds"), load_case("llzo_holds", [STATED])
    assert plain.engine_model().assisted is None
    assert case.engine_model().assisted == AssistedCracking(1.0, 0.06, 2.0)
    assert plain.content_hash() != case.content_hash()
    (tmp_path / "again.toml").write_text(case.resolved_toml())
    assert load_case(tmp_path / "again.toml").engine_model() == case.engine_model()


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("fracture.assisted.exponent=2.0", "fracture.assisted.current_density"),
        ('fracture.assisted.current_density="0 mA/cm^2"', "fracture.assisted.current_density"),
        ('fracture.assisted.current_density="1 mA"', "fracture.assisted.current_density"),
        ("fracture.assisted.residual_fraction=0", "fracture.assisted.residual_fraction"),
        ("fracture.assisted.residual_fraction=1.2", "fracture.assisted.residual_fraction"),
        ("fracture.assisted.exponent=-1", "fracture.assisted.exponent"),
        ("fracture.assisted.exponnent=1", "Did you mean fracture.assisted.exponent"),
    ],
)
def test_bad_input_names_its_key(override: str, key: str) -> None:
    stated = [] if "current_density" in override or override.endswith("2.0") else [STATED]
    with pytest.raises(InputError, match=key):
        load_case("llzo_holds", [*stated, override])


def test_check_shows_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "llzo_holds", "--set", STATED]) == 0
    text = capsys.readouterr().out
    assert "K_Ic at a tip current of 0.1 mA/cm^2" in text
