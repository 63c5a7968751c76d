"""Files of meshes: gmsh's .msh by physical names, other formats through meshio; no DOLFINx."""

import contextlib
import functools
import io
import math
import re
from pathlib import Path

import numpy as np
from lifrac.errors import InputError

from .geometries import gmsh_model
from .serial_mesh import Ints, NamedCells, RawMesh
from .validate import NAMED_FORMATS, validated

NAMELESS = {
    **dict.fromkeys((".vtk", ".vtu", ".pvtu", ".pvd", ".vtkhdf"), "VTK"),
    ".xdmf": "XDMF",
    ".xmf": "XDMF",
    **dict.fromkeys((".e", ".ex2", ".exo", ".exii"), "Exodus"),
    ".stl": "STL",
    ".obj": "OBJ",
    ".ply": "PLY",
    ".off": "OFF",
}
"""Formats that are not read, because names of groups do not survive in them."""
MSH_VERSIONS = ("2", "2.1", "2.2", "4", "4.1")
"""Versions of gmsh's format that are read; 1 and 3 are not written any more."""
SAVE_ANEW = "Save it with gmsh as .msh 4.1 (Mesh.MshFileVersion = 4.1)"


def load(path: Path, dim: int, scale: float = 1.0) -> RawMesh:
    """Read and check a mesh on this process; the last one is kept.

    Parameters
    ----------
    path : Path
        gmsh `.msh`, or any format of meshio that keeps names of groups.
    dim : int
        2 or 3.
    scale : float
        The file's unit of length [um].

    Raises
    ------
    InputError
        If the file cannot be read or the solver could not use the mesh.
    RuntimeError
        If gmsh cannot be loaded.
    """
    if dim not in (2, 3):
        raise InputError("must be 2 or 3", key="gdim", value=dim, remedy="State the dimension of the mesh")
    if not (math.isfinite(scale) and scale > 0):
        raise InputError("must be a positive number", key="scale", value=scale, remedy="Write 1.0 for um")
    if not path.is_file():
        raise InputError("no such mesh file", file=path, remedy="Check the path")
    about = path.stat()
    return _accepted(path, dim, scale, (about.st_mtime_ns, about.st_size, about.st_ino))


@functools.lru_cache(maxsize=1)
def _accepted(path: Path, dim: int, scale: float, stamp: tuple[int, int, int]) -> RawMesh:
    """Return the mesh, checked. Sweeps ask for the same one at every point; `stamp` tells when the file has changed."""
    return validated(_named(path), dim, scale=scale, file=path)


def _named(path: Path) -> NamedCells:
    """Return the file as it is."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path, remedy="Check its permissions") from error
    suffix = path.suffix.lower()
    if suffix in NAMELESS:
        raise InputError(
            f"{NAMELESS[suffix]} files do not keep names of groups",
            file=path,
            remedy=f"Save another format: {NAMED_FORMATS}",
        )
    return _read_msh(path, head) if suffix == ".msh" else _read_foreign(path)


def _read_msh(path: Path, head: bytes) -> NamedCells:
    """Read a .msh file with gmsh. Its header is checked first: gmsh would run any other text as a script."""
    text = head.lstrip()
    if text.startswith(b"$NOD"):
        raise InputError("is in version 1 of gmsh's format, which has no names of groups", file=path, remedy=SAVE_ANEW)
    if not text.startswith((b"$MeshFormat", b"$Comments")) or b"$MeshFormat" not in head:
        raise InputError("is not a gmsh mesh", file=path, remedy="Save it with gmsh as .msh, or name it by its format")
    found = re.search(rb"\$MeshFormat\s+(\S+)\s", head)
    version = found.group(1).decode("ascii", "replace") if found else "?"
    if version not in MSH_VERSIONS:
        raise InputError(f"is in version {version} of gmsh's format, which is not read", file=path, remedy=SAVE_ANEW)
    try:
        with gmsh_model.session() as gmsh:
            gmsh.merge(str(path))
            return gmsh_model.to_named(gmsh)
    except RuntimeError:
        raise
    except Exception as error:  # gmsh raises bare Exceptions
        raise InputError(f"gmsh cannot read it ({error})", file=path, remedy="Save it again") from error


def _read_foreign(path: Path) -> NamedCells:
    """Read with meshio; it prints complaints and may end the process, which is turned into one error."""
    import meshio

    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            mesh = meshio.read(path)
        return _from_meshio(mesh)
    except (Exception, SystemExit) as error:
        reason = str(error) if isinstance(error, Exception) and str(error) else said.getvalue().strip()
        raise InputError(
            f"meshio cannot read it ({' '.join(reason.split())})",
            file=path,
            remedy=f"Save another format: {NAMED_FORMATS}",
        ) from error


def _from_meshio(mesh: "meshio.Mesh") -> NamedCells:  # type: ignore[name-defined]  # noqa: F821
    """Join meshio's blocks by shape; groups are its cell sets, and the families of a .med file."""
    points = np.zeros((len(mesh.points), 3))
    points[:, : mesh.points.shape[1]] = mesh.points
    blocks: dict[str, list[Ints]] = {}
    groups: dict[str, dict[str, list[Ints]]] = {}
    for index, block in enumerate(mesh.cells):
        start = sum(map(len, blocks.get(block.type, [])))
        blocks.setdefault(block.type, []).append(np.asarray(block.data, dtype=np.int64))
        for name, rows in _rows_by_name(mesh, index).items():
            groups.setdefault(name, {}).setdefault(block.type, []).append(start + rows)
    return NamedCells(
        points,
        {shape: np.concatenate(parts) for shape, parts in blocks.items()},
        {n: {s: np.concatenate(parts) for s, parts in rows.items()} for n, rows in groups.items()},
    )


def _rows_by_name(mesh: "meshio.Mesh", block: int) -> dict[str, Ints]:  # type: ignore[name-defined]  # noqa: F821
    """Rows of one block in each group."""
    rows = {
        name: np.asarray(parts[block], dtype=np.int64)
        for name, parts in mesh.cell_sets.items()
        if parts[block] is not None and len(parts[block])
    }
    families = getattr(mesh, "cell_tags", {})
    if families and "cell_tags" in mesh.cell_data:
        family = mesh.cell_data["cell_tags"][block]
        for name in {name for names in families.values() for name in names}:
            wanted = [number for number, names in families.items() if name in names]
            found = np.flatnonzero(np.isin(family, wanted))
            if len(found):
                rows[name] = found
    return rows
