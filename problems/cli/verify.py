"""`lifrac verify`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from lifrac.problems.process.signals import watched

from .app import app


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
