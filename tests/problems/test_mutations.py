"""A sample of the mutated files of benchmarks/robustness: right, warned of or refused, nothing else."""

import importlib
import random
import sys
from pathlib import Path
from typing import Any

import meshio
import pytest
from lifrac.meshes.builder import write_msh

ROBUSTNESS = Path(__file__).parents[2] / "benchmarks" / "robustness"
FINE = ("right", "warned of", "refused")


@pytest.fixture(scope="module")
def tools() -> Any:
    """The modules `cases` and `meshes` of the benchmark."""
    sys.path.insert(0, str(ROBUSTNESS))
    try:
        return importlib.import_module("cases"), importlib.import_module("meshes")
    finally:
        sys.path.remove(str(ROBUSTNESS))


def test_mutated_cases_and_studies(tools: Any, tmp_path: Path) -> None:
    cases, random_ = tools[0], random.Random(7)
    ready = cases.texts()
    for _ in range(60):
        name = random_.choice([name for name in ready if "case =" not in ready[name]])
        path = tmp_path / "case.toml"
        path.write_bytes(cases.mutated(ready[name], random_).encode("utf-8", "surrogateescape"))
        verdict, words, _ = cases.look(path, False)
        assert verdict in FINE, f"{name}: {words}\n{path.read_text(errors='replace')}"


def test_mutated_meshes(tools: Any, tmp_path: Path) -> None:
    cases, meshes = tools
    random_ = random.Random(7)
    geometry, text = meshes.BODIES["half"]
    (tmp_path / "case.toml").write_text(text)
    own = tmp_path / "own.msh"
    write_msh(geometry, tmp_path / "sound.msh")
    meshio.write(own, meshio.read(tmp_path / "sound.msh"), "gmsh22", binary=False)
    assert cases.look(tmp_path / "case.toml", False, True)[0] == "warned of"  # of the creep law alone
    sound = own.read_bytes()
    for change in meshes.CHANGES:
        own.write_bytes(sound)
        mesh = meshio.read(own)
        change(mesh, random_)
        mesh.cell_sets.clear()
        meshio.write(own, mesh, "gmsh22", binary=False)
        verdict, words, _ = cases.look(tmp_path / "case.toml", False, True)
        assert verdict in FINE, f"{change.__name__}: {words}"
    own.write_bytes(meshes.damaged(sound, random_))
    assert cases.look(tmp_path / "case.toml", False, True)[0] in FINE
