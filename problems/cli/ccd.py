"""`lifrac ccd`."""

import logging
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .app import Cores, Prepare, Profile, Recompute, RetryFailed, Set, app, folder_of, is_root


@app.command
def ccd(
    study: Annotated[str, Parameter(help="A study file, or the name of a ready study.")],
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Study folder to write; runs/<study> unless stated.")] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Check and print what it would take; write nothing.")] = False,
    profile: Profile = None,
    cores: Cores = None,
    prepare: Prepare = False,
    retry_failed: RetryFailed = False,
    recompute: Recompute = False,
    set_: Set = None,
) -> int:
    """Critical current density over grids of temperature, stack pressure and areal capacity.

    For example:

        lifrac ccd llzo --out runs/ccd_llzo
        lifrac ccd study.toml --dry-run
        lifrac ccd study.toml --set study.refinements=4 --set defect.length="15 um"
        mpiexec -n 4 lifrac ccd study.toml
        lifrac ccd study.toml --profile slurm

    The folder holds ccd.csv (the brackets), runs.csv and points/ (every
    run) and plots/.
    The same command goes on where an unfinished study has stopped. The ranks
    that it is started on share the runs out; with --profile or --cores
    Snakemake starts jobs for them, here or on a cluster. Keys that begin with
    study. are the study's, all others those of its case (docs/ccd.md).
    """
    from lifrac.problems.studies.ccd.study import load_study
    from lifrac.problems.studies.executors.choice import ExecutorOptions, executor_for

    loaded = load_study(study, set_ or [])
    folder = folder_of(out, loaded.name)
    options = ExecutorOptions(profile, cores, prepare, recompute, retry_failed)
    compute = executor_for(loaded, options, alone_through_snakemake=False)
    if dry_run:
        if is_root():
            from lifrac.problems.case.own_mesh import check_own
            from lifrac.problems.materials.card_files import console
            from lifrac.problems.studies.ccd.forecast import print_forecast

            for one in loaded.cases:
                check_own(one)
            print_forecast(loaded, folder, console())
        return 0
    for warning in loaded.warnings:
        logging.getLogger("lifrac").warning("warning: %s", warning)
    return compute(loaded, folder)
