"""Every snippet of the pages is loaded or run. New ones are found by themselves; parts are laid over a whole file."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit
import yaml
from lifrac.errors import InputError
from lifrac.problems.case.case import READY_CASES, load_case
from lifrac.problems.case.overrides import lay_over
from lifrac.problems.cli.main import main
from lifrac.problems.materials.cards import load_card
from lifrac.problems.studies.ccd.study import load_study
from lifrac.problems.studies.executors.snakemake_rounds import SNAKEFILE
from lifrac.problems.studies.sweep.sweep import load_sweep
from support.mpi import PATIENCE
from support.pages import Snippet, snippets
from support.short_runs import ENDS, short_run, shortening

CARDS = READY_CASES.parent / "cards"
WHOLE_CASE = {"electrolyte", "defect", "operation", "protocol"}
STUDY = {
    "study": {
        "case": "llzo_holds",
        "temperatures": ["25 degC"],
        "stack_pressures": ["1 MPa"],
        "areal_capacities": ["0.25 mAh/cm^2"],
        "current_min": "0.5 mA/cm^2",
        "current_max": "8 mA/cm^2",
    },
}
"""Files that a part of a study is laid over."""
OWN_FLAW = "flaw.msh"
"""The mesh of the script that has cells of a flaw."""
UNKNOWN = ("unknown", "Did you mean", "no such")
DISPLACED = {"ramp": ("current_min",)}
"""Keys of STUDY that a driver chooses by itself."""


def of(*kinds: str) -> list[Any]:
    return [pytest.param(snippet, id=str(snippet)) for snippet in snippets() if snippet.kind in kinds]


def test_every_kind_of_snippet_is_known() -> None:
    """`text` is for equations and file trees, which nobody runs; everything else has a test here or beside."""
    known = {"toml", "python", "yaml", "geo", "bash", "console", "text"}
    assert {snippet.kind for snippet in snippets()} <= known
    assert len(of("toml")) >= 12
    assert len(of("python")) >= 5


# -- TOML -----------------------------------------------------------------------------------------------------


def kind_of(data: dict[str, Any]) -> str:
    return next((kind for kind in ("study", "sweep", "kind") if kind in data), "case")


def whole(snippet: Snippet, data: dict[str, Any]) -> dict[str, Any]:
    """The snippet, laid over a whole file of its kind where it is a part of one."""
    kind = kind_of(data)
    if kind == "case":
        if set(data) >= WHOLE_CASE:
            return data
        base = tomllib.loads((READY_CASES / "llzo_holds.toml").read_text())
        if "steps" in data.get("protocol", {}):
            base["protocol"] = {}
        base["electrolyte"]["properties"] = {}  # a part may state the same ones in another way
        if "type" in data.get("defect", {}):
            base["defect"] = {}
    elif kind == "study":
        base = STUDY
        driver = data["study"].get("driver", "")
        base = {"study": {k: v for k, v in STUDY["study"].items() if k not in DISPLACED.get(driver, ())}}
    elif kind == "sweep":
        base = {"sweep": {"case": "llzo_holds"}}
    else:
        base = tomllib.loads((CARDS / "LLZO.toml").read_text())
    lay_over(base, data)
    return base


def load(data: dict[str, Any], folder: Path) -> None:
    """Load and check a file for real: with every temperature, flaw and point that it stands for."""
    path = folder / "snippet.toml"
    path.write_text(tomlkit.dumps(data))
    kind = kind_of(data)
    loaders = {"study": load_study, "sweep": load_sweep, "case": load_case, "kind": load_card}
    loaders[kind](str(path) if kind == "kind" else path)  # type: ignore[operator]


@pytest.mark.parametrize("snippet", of("toml"))
def test_toml_is_accepted(snippet: Snippet, tmp_path: Path) -> None:
    if OWN_FLAW in snippet.text:
        geo_mesh(tmp_path, "flaw")
    load(whole(snippet, tomllib.loads(snippet.text)), tmp_path)


def choices(snippet: Snippet) -> Iterator[str]:
    """The snippet with each of its keys that stand in a comment (`# rest = "5 min"`), one at a time."""
    lines = snippet.text.splitlines()
    for number, line in enumerate(lines):
        bare = line.removeprefix("# ")
        if line.startswith("# ") and bare.partition(" = ")[0].replace("_", "").isalpha() and " = " in bare:
            yield "\n".join([*lines[:number], bare, *lines[number + 1 :]])


@pytest.mark.parametrize("snippet", of("toml"))
def test_keys_in_comments_exist(snippet: Snippet, tmp_path: Path) -> None:
    """Some exclude a key that is stated, or need another; none is unknown, or of the wrong kind."""
    for text in choices(snippet):
        refusal = ""
        try:
            load(whole(snippet, tomllib.loads(text)), tmp_path)
        except InputError as error:
            refusal = str(error)
        assert not any(words in refusal for words in UNKNOWN), refusal


@pytest.mark.parametrize("snippet", [s for s in of("toml") if set(tomllib.loads(s.values[0].text)) >= WHOLE_CASE])
def test_whole_cases_run(snippet: Snippet, tmp_path: Path) -> None:
    """Coarse, and for a few time steps."""
    path = tmp_path / "case.toml"
    path.write_text(snippet.text)
    if OWN_FLAW in snippet.text:
        geo_mesh(tmp_path, "flaw")
    changes = shortening(str(path)) if OWN_FLAW not in snippet.text else ["solver.max_steps=1", "output.plots=false"]
    arguments = [word for text in changes for word in ("--set", text)]
    assert main(["run", str(path), "--out", str(tmp_path / "out"), *arguments]) in ENDS
    assert (tmp_path / "out" / "summary.json").is_file()


# -- Python ---------------------------------------------------------------------------------------------------


def names_for(snippet: Snippet) -> dict[str, Any]:
    """Return what a page takes for granted: the plate of the tests where a snippet adapts a mesh of somebody's own."""
    if "Adaptive(" not in snippet.text:
        return {}
    from mpi4py import MPI
    from support.pulled_plate import COARSE, PulledPlate, rectangle

    class Plate(PulledPlate):
        solve = PulledPlate.pull
        commit = reject = lambda self: None

    return {"tagged": rectangle(MPI.COMM_SELF, COARSE), "build": Plate, "load": 1.0e-4}


def geo_mesh(folder: Path, group: str = "crack_plane") -> Path:
    """The mesh of a gmsh script on docs/meshes.md, the one with this group, made by gmsh in a process of its own."""
    (script,) = [snippet for snippet in snippets() if snippet.kind == "geo" and f'("{group}")' in snippet.text]
    name = "own" if group == "crack_plane" else group
    (folder / f"{name}.geo").write_text(script.text)
    program = (
        "import gmsh; gmsh.initialize(); gmsh.option.setNumber('General.Terminal', 0); "
        f"gmsh.open('{name}.geo'); gmsh.model.mesh.generate(2); gmsh.write('{name}.msh')"
    )
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, timeout=PATIENCE)
    return folder / f"{name}.msh"


@pytest.mark.parametrize("snippet", of("python"))
def test_python_runs(snippet: Snippet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that holds what the page names: runs cut short, a mesh of one's own in mm."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    for name in ("llzo_holds", "llzo_inclined"):
        if f"runs/{name}" in snippet.text:
            (tmp_path / "runs" / name).symlink_to(short_run(name))
    if "own.msh" in snippet.text:
        geo_mesh(tmp_path)
    names = names_for(snippet) | {"__name__": "snippet"}
    exec(compile(snippet.text, str(snippet), "exec"), names)


def test_values_beside_the_lines_of_results_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lifrac.postprocess.read.run_result import RunResult

    plane, diffuse = (RunResult.load(short_run(name)) for name in ("llzo_holds", "llzo_inclined"))
    assert plane.summary["max_lithium_pressure_MPa"] == pytest.approx(plane.history["max_lithium_pressure_MPa"].max())
    for run, expected in ((plane, False), (diffuse, True)):
        fields = run.fields()
        assert fields is not None
        assert fields.diffuse is expected
    line = plane.fields().grid(-1).crack_line  # type: ignore[union-attr]
    depth = plane.fields().grid(-1).points[line, 1]  # type: ignore[union-attr]
    assert (depth[1:] > depth[:-1]).all()
    assert depth[0] == 0.0


# -- other ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snippet", of("yaml"))
def test_profile_has_options_of_snakemake(snippet: Snippet) -> None:
    parser = pytest.importorskip("snakemake.cli").get_argument_parser()
    known = {option.removeprefix("--") for action in parser._actions for option in action.option_strings}
    profile = yaml.safe_load(snippet.text)
    assert set(profile) <= known
    assert set(profile["set-resources"]) == {"points"}
    assert "rule points:" in SNAKEFILE.read_text()
