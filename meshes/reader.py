"""A user's own mesh: gmsh's .msh by physical names, other formats through meshio."""

import contextlib
import functools
import io
import math
from pathlib import Path

import numpy as np
from lifrac.meshes import gmsh_model
from lifrac.meshes.accept import accept
from lifrac.meshes.collective import on_root
from lifrac.meshes.errors import InputError
from lifrac.meshes.raw import Ints, NamedCells, RawMesh
from lifrac.meshes.tagged import TaggedMesh, distribute
from mpi4py import MPI


def read_mesh(path: Path | str, comm: MPI.Comm, gdim: int = 2, scale: float = 1.0) -> TaggedMesh:
    """Read a mesh with named groups.

    Parameters
    ----------
    path : Path or str
        gmsh `.msh` (any version), or any format of meshio that keeps names of groups, such as Abaqus `.inp`
        or Salome `.med`.
    comm : MPI.Comm
        Ranks that share the mesh; collective. Only rank 0 reads the file.
    gdim : int
        2 or 3.
    scale : float
        The file's unit of length [um], such as 1000 for a mesh in mm.

    Raises
    ------
    InputError
        If the file cannot be read or the solver could not use the mesh; on every rank.
    RuntimeError
        If gmsh cannot be loaded; on every rank.
    """
    return distribute(comm, on_root(comm, functools.partial(_load, Path(path), gdim, scale)))


def _load(path: Path, dim: int, scale: float) -> RawMesh:
    """Read and check on this rank."""
    if dim not in (2, 3):
        raise InputError("must be 2 or 3", key="gdim", value=dim)
    if not (math.isfinite(scale) and scale > 0):
        raise InputError("must be a positive number", key="scale", value=scale)
    if not path.is_file():
        raise InputError("no such mesh file", file=path, remedy="Check the path")
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path) from error
    named = _read_msh(path, head) if path.suffix == ".msh" else _read_foreign(path)
    return accept(named, dim, scale=scale, file=path)


def _read_msh(path: Path, head: bytes) -> NamedCells:
    """Read a .msh file with gmsh. Its header is checked first: gmsh would run any other text as a script."""
    if not head.lstrip().startswith((b"$MeshFormat", b"$Comments")) or b"$MeshFormat" not in head:
        raise InputError(
            "is not a gmsh mesh", file=path, remedy="Save it with gmsh as .msh, or name it by its format"
        )
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
            remedy="Use .msh (gmsh), .inp (Abaqus) or .med (Salome), which keep the names of groups",
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
