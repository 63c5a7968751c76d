"""`lifrac sweep`."""

import logging
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .app import Recompute, Set, app, folder_of


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
    """Run lists of values of any keys of a case, on this computer or a cluster.

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
    folder = folder_of(out, loaded.name)
    engine = find_engine(profile, cores, loaded.ranks)
    if dry_run:
        print_plan(loaded, folder)
        return 0
    return run_sweep(loaded, folder, engine, retry_failed=retry_failed, recompute=recompute, prepare=prepare)
