"""`lifrac mesh`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from lifrac.problems.process.signals import watched

from .app import CaseArgument, Set, app, is_root, load


@app.command
def mesh(
    case: CaseArgument,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Write the mesh to this gmsh file (.msh) as well.")] = None,
    set_: Set = None,
) -> int:
    """Mesh a case and report on size and quality.

    For example:

        lifrac mesh case.toml
        lifrac mesh case.toml --out slab.msh --set mesh.crack_size="0.2 um"
    """
    from lifrac.errors import InputError

    loaded = load(case, set_)
    geometry = loaded.geometry()
    if out is not None and isinstance(geometry, Path):
        raise InputError(
            "the case already uses a mesh file",
            file=loaded.path,
            key="mesh.file",
            value=str(geometry),
            remedy="Leave out --out",
        )
    if out is not None and out.suffix != ".msh":
        raise InputError("must end in .msh", file="--out", value=str(out), remedy=f"Write {out.with_suffix('.msh')}")
    from lifrac.meshes.builder import write_msh
    from lifrac.problems.case.own_mesh import check_own
    from lifrac.problems.run.meshing import make_mesh
    from mpi4py import MPI

    watched()
    world = MPI.COMM_WORLD
    tagged = make_mesh(loaded, world)
    if out is not None and not isinstance(geometry, Path):
        write_msh(geometry, out, world)
    if is_root():
        print(tagged.report.as_text())
        for comparison in check_own(loaded):
            print(comparison.as_text())
        if out is not None:
            print(f"written: {out}")
    return 0
