"""Meshes, condensation and runs on all ranks together and on one alone: the same."""

import csv
from pathlib import Path

import numpy as np
import pytest
from lifrac.errors import InputError
from lifrac.meshes.builder import build, write_msh
from lifrac.meshes.geometries.slabs import HalfPennyBlock, SlabEdgeFlaw
from lifrac.meshes.reader import read_mesh
from lifrac.problems.case.case import load_case
from lifrac.problems.run.runner import run_case
from lifrac.solver.model.loads import Loads
from lifrac.solver.plane.bulk import Bulk
from lifrac.solver.plane.surface import gather_surface
from mpi4py import MPI
from support.mpi import alone

COMM = MPI.COMM_WORLD
SLAB = SlabEdgeFlaw(60.0, 60.0, 10.0, 1.0, 10.0, growth=0.2, path_growth=0.1)
BLOCK = HalfPennyBlock(30.0, 30.0, 30.0, 10.0, 5.0, 12.0, growth=0.4)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """One folder for all ranks."""
    return Path(COMM.bcast(str(tmp_path), root=0))


@pytest.mark.parametrize("preset", ["direct", "multigrid"])
@pytest.mark.parametrize("geometry", [SLAB, BLOCK], ids=["2D", "3D"])
def test_condensation_does_not_depend_on_the_partition(
    geometry: SlabEdgeFlaw | HalfPennyBlock, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The distributed response equals the one that a rank computes alone; surface and key are the very same."""
    monkeypatch.setenv("LIFRAC_CACHE", "off")

    def condensed(comm: MPI.Comm) -> tuple[str, list[np.ndarray], list[np.ndarray]]:
        tagged = build(geometry, comm)
        s = gather_surface(tagged)
        bulk = Bulk(tagged, s, 0.3, Loads(lateral="die"), preset)  # type: ignore[arg-type]
        response = bulk.response()
        matrices = [getattr(response, name) for name in ("conduction", "stiffness", "load_stack")]
        return bulk._key(), [s.node_ids, s.x, *(s.cell_dofs(degree) for degree in (1, 2, 3))], matrices

    (key, surface, together), (same_key, same_surface, one_rank) = condensed(COMM), alone(COMM, condensed)
    assert set(COMM.allgather(key)) == {same_key}
    assert all(np.array_equal(a, b) for a, b in zip(surface, same_surface, strict=True))
    for a, b in zip(together, one_rank, strict=True):
        assert np.abs(a - b).max() < 1.0e-9 * np.abs(b).max()


def test_run_writes_one_folder(shared: Path) -> None:
    """All ranks come back with the same exit code; rank 0 has written the run."""
    overrides = ["protocol.areal_capacity=0.01 mAh/cm^2", "mesh.crack_size=1 um", "output.plots=false"]
    code = run_case(load_case("llzo_holds", overrides), shared / "run")
    assert COMM.allgather(code) == [0] * COMM.size
    COMM.Barrier()
    with (shared / "run" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["charge_mAh_per_cm2"]) == pytest.approx(0.01)
    assert (shared / "run" / "fields.vtkhdf").stat().st_size > 0


def test_bad_input_is_raised_on_every_rank(shared: Path) -> None:
    """With all its parts; the good file is read as on one rank."""
    with pytest.raises(InputError, match="nowhere"):
        read_mesh(shared / "nowhere.msh", COMM)
    if COMM.rank == 0:
        write_msh(SLAB, shared / "good.msh")
        text = (shared / "good.msh").read_text(errors="surrogateescape")
        (shared / "bad.msh").write_text(text.replace('"anode"', '"anodes"'), errors="surrogateescape")
    COMM.Barrier()
    with pytest.raises(InputError) as refusal:
        read_mesh(shared / "bad.msh", COMM)
    assert (refusal.value.value, refusal.value.remedy) == ("anodes", "Did you mean 'anode'?")
    read = read_mesh(shared / "good.msh", COMM).report
    assert read == alone(COMM, lambda comm: read_mesh(shared / "good.msh", comm).report)
    (shared / "in_the_way").write_text("")
    COMM.Barrier()
    with pytest.raises(InputError, match="in_the_way"):
        run_case(load_case("llzo_holds"), shared / "in_the_way")
