"""Stored states as .vtu files with a .pvd of their times: for programs that do not read `fields.vtkhdf`."""

import base64
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from lifrac.errors import InputError
from lifrac.postprocess.read.field_file import FieldFile

TYPES = {2: 3, 3: 5, 4: 10}
"""VTK's numbers of lines, triangles and tetrahedra, by their corners."""
NAMES = {"f4": "Float32", "f8": "Float64", "i8": "Int64", "u1": "UInt8"}


def export(folder: Path) -> Path:
    """Write all stored states of a run folder into `vtu/` in it; gives the .pvd file, which is written last.

    Raises
    ------
    InputError
        If the folder has no fields, or cannot be written to.
    """
    fields = FieldFile(folder / "fields.vtkhdf")
    out = folder / "vtu"
    try:
        out.mkdir(exist_ok=True)
        names = [f"fields_{step:04d}.vtu" for step in range(len(fields.times))]
        for step, name in enumerate(names):
            _replace(out / name, _grid(fields, step))
        _replace(out / "fields.pvd", _collection(fields.times, names))
    except OSError as error:
        remedy = "Make room, or copy the run elsewhere"
        raise InputError(f"cannot be written ({error.strerror})", file=out, remedy=remedy) from None
    return out / "fields.pvd"


def _replace(path: Path, lines: Iterator[str]) -> None:
    """Write a file that is there as a whole or not at all."""
    part = path.with_suffix(".part")
    try:
        with part.open("w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in lines)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _collection(times: np.ndarray, names: list[str]) -> Iterator[str]:
    yield '<VTKFile type="Collection" version="1.0" byte_order="LittleEndian" header_type="UInt64">'
    yield "<Collection>"
    for time, name in zip(times, names, strict=True):
        yield f'<DataSet timestep="{float(time)!r}" part="0" file={quoteattr(name)}/>'
    yield "</Collection>"
    yield "</VTKFile>"


def _grid(fields: FieldFile, step: int) -> Iterator[str]:
    grid = fields.grid(step)
    connectivity, ends, region = grid.whole()
    yield '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64">'
    yield "<UnstructuredGrid>"
    yield f'<Piece NumberOfPoints="{len(grid.points)}" NumberOfCells="{len(ends)}">'
    yield "<Points>"
    yield _array("Points", grid.points)
    yield "</Points>"
    yield "<Cells>"
    yield _array("connectivity", connectivity.astype("<i8"))
    yield _array("offsets", ends.astype("<i8"))
    yield _array("types", _types(ends))
    yield "</Cells>"
    yield "<CellData>"
    yield _array("region", region.astype("<i8"))
    yield "</CellData>"
    yield "<PointData>"
    for name in fields.names:
        yield _array(name, fields.array(name, step))
    yield "</PointData>"
    yield "</Piece>"
    yield "</UnstructuredGrid>"
    yield "</VTKFile>"


def _types(ends: np.ndarray) -> np.ndarray:
    corners = np.diff(ends, prepend=0)
    return np.asarray([TYPES[int(k)] for k in corners], dtype="u1")


def _array(name: str, values: np.ndarray) -> str:
    """Return an array as VTK's XML has it: the number of bytes and the bytes, in base 64."""
    data = np.ascontiguousarray(values)
    data = data.astype(data.dtype.newbyteorder("<"))
    components = 1 if data.ndim == 1 else data.shape[1]
    text = base64.b64encode(np.array([data.nbytes], dtype="<u8").tobytes() + data.tobytes()).decode("ascii")
    kind = NAMES[data.dtype.str[1:]]
    attributes = f'type="{kind}" Name={quoteattr(name)} NumberOfComponents="{components}" format="binary"'
    return f"<DataArray {attributes}>{text}</DataArray>"
