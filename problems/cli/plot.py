"""`lifrac plot`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .app import app, is_root


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
    if not is_root():
        return 0
    from lifrac.postprocess.figures.all_figures import plot_run

    for path in plot_run(folder):
        print(path)
    return 0
