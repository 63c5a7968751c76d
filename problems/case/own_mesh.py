"""A mesh of the user's own against the case: both say how thick the electrolyte is and where its flaw lies.

Nothing here needs DOLFINx, so `lifrac check` compares them, too.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from lifrac.errors import InputError
from lifrac.meshes.formats import load
from lifrac.meshes.geometries.polylines import distance_to_point, lengths, segments
from lifrac.meshes.report import cell_size
from lifrac.meshes.serial_mesh import Floats, Ints, RawMesh

from .schema_tools import Problem, refuse

if TYPE_CHECKING:
    from .case import Case
    from .schema import CaseFile

SAME = 1.0e-3
"""Relative difference that lengths of mesh and case may have.

Files in single precision and rounded figures pass, and what a cell does changes by less than any of its data is known
to.
"""
FEWEST_FACETS = 4
"""Facets that resolve a flaw, as in meshes of our own."""
SAME_SIZE = 0.25
"""Relative difference that cells of the flaw may have from the size stated: toughness changes by 2 % at l/h = 4."""
BESIDE, APART = 0.9, 1.2
"""Cells of the flaw lie this close to where the case has it, and each part of it this close to one of them [cells]."""
UNITS = {"1 nm": 1.0e-3, "1 um": 1.0, "1 mm": 1.0e3, "1 cm": 1.0e4, "1 m": 1.0e6}
"""Units of length that files are written in [um]."""


@dataclass(frozen=True)
class Comparison:
    """One thing that mesh and case both say.

    Attributes
    ----------
    quantity : str
        Name of what is compared.
    mesh, case : str
        What each of them says, for people.
    problem : Problem, optional
        Why they cannot be used together.
    """

    quantity: str
    mesh: str
    case: str
    problem: Problem | None = None

    def as_text(self) -> str:
        """One line for people."""
        verdict = "differ" if self.problem else "agree"
        return f"{self.quantity:<12} {self.mesh} in the mesh, {self.case} in the case: they {verdict}"


def read_own(case: "Case") -> tuple[RawMesh, list[Comparison]]:
    """Read the mesh of a case on this process, and compare the two.

    Raises
    ------
    InputError
        If the mesh cannot be read or used, or contradicts the case.
    """
    path = case.mesh_file
    assert path is not None
    try:
        raw = load(path, case.dimension, case.mesh_scale)
    except InputError as error:
        raise error.reported_at(file=case.path, key="mesh.file", value=case.file.mesh.file) from None
    found = list(comparisons(case.file, raw))
    refuse([c.problem for c in found if c.problem is not None], case.path)
    return raw, found


def comparisons(file: "CaseFile", raw: RawMesh) -> Iterator[Comparison]:
    """Everything that a mesh [um] and a case both say."""
    thickness = _thickness(file, raw)
    yield thickness
    if thickness.problem is None:  # the rest would only say so again
        yield from file.engine.compared(file, raw)


def _thickness(file: "CaseFile", raw: RawMesh) -> Comparison:
    """Compare how far the electrolyte reaches."""
    found, stated = float(raw.points[:, 1].max()), file.electrolyte.thickness
    problem = None
    if abs(found / float(stated) - 1.0) > SAME:
        unit = float(file.mesh.length_unit)
        fits = (name for name, size in UNITS.items() if abs(found * size / unit / float(stated) - 1.0) <= SAME)
        meant = next(fits, None)
        remedy = (
            f'Write length_unit = "{meant}" in [mesh]'
            if meant
            else (f'Write thickness = "{found:.6g} um", or mesh the electrolyte as thick as it is')
        )
        key, value = ("mesh.length_unit", file.mesh.length_unit) if meant else ("electrolyte.thickness", stated)
        problem = Problem(
            key,
            f"the mesh {file.mesh.file} is {found:.6g} um thick, from y = 0 on, but the "
            f"electrolyte of the case {stated.text}",
            value.text,
            remedy,
        )
    return Comparison("thickness", f"{found:.6g} um", stated.text, problem)


# -- the plane engine ----------------------------------------------------------------------------------------------


def on_crack_plane(file: "CaseFile", raw: RawMesh, beyond: float = 0.0) -> Iterator[Comparison]:
    """Compare the flaw with the crack plane, which has to resolve it and have a node at its tip.

    The node may as well lie beyond the tip by a part of the cell before it.
    """
    if "crack_plane" not in raw.groups:
        remedy = 'Write fracture.engine = "phase_field", or mesh the half x >= 0 with its facets at x = 0 in this group'
        message = "has no crack_plane, in which the plane engine lets a crack grow"
        yield Comparison("crack plane", "none", "one", Problem("mesh.file", message, file.mesh.file, remedy))
        return
    length, stated = file.defect.flaw_length, file.defect.extent.text
    y = np.unique(raw.points[np.unique(raw.groups["crack_plane"]), 1])
    inside = y[y <= length * (1.0 + SAME)]
    tip = float(y[np.abs(y - length).argmin()])
    facets = len(inside) - 1
    longest = float(np.diff(inside).max(initial=0.0)) if facets > 0 else length
    problem = None
    if facets < FEWEST_FACETS or longest > length / FEWEST_FACETS * (1.0 + SAME):
        problem = Problem(
            "defect.length",
            f"the mesh {file.mesh.file} has {max(facets, 0)} facets on the flaw, the longest of "
            f"{longest:.4g} um: too coarse",
            stated,
            f"The flaw needs at least four facets of equal size: mesh x = 0 with at most {length / FEWEST_FACETS:g} um",
        )
    yield Comparison("flaw", f"{max(facets, 0)} facets", f"at least {FEWEST_FACETS}", problem)
    astray = None
    tips = y[1:] - beyond * np.diff(y)
    if problem is None and min(abs(tip - length), float(np.abs(tips - length).min())) > 10.0 * SAME * length:
        astray = Problem(
            "defect.length",
            f"no node of the mesh {file.mesh.file} lies at the tip of the flaw; the nearest is at y = {tip:.6g} um",
            stated,
            f'Write length = "{tip:.6g} um", or put a node on x = 0 at the tip',
        )
    yield Comparison("flaw tip", f"node at y = {tip:.6g} um", stated, astray)


# -- the phase-field engine ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FlawCells:
    """The group of cells in which a diffuse crack begins.

    Attributes
    ----------
    raw : RawMesh
    rows : (n,) int
        Cells of the group.
    """

    raw: RawMesh
    rows: Ints

    @cached_property
    def size(self) -> float:
        """Edge of the squares (cubes) that the cells are parts of, on average [um]."""
        return cell_size(self.raw.points, self.raw.cells[self.rows])

    @cached_property
    def middles(self) -> Floats:
        """Centres of the cells [um]."""
        return np.asarray(self.raw.points[self.raw.cells[self.rows]].mean(axis=1))

    @cached_property
    def nodes(self) -> Floats:
        """Coordinates of their nodes [um]."""
        return np.asarray(self.raw.points[np.unique(self.raw.cells[self.rows])])

    @property
    def at_anode(self) -> bool:
        """Whether the flaw begins at the anode face."""
        ours = np.unique(self.raw.cells[self.rows])
        return bool(np.intersect1d(ours, self.raw.groups["anode"]).size)

    @property
    def extent(self) -> tuple[float, float]:
        """Length of a straight row from its mouth on [um], and its angle with the normal of the anode [deg].

        In 3D the radius of a half-penny, and 0.
        """
        low = self.nodes[:, 1].min()
        if self.nodes.shape[1] == 3:
            return float(np.hypot(self.nodes[:, 1] - low, self.nodes[:, 2]).max()), 0.0
        mouth = self.nodes[self.nodes[:, 1] <= low + 1.0e-6 * self.size].mean(axis=0)
        ways = self.nodes - mouth
        apart = np.linalg.norm(ways, axis=1)
        # The end is as wide as the row: the middle of its nodes is on the row's line.
        far = ways[apart > apart.max() - 0.5 * self.size].mean(axis=0)
        angle = math.degrees(math.atan2(far[0], far[1]))
        if abs(math.sin(math.radians(angle))) * apart.max() < 0.25 * self.size:
            return float(ways[:, 1].max()), 0.0
        return float((ways @ far).max() / np.linalg.norm(far)), angle

    def as_text(self) -> str:
        """Length and direction, from the mouth on."""
        length, angle = self.extent
        return f"{length:.3g} um long" + (f" at {angle:.2g} deg" if angle else "")


def in_flaw_cells(file: "CaseFile", raw: RawMesh, band: float) -> Iterator[Comparison]:
    """Compare the flaw with the cells of the group `flaw`: where they lie, and how large they are."""
    if "flaw" not in raw.cell_groups:
        remedy = "Put the cells of the starting crack, one row, into this group"
        problem = Problem("mesh.file", "has no group of cells flaw", file.mesh.file, remedy)
        yield Comparison("flaw", "no cells", "some", problem)
        return
    cells = FlawCells(raw, raw.cell_groups["flaw"])
    size = None
    if abs(band / cells.size - 1.0) > SAME_SIZE:
        stated = file.mesh.band_size
        size = Problem(
            "mesh.band_size",
            f"is {band:.4g} um, but cells of the group flaw in {file.mesh.file} measure {cells.size:.4g} um",
            None if stated is None else stated.text,
            f'Write band_size = "{cells.size:.4g} um", or mesh anew',
        )
    yield Comparison("flaw cells", f"{cells.size:.4g} um", f"{band:.4g} um", size)
    mouth = None
    if not cells.at_anode:
        message = f"the group flaw of {file.mesh.file} does not begin at the anode: no lithium could enter it"
        mouth = Problem("mesh.file", message, file.mesh.file, "Begin it at the anode face, y = 0")
    yield Comparison("mouth", f"y = {cells.nodes[:, 1].min():.4g} um", "at the anode", mouth)
    if size is None and mouth is None:
        yield _place(file, cells)


def _place(file: "CaseFile", cells: FlawCells) -> Comparison:
    """Length and direction of the flaw."""
    said = f"{file.defect.extent.text} long" + _direction(file)
    off = _off_half_penny(file, cells) if file.defect.dimension == 3 else _off_lines(file, cells)
    problem = None
    if off:
        length = file.defect.stated("length")
        problem = Problem(
            "defect.length",
            f"the group flaw of {file.mesh.file} is {cells.as_text()}, but the flaw of the case is "
            f"{said}: they differ by up to {off:.3g} um",
            None if length is None else length.text,
            "Say in [defect] what the mesh has, or mesh what the case says",
        )
    return Comparison("flaw", cells.as_text(), said, problem)


def _direction(file: "CaseFile") -> str:
    parts = [(name, file.defect.stated(name)) for name in ("inclination", "kink_angle")]
    return "".join(f", {name} {value.text}" for name, value in parts if value is not None and value != 0.0)


def _off_lines(file: "CaseFile", cells: FlawCells) -> float:
    """How far cells and cracks lie apart [um]; 0 where they fit."""
    lines = file.defect.cracks()
    pieces = [piece for line in lines for piece in segments(line)]
    beside = max(min(distance_to_point(piece, middle) for piece in pieces) for middle in cells.middles)
    marks = [
        a + (b - a) * k / n
        for piece in pieces
        for a, b in [piece]
        for n in [max(math.ceil(float(np.linalg.norm(b - a)) / cells.size), 1)]
        for k in range(n + 1)
    ]
    apart = max(float(np.linalg.norm(cells.middles - mark, axis=1).min()) for mark in marks)
    assert all(lengths(line).sum() > 0.0 for line in lines)
    return max(beside if beside > BESIDE * cells.size else 0.0, apart if apart > APART * cells.size else 0.0)


def _off_half_penny(file: "CaseFile", cells: FlawCells) -> float:
    """How far the rim of the cells and the half-penny lie apart [um]; 0 where they fit."""
    radius = np.hypot(cells.middles[:, 1], cells.middles[:, 2])
    out_of_plane = float(np.abs(cells.middles[:, 0]).max())
    off = max(abs(float(radius.max()) - file.defect.flaw_length), out_of_plane)
    return off if off > APART * cells.size else 0.0


def check_own(case: "Case") -> list[Comparison]:
    """Refuse a mesh that contradicts its case; nothing to compare where the mesh is ours.

    Raises
    ------
    InputError
    """
    return [] if case.mesh_file is None else read_own(case)[1]
