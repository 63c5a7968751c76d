"""The command line: help that teaches, exit codes, no heavy imports where none are needed."""

import subprocess
import sys
from pathlib import Path

import pytest
from lifrac.errors import InputError, NumericalFailure
from lifrac.problems.cli import check
from lifrac.problems.cli import main as cli
from support.mpi import PATIENCE

COMMANDS = ["run", "ccd", "check", "mesh", "materials", "plot", "verify"]


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in COMMANDS)
    assert "mpiexec" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_shows_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "For example" in text
    assert f"lifrac {command}" in text


@pytest.mark.parametrize("tokens", [["rnu"], ["run"], ["run", "case.toml", "--ot", "x"], ["check", "a", "b"]])
def test_usage_errors(tokens: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(tokens) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("lifrac: ")
    assert "--help" in captured.err


@pytest.mark.parametrize(("error", "code"), [(InputError("wrong"), 2), (NumericalFailure("stuck"), 3)])
def test_exit_codes(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(case: str, overrides: object) -> None:
        raise error

    monkeypatch.setattr(check, "load", fail)
    assert cli.main(["check", "case.toml"]) == code
    assert str(error) in capsys.readouterr().err


def test_only_the_first_rank_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    monkeypatch.setenv("PMI_RANK", "1")
    assert cli.main(["check", "nothing.toml"]) == 2
    assert capsys.readouterr().err == ""


def test_materials(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["materials"]) == 0
    assert "Li10GeP2S12" in capsys.readouterr().out
    assert cli.main(["materials", "llzo"]) == 0
    text = capsys.readouterr().out
    assert "0.46 mS/cm" in text
    assert "Ni et al., J. Mater. Sci. 47" in text
    assert cli.main(["materials", "LZO"]) == 2


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "llzo_holds", "--set", "operation.temperature=60 degC"]) == 0
    text = capsys.readouterr().out
    for words in (
        "60 degC",
        "defect.aperture",
        "stated in the case file",
        "wagner_number",
        "Estimate",
        "warning:",
    ):
        assert words in text


def test_mesh_wants_msh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["mesh", "llzo_holds", "--out", str(tmp_path / "mesh.vtk")]) == 2
    assert ".msh" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_mesh_reports_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--set", "mesh.crack_size=4 um", "--set", "mesh.path_growth=0", "--set", "mesh.far_size=40 um"]
    assert cli.main(["mesh", "llzo_holds", "--out", str(tmp_path / "slab.msh"), *sizes]) == 0
    assert "52 on the crack plane" in capsys.readouterr().out
    assert (tmp_path / "slab.msh").stat().st_size > 1000
    own = ["--set", f"mesh.file={tmp_path / 'slab.msh'}"]
    assert cli.main(["mesh", "llzo_holds", *own]) == 0
    assert "52 on the crack plane" in capsys.readouterr().out


@pytest.mark.parametrize("tokens", [["--help"], ["materials"], ["check", "llzo_holds"]])
def test_light_commands_leave_the_solver_alone(tokens: list[str]) -> None:
    """Help, materials and check answer without DOLFINx, MPI and gmsh."""
    script = (
        "import sys; from lifrac.problems.cli.main import main\n"
        f"assert main({tokens!r}) == 0\n"
        "heavy = {'dolfinx', 'mpi4py', 'gmsh', 'petsc4py', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=PATIENCE)
