"""The checks every mesh must pass before the solver sees it; a refusal says what is wrong and what to do."""

import difflib
from pathlib import Path

import numpy as np
from lifrac.meshes.errors import InputError
from lifrac.meshes.raw import (
    CELL_GROUP,
    CELL_GROUPS,
    FACET_GROUPS,
    SIMPLICES,
    Floats,
    NamedCells,
    RawMesh,
    exterior,
    to_raw,
)
from lifrac.meshes.report import cell_quality

REQUIRED = ("anode", "counter")
STARTS = ("crack_plane", "flaw")
"""One of these says where a crack starts."""
TOLERANCE = 1e-6
"""Distance from a face that counts as on it, as part of the body's diagonal: single precision files pass."""


BODY = {
    "crack_plane": "With a crack plane the body is its half x >= 0",
    "anode": "The body is y >= 0, its anode face at y = 0",
}
"""Where the body lies, by the group that says so."""


def accept(named: NamedCells, dim: int, *, scale: float = 1.0, file: Path | None = None) -> RawMesh:
    """Check a mesh and give its arrays in um.

    Coordinates within tolerance of the crack plane or the anode face are moved exactly onto it.

    Raises
    ------
    InputError
        If the solver could not use the mesh.
    """
    _check_shapes(named, dim, file)
    _check_names(named, dim, file)
    _check_cells_named(named, dim, file)
    raw = to_raw(named, dim, scale)
    _check_boundary(raw, file)
    _check_faces(raw, file)
    _bare_faces(raw)
    flat = int(np.sum(cell_quality(raw.points, raw.cells) == 0))
    if flat:
        raise InputError(f"{flat} cells have no volume", file=file, remedy="Mesh the geometry anew")
    return raw


def _check_shapes(named: NamedCells, dim: int, file: Path | None) -> None:
    """Only first-order triangles in 2D, tetrahedra in 3D."""
    odd = sorted(set(named.cells) - set(SIMPLICES))
    if odd:
        raise InputError(
            f"has elements of shape {', '.join(odd)}; only first-order triangles and tetrahedra will do",
            file=file,
            remedy="In gmsh set Mesh.ElementOrder = 1 and recombine nothing",
        )
    found = max((d for d, shape in enumerate(SIMPLICES) if len(named.cells.get(shape, ()))), default=-1)
    if found < dim:
        raise InputError(
            f"has no {SIMPLICES[dim]} cells, which a {dim}D model needs",
            file=file,
            remedy=f"Save the {dim}D cells as well, or state the dimension of the mesh",
        )
    if found > dim:
        raise InputError(f"is a {found}D mesh where a {dim}D one is expected", file=file)
    if not np.all(np.isfinite(named.points)):
        raise InputError("has coordinates that are not numbers", file=file, remedy="Save it again")
    if dim == 2:
        z = named.points[np.unique(named.cells["triangle"]), 2]
        if np.ptp(z) > TOLERANCE * _diagonal(named.points):
            raise InputError(
                f"is not flat: z runs from {z.min():g} to {z.max():g}",
                file=file,
                remedy="Mesh in the x-y plane",
            )


def _check_names(named: NamedCells, dim: int, file: Path | None) -> None:
    """All groups of cells and facets have known names and the required ones are there."""
    faces = [name for name in FACET_GROUPS if dim == 3 or name != "side"]
    shapes = {SIMPLICES[dim]: {CELL_GROUP, *CELL_GROUPS}, SIMPLICES[dim - 1]: set(faces)}
    known = [CELL_GROUP, *CELL_GROUPS, *faces]
    present = {name for name, rows in named.groups.items() if any(len(rows.get(s, ())) for s in shapes)}
    if not present:
        raise InputError(
            "has no named groups",
            file=file,
            remedy=f"Name the cells {CELL_GROUP} and the boundary {', '.join(faces)} (docs/meshes.md)",
        )
    for name in sorted(present - set(known)):
        guess = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f"Did you mean {guess[0]!r}?" if guess else f"Groups are {', '.join(known)}"
        raise InputError("is not a group lifrac knows", file=file, key="group", value=name, remedy=hint)
    for name in present:
        wrong = [s for s, names in shapes.items() if name not in names and len(named.groups[name].get(s, ()))]
        if wrong:
            right = next(s for s, names in shapes.items() if name in names)
            raise InputError(f"holds {wrong[0]}s, it must hold {right}s", file=file, key="group", value=name)
    missing = [name for name in (CELL_GROUP, *REQUIRED) if name not in present]
    if not present & set(STARTS):
        missing.append(STARTS[0])
    if missing:
        raise InputError(
            f"lacks the group {' and '.join(map(repr, missing))}; it has {', '.join(sorted(present))}",
            file=file,
            remedy="Give these parts of the mesh a named group (docs/meshes.md)",
        )


def _check_cells_named(named: NamedCells, dim: int, file: Path | None) -> None:
    """Every cell is in the group of the electrolyte, or in a part of it (a file may keep one group a cell)."""
    shape = SIMPLICES[dim]
    groups = [named.groups.get(name, {}) for name in (CELL_GROUP, *CELL_GROUPS)]
    inside = np.unique(np.concatenate([rows[shape] for rows in groups if shape in rows]))
    bare = len(named.cells[shape]) - len(inside)
    if bare:
        raise InputError(
            f"{bare} cells are in no group",
            file=file,
            remedy=f"Put every {shape} into the group {CELL_GROUP!r}",
        )


def _check_boundary(raw: RawMesh, file: Path | None) -> None:
    """Groups cover the boundary once, and only the boundary."""
    outer, tagged, astray = exterior(raw)
    if len(astray):
        raise InputError(
            f"{len(astray)} facets in groups are not on the boundary, one near {_place(raw, astray)}",
            file=file,
            remedy="A crack plane bounds the half x >= 0 of the body; facets must be edges or faces of cells",
        )
    if np.any(tagged == 0):
        bare = outer[tagged == 0]
        raise InputError(
            f"{len(bare)} boundary facets are in no group, one near {_place(raw, bare)}",
            file=file,
            remedy="Give them one of the names "
            + ", ".join(FACET_GROUPS)
            + "; inside the body they come from doubled nodes, which must be merged",
        )
    if np.any(tagged > 1):
        raise InputError(
            f"{int(np.sum(tagged > 1))} boundary facets are in several groups, "
            f"one near {_place(raw, outer[tagged > 1])}",
            file=file,
            remedy="Keep each in one group",
        )


def _check_faces(raw: RawMesh, file: Path | None) -> None:
    """Groups lie where the model has them; coordinates of the crack plane and the anode face become exact.

    Without a crack plane the body is whole and may reach to either side of x = 0.
    """
    points = raw.points
    near = TOLERANCE * _diagonal(points)
    top = points.max(axis=0)
    expected: list[tuple[str, int, tuple[float, ...]]] = [
        ("crack_plane", 0, (0.0,)),
        ("anode", 1, (0.0,)),
        ("counter", 1, (float(top[1]),)),
        ("side", 2, (0.0, float(top[-1]))),
    ]
    for name, axis, positions in expected:
        if name not in raw.groups:
            continue
        at = points[np.unique(raw.groups[name]), axis]
        off = np.min([np.abs(at - position) for position in positions], axis=0)
        if off.max() > near:
            where = " or ".join(f"{'xyz'[axis]} = {position:g}" for position in positions)
            raise InputError(
                f"must lie on {where} um, but has a node at {'xyz'[axis]} = {at[off.argmax()]:g} um",
                file=file,
                key="group",
                value=name,
                remedy="Move the geometry or check the scale",
            )
    for axis, name in ((0, "crack_plane"), (1, "anode")):
        if name not in raw.groups:
            continue
        if points[:, axis].min() < -near:
            raise InputError(f"reaches below {'xy'[axis]} = 0", file=file, remedy=BODY[name])
        points[np.unique(raw.groups[name]), axis] = 0.0
    if "crack_plane" in raw.groups and points[np.unique(raw.groups["crack_plane"]), 1].min() > 0:
        raise InputError("must begin at the anode face", file=file, key="group", value="crack_plane")
    _check_mouth(raw, file)


def _check_mouth(raw: RawMesh, file: Path | None) -> None:
    """Where a crack plane or a flaw opens at y = 0 there is the anode, which lithium comes from."""
    anode = np.unique(raw.groups["anode"])
    cracks = {"crack_plane": raw.groups.get("crack_plane", []), "flaw": raw.cells[raw.cell_groups.get("flaw", [])]}
    for name, nodes in cracks.items():
        used = np.unique(nodes).astype(np.int64)
        astray = np.setdiff1d(used[raw.points[used, 1] == 0.0], anode)
        if len(astray):
            raise InputError(
                f"opens beside the anode, near {_place(raw, astray[:, None])}: no lithium comes from there",
                file=file,
                key="group",
                value=name,
                remedy="Let the anode reach to the mouth of the crack",
            )


def _bare_faces(raw: RawMesh) -> None:
    """Facets of `lateral` in the planes of the electrodes become `bare`: a side is what rollers and stress act on."""
    lateral = raw.groups.get("lateral")
    if lateral is None:
        return
    y, near = raw.points[lateral, 1], TOLERANCE * _diagonal(raw.points)
    top = raw.points[:, 1].max()
    bare = (y <= near).all(axis=1) | (y >= top - near).all(axis=1)
    if bare.any():
        already = raw.groups.get("bare", np.empty((0, raw.dim), dtype=np.int64))
        raw.groups["bare"] = np.concatenate([already, lateral[bare]])
        raw.groups["lateral"] = lateral[~bare]
        if bare.all():
            del raw.groups["lateral"]


def _diagonal(points: Floats) -> float:
    """Diagonal of the bounding box."""
    return float(np.linalg.norm(np.ptp(points, axis=0)))


def _place(raw: RawMesh, facets: np.ndarray) -> str:
    """Middle of the first facet, for a message [um]."""
    middle = raw.points[facets[0]].mean(axis=0)
    return f"({', '.join(f'{value:.4g}' for value in middle)}) um"
