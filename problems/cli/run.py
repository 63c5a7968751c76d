"""`lifrac run`."""

import logging
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .app import CaseArgument, Set, app, folder_of, load


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
    r"""Compute a case and write its run folder.

    For example:

        lifrac run llzo_runs_through
        lifrac run case.toml --out runs/hot --set operation.temperature="60 degC"
        lifrac run case.toml --set protocol.current_density="1 mA/cm^2" \
            --set operation.stack_pressure="25 MPa"
        mpiexec -n 4 lifrac run case.toml
        lifrac run case.toml --resume

    The folder holds summary.json (the outcome), history.csv, events.jsonl,
    fields.vtkhdf (ParaView), plots/, and case.toml, which can be run again.
    """
    loaded = load(case, set_)
    for warning in loaded.warnings:
        logging.getLogger("lifrac").warning("warning: %s", warning)
    folder = folder_of(out, loaded.name)
    from lifrac.problems.run.runner import run_case

    return run_case(loaded, folder, resume=resume)
