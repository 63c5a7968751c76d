"""Mutate meshes of a user's own and look what becomes of each: taken, refused with a remedy, and never anything else.

python benchmarks/robustness/meshes.py --count 300 --runs 40
"""

import argparse
import csv
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import meshio
import numpy as np
from cases import look, run
from lifrac.meshes.builder import write_msh
from lifrac.meshes.geometries.cracked import CrackedSlab
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw

HERE = Path(__file__).parent
HEAD = """
[electrolyte]
material = "LLZO"
thickness = "40 um"
[defect]
type = "{kind}"
length = "10 um"
aperture = "20 nm"
[protocol]
current_density = "4 mA/cm^2"
areal_capacity = "0.001 mAh/cm^2"
[mesh]
file = "own.msh"
{more}
"""
DIFFUSE = 'band_size = "1 um"\n[fracture]\nengine = "phase_field"\nlength = "4 um"'
SHORT = ("output.plots=false", "output.fields=1", "solver.max_steps=2")
BODIES = {
    "half": (SlabEdgeFlaw(40.0, 60.0, 10.0, 1.0, 10.0), HEAD.format(kind="edge_flaw", more="")),
    "whole": (
        CrackedSlab(40.0, 60.0, 1.0, 10.0, cracks=(((0.0, 0.0), (0.0, 10.0)),)),
        HEAD.format(kind="edge_flaw", more=DIFFUSE),
    ),
    "block": (
        HalfPennyBlock(
            thickness=40.0,
            half_width=60.0,
            breadth=50.0,
            flaw_length=10.0,
            crack_size=1.2,
            far_size=15.0,
            flaw_row=True,
            corridor=2.0,
        ),
        HEAD.format(kind="half_penny", more=DIFFUSE.replace("1 um", "1.2 um")),
    ),
}
Change = Callable[[meshio.Mesh, random.Random], None]


def moved(mesh: meshio.Mesh, random_: random.Random) -> None:
    mesh.points[:, random_.randrange(3)] += random_.choice((-1e-9, 1e-3, 0.5, -20.0, 1e6))


def scaled(mesh: meshio.Mesh, random_: random.Random) -> None:
    mesh.points *= random_.choice((1e-3, 1e3, 0.999, 1.0004, 2.0, 1e-9, -1.0, 0.0))


def stretched(mesh: meshio.Mesh, random_: random.Random) -> None:
    mesh.points[:, random_.randrange(3)] *= random_.choice((0.5, 1.5, -1.0, 1e-6))


def turned(mesh: meshio.Mesh, random_: random.Random) -> None:
    angle = random_.choice((0.1, np.pi / 2, np.pi, 1e-8))
    c, s = np.cos(angle), np.sin(angle)
    mesh.points[:, :2] = mesh.points[:, :2] @ np.array([[c, s], [-s, c]])


def not_a_number(mesh: meshio.Mesh, random_: random.Random) -> None:
    mesh.points[random_.randrange(len(mesh.points))] = random_.choice((np.nan, np.inf, 1e300))


def one_node(mesh: meshio.Mesh, random_: random.Random) -> None:
    mesh.points[random_.randrange(len(mesh.points)), :2] += random_.choice((1e-7, 0.1, 5.0, 100.0))


def doubled_nodes(mesh: meshio.Mesh, random_: random.Random) -> None:
    block = random_.choice(mesh.cells)
    row = random_.randrange(len(block.data))
    first = len(mesh.points)
    mesh.points = np.vstack([mesh.points, mesh.points[block.data[row]]])
    block.data[row] = first + np.arange(block.data.shape[1])


def turned_cell(mesh: meshio.Mesh, random_: random.Random) -> None:
    block = random_.choice(mesh.cells)
    row = random_.randrange(len(block.data))
    block.data[row, [0, 1]] = block.data[row, [1, 0]]


def foreign_nodes(mesh: meshio.Mesh, random_: random.Random) -> None:
    block = random_.choice(mesh.cells)
    block.data[random_.randrange(len(block.data)), 0] = random_.randrange(len(mesh.points))


def other_group(mesh: meshio.Mesh, random_: random.Random) -> None:
    tags = random_.choice(mesh.cell_data["gmsh:physical"])
    some = random_.sample(range(len(tags)), max(len(tags) // random_.choice((1, 2, 50)), 1))
    tags[some] = random_.choice([int(value[0]) for value in mesh.field_data.values()] + [99])


def renamed(mesh: meshio.Mesh, random_: random.Random) -> None:
    name = random_.choice(list(mesh.field_data))
    others = ("", "Anode", "countre", "flow", "xyz", "lateral", "pore", "side", "bare", name + " ")
    mesh.field_data[random_.choice(others) or "a"] = mesh.field_data.pop(name)


def swapped(mesh: meshio.Mesh, random_: random.Random) -> None:
    one, other = random_.sample(list(mesh.field_data), 2)
    mesh.field_data[one], mesh.field_data[other] = mesh.field_data[other], mesh.field_data[one]


def missing_cells(mesh: meshio.Mesh, random_: random.Random) -> None:
    number = random_.randrange(len(mesh.cells))
    block, tags = mesh.cells[number], mesh.cell_data["gmsh:physical"]
    kept = np.ones(len(block.data), dtype=bool)
    kept[random_.sample(range(len(kept)), max(len(kept) // random_.choice((2, 10, 1000)), 1))] = False
    mesh.cells[number] = meshio.CellBlock(block.type, block.data[kept])
    for name in mesh.cell_data:
        mesh.cell_data[name][number] = mesh.cell_data[name][number][kept]
    assert len(tags) == len(mesh.cells)


CHANGES: tuple[Change, ...] = (
    moved,
    scaled,
    stretched,
    turned,
    not_a_number,
    one_node,
    doubled_nodes,
    turned_cell,
    foreign_nodes,
    other_group,
    renamed,
    swapped,
    missing_cells,
)


def damaged(content: bytes, random_: random.Random) -> bytes:
    """Return a file that is damaged as such."""
    at = random_.randrange(len(content))
    kind = random_.randrange(5)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + bytes([content[at] ^ (1 << random_.randrange(8))]) + content[at + 1 :]
    if kind == 2:
        return content.replace(b"2.2 0", random_.choice((b"1.0 0", b"3.0 0", b"5.0 0", b"2.2 1", b"x y")), 1)
    if kind == 3:
        return content[:at] + content[at + random_.randrange(200) :]
    return random_.choice((b"", b"\x00" * 100, b"$NOD\n1\n", b"not a mesh", content + content))


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=300)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--runs", type=int, default=0)
    told = options.parse_args()
    random_, found, runs = random.Random(told.seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as temporary:
        folder, sound = Path(temporary), {}
        for name, (geometry, _) in BODIES.items():
            write_msh(geometry, folder / f"{name}.msh")
            meshio.write(folder / "own.msh", meshio.read(folder / f"{name}.msh"), "gmsh22", binary=False)
            sound[name] = (folder / "own.msh").read_bytes()
        case = folder / "case.toml"
        for number in range(told.count):
            name = random_.choice(list(BODIES))
            case.write_text(BODIES[name][1])
            own = folder / "own.msh"
            own.write_bytes(sound[name])
            change = random_.choice(CHANGES) if random_.random() < 0.75 else None
            if change is None:
                own.write_bytes(damaged(sound[name], random_))
            else:
                mesh = meshio.read(own)
                change(mesh, random_)
                mesh.cell_sets.clear()
                meshio.write(own, mesh, "gmsh22", binary=False)
            verdict, words, _ = look(case, study=False, mesh=True)
            if verdict in ("right", "warned of") and runs < told.runs:
                runs += 1
                odd = run(case, folder, SHORT)
                verdict, words = (f"{verdict}, run", "") if not odd else ("wrong run", odd)
            found[verdict] += 1
            if verdict.removesuffix(", run") not in ("right", "warned of", "refused"):
                print(number, name, change.__name__ if change else "damaged", verdict, words, sep="\n", flush=True)
    with (HERE / "meshes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("verdict", "meshes"), *sorted(found.items())])
    print(dict(found))


if __name__ == "__main__":
    main()
