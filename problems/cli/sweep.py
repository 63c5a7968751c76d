"""`lifrac sweep`."""

import logging
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .app import Cores, Prepare, Profile, Recompute, RetryFailed, Set, app, folder_of, is_root


@app.command
def sweep(
    study: Annotated[str, Parameter(help="A sweep file, or the name of a ready sweep.")],
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Folder to write; runs/<sweep> unless stated.")] = None,
    profile: Profile = None,
    cores: Cores = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Check and list all points; write nothing.")] = False,
    prepare: Prepare = False,
    retry_failed: RetryFailed = False,
    recompute: Recompute = False,
    set_: Set = None,
) -> int:
    """Run lists of values of any keys of a case, on this computer or a cluster.

    For example:

        lifrac sweep llzo_24 --out runs/llzo_24
        lifrac sweep sweep.toml --dry-run
        lifrac sweep sweep.toml --profile slurm
        lifrac sweep sweep.toml --set sweep.ranks=4 --set mesh.crack_size="0.4 um"
        mpiexec -n 4 lifrac sweep sweep.toml

    The folder holds sweep.csv (a row per point) and points/ (a run folder each).
    The same command goes on where an unfinished sweep has stopped. Started
    alone it takes all cores through Snakemake (pip install 'lifrac[sweep]'), or
    this process where that is not installed; under mpiexec the ranks share the
    points out (docs/sweep.md).
    """
    from lifrac.problems.studies.executors.choice import ExecutorOptions, executor_for
    from lifrac.problems.studies.sweep.sweep import load_sweep

    loaded = load_sweep(study, set_ or [])
    for warning in loaded.warnings[:5]:
        logging.getLogger("lifrac").warning("warning: %s", warning)
    if len(loaded.warnings) > 5:
        logging.getLogger("lifrac").warning(
            "%d more warnings; lifrac check shows those of a point's case", len(loaded.warnings) - 5
        )
    folder = folder_of(out, loaded.name)
    options = ExecutorOptions(profile, cores, prepare, recompute, retry_failed)
    compute = executor_for(loaded, options, alone_through_snakemake=True)
    if not dry_run:
        return compute(loaded, folder)
    if is_root():
        from lifrac.problems.studies.point_folder import PointFolders
        from lifrac.problems.studies.study_folder import refuse_foreign, settled
        from lifrac.problems.studies.sweep.sweep_table import print_points

        refuse_foreign(folder, loaded)
        print_points(loaded, PointFolders(folder, loaded.recording).known())
        settled(folder, loaded)
    return 0
