"""The checks every mesh must pass before the solver sees it; a refusal says what is wrong and what to do."""

import difflib
from pathlib import Path

import numpy as np
from lifrac.errors import InputError
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .report import cell_quality
from .serial_mesh import (
    CELL_GROUP,
    CELL_GROUPS,
    FACET_GROUPS,
    SIMPLICES,
    Floats,
    Ints,
    NamedCells,
    RawMesh,
    exterior,
    facet_numbers,
    facets_of,
    merged,
    to_raw,
)

REQUIRED = ("anode", "counter")
STARTS = ("crack_plane", "flaw")
"""One of these says where a crack starts."""
TOLERANCE = 1e-6
"""Distance from a face that counts as on it, as part of the body's diagonal: single precision files pass."""

FARTHEST = 1e12
"""Coordinates beyond which a file is damaged, whatever its unit: areas would overflow before anything is refused."""
NAMED_FORMATS = "gmsh's .msh (2.2, 4.1), Abaqus' .inp and Salome's .med keep names of groups"
BODY = {
    "crack_plane": "With a crack plane the body is its half x >= 0",
    "anode": "The body is y >= 0, its anode face at y = 0",
}
"""The place of the body, by the group that says so."""


def validated(named: NamedCells, dim: int, *, scale: float = 1.0, file: Path | None = None) -> RawMesh:
    """Check a mesh and give its arrays in um.

    Elements that the file holds several times are merged, their groups united. Coordinates within tolerance of the
    crack plane or the anode face are moved exactly onto it. Groups that are none of ours are let pass where ours are
    complete.

    Raises
    ------
    InputError
        If the solver could not use the mesh.
    """
    _check_shapes(named, dim, file)
    named = merged(named)
    unknown_groups = _check_names(named, dim, file)
    _check_cells_named(named, dim, unknown_groups, file)
    raw = to_raw(named, dim, scale, unknown_groups)
    _check_boundary(raw, named, file)
    _check_faces(raw, file)
    _bare_faces(raw, file)
    flat = int(np.sum(cell_quality(raw.points, raw.cells) == 0))
    if flat:
        raise InputError(f"{flat} cells have no volume", file=file, remedy="Mesh the geometry anew")
    _check_body(raw, file)
    if "crack_plane" in raw.groups:
        _check_crack_plane(raw, file)
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
        raise InputError(
            f"is a {found}D mesh where a {dim}D one is expected",
            file=file,
            remedy=f"Save the {dim}D cells alone, or state a defect in {found}D",
        )
    if not np.all(np.abs(named.points) < FARTHEST):  # also where they are no numbers
        raise InputError("has coordinates that are not numbers", file=file, remedy="Save it again")
    if dim == 2:
        z = named.points[np.unique(named.cells["triangle"]), 2]
        if np.ptp(z) > TOLERANCE * _diagonal(named.points):
            raise InputError(
                f"is not flat: z runs from {z.min():g} to {z.max():g}",
                file=file,
                remedy="Mesh in the x-y plane",
            )


def _known(dim: int) -> tuple[list[str], list[str]]:
    """Names of groups of cells and of facets that mean something in this dimension."""
    return [CELL_GROUP, *CELL_GROUPS], [name for name in FACET_GROUPS if dim == 3 or name != "side"]


def _check_names(named: NamedCells, dim: int, file: Path | None) -> tuple[str, ...]:
    """Check that groups hold what they must and the required ones are there; return the names that are none of ours."""
    of_cells, faces = _known(dim)
    shapes = {SIMPLICES[dim]: of_cells, SIMPLICES[dim - 1]: faces}
    present = {name for name, rows in named.groups.items() if any(len(rows.get(s, ())) for s in shapes)}
    unknown_groups = tuple(sorted(present - {*of_cells, *faces}))
    if not present - {name for name in unknown_groups if name.isdigit()}:
        number = " but numbers" if unknown_groups else ""
        raise InputError(
            f"has no named groups{number}",
            file=file,
            remedy=f"Name the cells {CELL_GROUP} and the boundary {', '.join(faces)} (docs/meshes.md). {NAMED_FORMATS}",
        )
    for name in present.difference(unknown_groups):
        wrong = [s for s, names in shapes.items() if name not in names and len(named.groups[name].get(s, ()))]
        if wrong:
            right = next(s for s, names in shapes.items() if name in names)
            raise InputError(
                f"holds {wrong[0]}s, it must hold {right}s",
                file=file,
                key="group",
                value=name,
                remedy=f"Put {right}s into it: two names may have been taken for each other",
            )
    missing = [name for name in (CELL_GROUP, *REQUIRED) if name not in present]
    if not present & set(STARTS):
        missing.append(STARTS[0])
    for name in unknown_groups if missing else ():
        if _near(name, dim):
            raise _not_ours(name, dim, file)
    if missing:
        raise InputError(
            f"lacks the group {' and '.join(map(repr, missing))}; it has {', '.join(sorted(present))}",
            file=file,
            remedy="Give these parts of the mesh a named group (docs/meshes.md). "
            f"Groups are {', '.join((*of_cells, *faces))}",
        )
    return unknown_groups


def _near(name: str, dim: int) -> list[str]:
    """Return the group that a name may have been meant for."""
    return difflib.get_close_matches(name.lower(), [n for names in _known(dim) for n in names], n=1)


def _not_ours(name: str, dim: int, file: Path | None) -> InputError:
    """Return the refusal of a mesh whose groups are not complete, and where a group has a name that means nothing."""
    guess, known = _near(name, dim), [n for names in _known(dim) for n in names]
    hint = f"Did you mean {guess[0]!r}?" if guess else f"Groups are {', '.join(known)}"
    return InputError("is not a group lifrac knows", file=file, key="group", value=name, remedy=hint)


def _check_cells_named(named: NamedCells, dim: int, unknown_groups: tuple[str, ...], file: Path | None) -> None:
    """Every cell is in the group of the electrolyte, or in a part of it (a file may keep one group a cell)."""
    shape = SIMPLICES[dim]
    groups = [named.groups.get(name, {}) for name in (CELL_GROUP, *CELL_GROUPS)]
    inside = np.unique(np.concatenate([rows[shape] for rows in groups if shape in rows]))
    bare = np.setdiff1d(np.arange(len(named.cells[shape])), inside)
    for name in unknown_groups:
        if np.intersect1d(bare, named.groups[name].get(shape, ())).size:
            raise _not_ours(name, dim, file)
    if len(bare):
        raise InputError(
            f"{len(bare)} cells are in no group",
            file=file,
            remedy=f"Put every {shape} into the group {CELL_GROUP!r}",
        )


def _check_boundary(raw: RawMesh, named: NamedCells, file: Path | None) -> None:
    """Check that groups cover the boundary once, and only the boundary."""
    outer, tagged, astray = exterior(raw)
    if len(astray):
        raise InputError(
            f"{len(astray)} facets in groups are not on the boundary, one near {_place(raw, astray)}",
            file=file,
            remedy="A crack plane bounds the half x >= 0 of the body; facets must be edges or faces of cells",
        )
    if np.any(tagged == 0):
        bare = outer[tagged == 0]
        theirs = _group_of(bare, raw, named)
        if theirs is not None:
            raise _not_ours(theirs, raw.dim, file)
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


def _group_of(facets: Ints, raw: RawMesh, named: NamedCells) -> str | None:
    """Return a group of the file, none of ours, that holds one of these boundary facets."""
    used, shape = np.unique(named.cells[SIMPLICES[raw.dim]]), SIMPLICES[raw.dim - 1]
    ours = np.sort(used[facets], axis=1)  # in the file's node numbers
    for name in raw.unknown_groups:
        theirs = np.sort(named.cells.get(shape, np.empty((0, raw.dim), int))[named.groups[name].get(shape, [])], axis=1)
        if len(np.unique(np.concatenate([ours, theirs]), axis=0)) < len(ours) + len(np.unique(theirs, axis=0)):
            return name
    return None


def _check_faces(raw: RawMesh, file: Path | None) -> None:
    """Check that groups lie where the model has them; make coordinates of the crack plane and the anode face exact.

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
    _check_mouth(raw, file)


def _check_mouth(raw: RawMesh, file: Path | None) -> None:
    """Check that the anode, which lithium comes from, is where a crack plane or a flaw opens at y = 0."""
    anode = np.unique(raw.groups["anode"])
    flaw = raw.cells[raw.cell_groups.get("flaw", np.empty(0, dtype=np.int64))]
    for name, nodes in {"crack_plane": raw.groups.get("crack_plane", flaw[:0]), "flaw": flaw}.items():
        used = np.unique(nodes)
        astray = np.setdiff1d(used[raw.points[used, 1] == 0.0], anode)
        if len(astray):
            raise InputError(
                f"opens beside the anode, near {_place(raw, astray[:, None])}: no lithium comes from there",
                file=file,
                key="group",
                value=name,
                remedy="Let the anode reach to the mouth of the crack",
            )


def _bare_faces(raw: RawMesh, file: Path | None) -> None:
    """Facets of `lateral` in the planes of the electrodes become `bare`: sides are what is held or pulled."""
    lateral = raw.groups.get("lateral", np.empty((0, raw.dim), dtype=np.int64))
    y, near = raw.points[lateral, 1], TOLERANCE * _diagonal(raw.points)
    top = raw.points[:, 1].max()
    bare = (y <= near).all(axis=1) | (y >= top - near).all(axis=1)
    if bare.any():
        already = raw.groups.get("bare", np.empty((0, raw.dim), dtype=np.int64))
        raw.groups["bare"] = np.concatenate([already, lateral[bare]])
        raw.groups["lateral"] = lateral[~bare]
    if bare.all():
        raise InputError(
            "has no sides: no facet of the group lateral lies off the planes of the electrodes",
            file=file,
            remedy="Put the sides of the body, which are held or under lateral stress, into the group lateral",
        )


def _check_body(raw: RawMesh, file: Path | None) -> None:
    """Check that the cells form one body, whose parts do not lie over each other."""
    rows = facets_of(raw.cells)
    _, facet = facet_numbers(rows, len(raw.points))
    count = len(raw.cells)
    order = np.argsort(facet, kind="stable")
    same = facet[order][1:] == facet[order][:-1]
    one, other = order[:-1][same], order[1:][same]
    if np.any(same[1:] & same[:-1]):
        third = order[2:][same[1:] & same[:-1]]
        where = f"near {_place(raw, rows[third])}"
        raise InputError(f"a facet belongs to three cells {where}", file=file, remedy="Mesh the geometry anew")
    links = coo_array((np.ones(len(one)), (one % count, other % count)), (count, count))
    apart, piece = connected_components(links, directed=False)
    if apart > 1:
        lone = raw.cells[piece == np.bincount(piece).argmin()]
        raise InputError(
            f"is in {apart} pieces, one near {_place(raw, lone)}",
            file=file,
            remedy="Mesh one body; parts that touch must share their nodes (in gmsh: BooleanFragments)",
        )
    side = [_side(raw, rows[k], raw.cells[k % count, k // count]) for k in (one, other)]
    folded = rows[one[side[0] * side[1] > 0]]
    if len(folded):
        raise InputError(
            f"{len(folded)} pairs of neighbouring cells lie over each other, one near {_place(raw, folded)}",
            file=file,
            remedy="Mesh the geometry anew",
        )


def _side(raw: RawMesh, facets: Ints, corners: Ints) -> Floats:
    """On which side of facets corners lie: the sign of the volume that they span."""
    edges = raw.points[np.column_stack([facets[:, 1:], corners])] - raw.points[facets[:, :1]]
    return np.asarray(np.sign(np.linalg.det(edges)))


def _check_crack_plane(raw: RawMesh, file: Path | None) -> None:
    """All of x = 0 is crack plane, in one piece from anode to counter electrode; pores may lie in between."""
    near = TOLERANCE * _diagonal(raw.points)
    for name, facets in raw.groups.items():
        on = facets[np.all(np.abs(raw.points[facets, 0]) <= near, axis=1)]
        if name != "crack_plane" and len(on):
            raise InputError(
                f"{len(on)} facets of it lie on x = 0, one near {_place(raw, on)}",
                file=file,
                key="group",
                value=name,
                remedy="The plane of symmetry is crack_plane from the anode to the counter electrode",
            )
    plane = np.unique(raw.groups["crack_plane"])
    pieces = len(np.unique(joined(raw, "crack_plane", "pore")[plane]))
    apart = [name for name in REQUIRED if not len(np.intersect1d(plane, raw.groups[name]))]
    if pieces == 1 and not apart:
        return
    y = raw.points[plane, 1]
    why = f"runs from y = {y.min():g} to {y.max():g} um and does not touch the group {' or '.join(apart)}"
    raise InputError(
        why if pieces == 1 else f"is in {pieces} pieces",
        file=file,
        key="group",
        value="crack_plane",
        remedy="It must be one piece from the anode at y = 0 to the counter electrode at "
        f"y = {raw.points[:, 1].max():g} um: a crack can grow nowhere else",
    )


def joined(raw: RawMesh, *groups: str) -> Ints:
    """Count the pieces in which the facets of some groups hang together by their nodes.

    Returns
    -------
    int array
        Piece of every node.
    """
    there = [raw.groups[name] for name in groups if name in raw.groups]
    facets = np.concatenate([np.empty((0, raw.dim), dtype=np.int64), *there])
    pairs = facets[:, [[0, k] for k in range(1, raw.dim)]].reshape(-1, 2)
    size = len(raw.points)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (size, size))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _diagonal(points: Floats) -> float:
    """Diagonal of the bounding box."""
    return float(np.linalg.norm(np.ptp(points, axis=0)))


def _place(raw: RawMesh, facets: np.ndarray) -> str:
    """Middle of the first facet, for a message [um]."""
    middle = raw.points[facets[0]].mean(axis=0)
    return f"({', '.join(f'{value:.4g}' for value in middle)}) um"
