"""Pictures at the end of a run or a study."""

import logging
from pathlib import Path

LOG = logging.getLogger("lifrac")


def draw_plots(out: Path) -> None:
    """Draw the pictures of a folder. They are an extra: a run is not lost because one cannot be drawn."""
    from lifrac.postprocess.figures.all_figures import plot_run

    try:
        plot_run(out)
    except Exception as error:
        LOG.warning("the plots could not be drawn (%s); `lifrac plot %s` tries again", error, out)
