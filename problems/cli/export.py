"""`lifrac export`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .app import app, is_root


@app.command
def export(folder: Annotated[Path, Parameter(help="The folder of a run.")], /) -> int:
    """Write the stored states of a run as .vtu files, for programs that do not read fields.vtkhdf.

    For example:

        lifrac export runs/llzo_holds

    Open vtu/fields.pvd in the folder with ParaView (5.11 and older, too) or
    PyVista; docs/results.md has recipes.
    """
    if not is_root():
        return 0
    from lifrac.postprocess.export import export as write

    print(write(folder))
    return 0
