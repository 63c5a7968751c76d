"""All figures of one run, as `lifrac plot` makes them."""

from pathlib import Path

from .plot_fields import fields_figure, profile_figure
from .plot_history import history_figure
from .results import RunResult
from .style import paper_style, save


def plot_run(path: str | Path) -> list[Path]:
    """Draw the figures of a run into its folder `plots/`, each as PNG and PDF.

    `history` (voltage, lengths and pressure over areal capacity), and when fields were stored `fields`
    (potential and stress around the crack) and `crack_profile` (aperture, lithium thickness and pressure
    along the crack).

    Parameters
    ----------
    path
        The run folder; the run may still be going on.

    Returns
    -------
    list[Path]
        The files written.

    Raises
    ------
    InputError
        If `path` is no run folder or its files are damaged.
    """
    run = RunResult.load(path)
    fields = run.fields()
    if fields is not None and not len(fields.times):
        fields = None
    folder = run.path / "plots"
    with paper_style():
        written = save(history_figure(run, fields.thickness if fields else None), folder, "history")
        if fields is not None:
            written += save(fields_figure(run, fields), folder, "fields")
            written += save(profile_figure(run, fields, fields.thickness), folder, "crack_profile")
    return written
