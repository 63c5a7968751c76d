"""The command line. Every command imports what it needs when it runs, so that help answers at once.

Exit codes: 0 done (whatever became of the cell), 2 bad input, 3 numerical failure (last good state saved),
4 asked to stop.
"""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from lifrac.problems.process.ending import ending_together
from lifrac.problems.process.signals import rank_by_launcher, watched

if TYPE_CHECKING:
    from lifrac.problems.case.case import Case

HELP = """Predicts when lithium metal cracks a solid electrolyte.

State electrolyte, flaw, current, temperature and pressure in a short TOML
file (docs/cases.md), then:

    lifrac check case.toml               what will be computed, with sources
    lifrac run case.toml                 compute it; writes runs/case
    mpiexec -n 4 lifrac run case.toml    the same on four ranks
    lifrac plot runs/case                draw the results again
    lifrac ccd study.toml                critical current density over grids
    lifrac sweep sweep.toml              any keys of a case over lists of values

Ready cases answer to their names: lifrac run llzo_holds
"""

app = App(name="lifrac", help=HELP, help_format="plaintext", version_flags=[], suppress_keyboard_interrupt=False)

Set = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        negative="",
        help="Override a key, e.g. --set operation.temperature='60 degC'. Repeatable.",
    ),
]
Recompute = Annotated[bool, Parameter(negative="", help="Compute again what other code has computed.")]
CaseArgument = Annotated[str, Parameter(help="A case file, or the name of a ready case.")]


def _load(case: str, overrides: list[str] | None) -> "Case":
    from lifrac.problems.case.case import load_case

    return load_case(case, overrides or [])


def _folder(out: Path | None, name: str) -> Path:
    """Where to write."""
    from lifrac.errors import InputError

    if out is not None and not out.parts:
        raise InputError("is empty", key="--out", remedy="Name a folder, or leave --out away")
    return out or Path("runs") / name


def _is_root() -> bool:
    """Whether this process speaks for all ranks."""
    if "mpi4py.MPI" in sys.modules:
        return bool(sys.modules["mpi4py.MPI"].COMM_WORLD.rank == 0)
    return rank_by_launcher() in (None, "0")


@app.command
def run(
    case: CaseArgument,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Run folder to write; runs/<case> unless stated.")] = None,
    resume: Annotated[
        bool, Parameter(negative="", help="Go on with the interrupted run in the folder, on any number of ranks.")
    ] = False,
    set_: Set = None,
) -> int:
    """Compute a case and write its run folder.

    For example:

        lifrac run llzo_runs_through
        lifrac run case.toml --out runs/hot --set operation.temperature="60 degC"
        lifrac run case.toml --set protocol.current_density="1 mA/cm^2" \\
            --set operation.stack_pressure="25 MPa"
        mpiexec -n 4 lifrac run case.toml
        lifrac run case.toml --resume

    The folder holds summary.json (the outcome), history.csv, events.jsonl,
    fields.vtkhdf (ParaView), plots/, and case.toml, which can be run again.
    """
    loaded = _load(case, set_)
    for warning in loaded.warnings:
        logging.getLogger("lifrac").warning("warning: %s", warning)
    folder = _folder(out, loaded.name)
    from lifrac.problems.run.runner import run_case

    return run_case(loaded, folder, resume=resume)


@app.command
def ccd(
    study: Annotated[str, Parameter(help="A study file, or the name of a ready study.")],
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Study folder to write; runs/<study> unless stated.")] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Check and print what it would take; write nothing.")] = False,
    recompute: Recompute = False,
    set_: Set = None,
) -> int:
    """Critical current density over grids of temperature, stack pressure and areal capacity.

    For example:

        lifrac ccd llzo --out runs/ccd_llzo
        lifrac ccd study.toml --dry-run
        lifrac ccd study.toml --set study.refinements=4 --set defect.length="15 um"
        mpiexec -n 4 lifrac ccd study.toml

    The folder holds ccd.csv (the brackets), runs.csv and points/ (every
    run) and plots/.
    The same command goes on where an unfinished study has stopped. Keys that
    begin with study. are the study's, all others those of its case
    (docs/ccd.md).
    """
    from lifrac.problems.studies.study import load_study

    loaded = load_study(study, set_ or [])
    folder = _folder(out, loaded.name)
    if dry_run:
        if _is_root():
            from lifrac.problems.case.own_mesh import check_own
            from lifrac.problems.materials.card_files import console
            from lifrac.problems.studies.ccd.forecast import print_forecast

            for one in loaded.cases:
                check_own(one)
            print_forecast(loaded, folder, console())
        return 0
    for warning in loaded.warnings:
        logging.getLogger("lifrac").warning("warning: %s", warning)
    from lifrac.problems.studies.ccd.runner import run_study

    return run_study(loaded, folder, recompute=recompute)


@app.command
def sweep(
    study: Annotated[str, Parameter(help="A sweep file, or the name of a ready sweep.")],
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Folder to write; runs/<sweep> unless stated.")] = None,
    profile: Annotated[str, Parameter(help="local, slurm, or a Snakemake profile of your own.")] = "local",
    cores: Annotated[int | None, Parameter(help="Cores of this computer to use; all unless stated.")] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Check and list all points; write nothing.")] = False,
    prepare: Annotated[bool, Parameter(negative="", help="Write the folder, start nothing.")] = False,
    retry_failed: Annotated[bool, Parameter(negative="", help="Compute again where the numerics failed.")] = False,
    recompute: Recompute = False,
    set_: Set = None,
) -> int:
    """Runs over lists of values of any keys of a case, on this computer or a cluster.

    For example:

        lifrac sweep llzo_24 --out runs/llzo_24
        lifrac sweep sweep.toml --dry-run
        lifrac sweep sweep.toml --profile slurm
        lifrac sweep sweep.toml --set sweep.ranks=4 --set mesh.crack_size="0.4 um"

    The folder holds sweep.csv (a row per point) and points/ (a run folder each).
    The same command goes on where an unfinished sweep has stopped. Needs
    Snakemake: pip install 'lifrac[sweep]' (docs/sweep.md).
    """
    from lifrac.problems.studies.sweep.snakemake_engine import find_engine
    from lifrac.problems.studies.sweep.sweep import load_sweep
    from lifrac.problems.studies.sweep.sweep_runner import print_plan, refuse_mpi, run_sweep

    refuse_mpi()
    loaded = load_sweep(study, set_ or [])
    for warning in loaded.warnings[:5]:
        logging.getLogger("lifrac").warning("warning: %s", warning)
    if len(loaded.warnings) > 5:
        logging.getLogger("lifrac").warning(
            "%d more warnings; lifrac check shows those of a point's case", len(loaded.warnings) - 5
        )
    folder = _folder(out, loaded.name)
    engine = find_engine(profile, cores, loaded.ranks)
    if dry_run:
        print_plan(loaded, folder)
        return 0
    return run_sweep(loaded, folder, engine, retry_failed=retry_failed, recompute=recompute, prepare=prepare)


@app.command
def check(case: CaseArgument, /, *, set_: Set = None) -> int:
    """Dry run: resolved values, materials with sources, characteristic numbers, estimates, warnings.

    For example:

        lifrac check case.toml
        lifrac check llzo_holds --set operation.stack_pressure="25 MPa"
    """
    loaded = _load(case, set_)
    loaded.geometry()
    if _is_root():
        from lifrac.problems.case.own_mesh import read_own
        from lifrac.problems.materials.card_files import console

        from .printing import print_check

        raw, compared = (None, []) if loaded.mesh_file is None else read_own(loaded)
        print_check(loaded, console(), raw)
        for comparison in compared:
            print(comparison.as_text())
    return 0


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

    loaded = _load(case, set_)
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
    if _is_root():
        print(tagged.report.as_text())
        for comparison in check_own(loaded):
            print(comparison.as_text())
        if out is not None:
            print(f"written: {out}")
    return 0


@app.command
def materials(
    name: Annotated[
        str | None, Parameter(help="A ready card, or the path of your own; all are listed without.")
    ] = None,
    /,
) -> int:
    """List the material cards, or show one with its numbers, temperature laws, sources and confidence.

    For example:

        lifrac materials
        lifrac materials LLZO
        lifrac materials my_electrolyte.toml
    """
    if not _is_root():
        return 0
    from lifrac.problems.materials.card_files import console, print_card_list

    if name is None:
        print_card_list(console())
    else:
        from lifrac.problems.materials.cards import load_card

        from .printing import print_card

        print_card(load_card(name, key="NAME"), console())
    return 0


@app.command
def plot(folder: Annotated[Path, Parameter(help="The folder of a run, a study or a sweep.")], /) -> int:
    """Draw the plots of a run, a study or a sweep again.

    Studies and sweeps get a page plots/index.html as well, in which every
    point leads to the folder of its run.

    For example:

        lifrac plot runs/llzo_holds
        lifrac plot runs/ccd_llzo
        lifrac plot runs/llzo_24
    """
    if not _is_root():
        return 0
    from lifrac.postprocess.figures.all_figures import plot_run

    for path in plot_run(folder):
        print(path)
    return 0


@app.command
def export(folder: Annotated[Path, Parameter(help="The folder of a run.")], /) -> int:
    """Write the stored states of a run as .vtu files, for programs that do not read fields.vtkhdf.

    For example:

        lifrac export runs/llzo_holds

    Open vtu/fields.pvd in the folder with ParaView (5.11 and older, too) or
    PyVista; docs/results.md has recipes.
    """
    if not _is_root():
        return 0
    from lifrac.postprocess.export import export as write

    print(write(folder))
    return 0


@app.command
def verify(
    *,
    quick: Annotated[bool, Parameter(negative="", help="Only the checks that take seconds.")] = False,
    only: Annotated[str | None, Parameter(help="Only the check of this name.")] = None,
    out: Annotated[Path | None, Parameter(help="Folder for tables and figures.")] = None,
    jobs: Annotated[int, Parameter(name=["--jobs", "-j"], help="Checks that are computed at the same time.")] = 1,
) -> int:
    """Compare the code with exact solutions.

    For example:

        lifrac verify --quick -j 2
        lifrac verify --only cell_voltage --out verification
    """
    from lifrac.verification.support.runner import main as verification

    watched()
    return int(verification(quick=quick, only=only, out=out, jobs=jobs))


def main(tokens: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; one rank prints errors, and ends the job if the others wait for it."""
    # Before anything loads NumPy, which reads it once: reading a case with units does, long before the mesher.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _speak()
    return ending_together(lambda: _command(tokens))


def _command(tokens: Sequence[str] | None) -> int:
    result = app(
        tokens if tokens is None else list(tokens),
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
    )
    return result if isinstance(result, int) else 0


def _speak() -> None:
    """Log to standard error on the first rank; warnings there only as well."""
    root = _is_root()
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if root else logging.NullHandler()
    handler.setFormatter(logging.Formatter("lifrac: %(message)s"))
    log = logging.getLogger("lifrac")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


if __name__ == "__main__":
    sys.exit(main())
