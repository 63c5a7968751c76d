"""All figures of one run, as `lifrac plot` makes them."""

from pathlib import Path

from .plot_ccd import by_flaw, ccd_figure, read_ccd
from .plot_fields import fields_figure, profile_figure
from .plot_history import history_figure
from .results import RunResult
from .style import paper_style, save

STUDY_TABLE = "ccd.csv"
"""The file that shows that a folder holds a study."""


def plot_run(path: str | Path) -> list[Path]:
    """Draw the figures of a run or a study into its folder `plots/`, each as PNG and PDF.

    `history` (voltage, lengths and pressure over areal capacity), and when fields were stored `fields`
    (potential and stress around the crack) and `crack_profile` (aperture, lithium thickness and pressure
    along the crack). A study has one, `ccd`.

    Parameters
    ----------
    path
        The run folder or study folder; the computation may still be going on.

    Returns
    -------
    list[Path]
        The files written.

    Raises
    ------
    InputError
        If `path` is no such folder or its files are damaged.
    """
    if (table := Path(path) / STUDY_TABLE).is_file():
        return plot_study(table)
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


def plot_study(table: Path) -> list[Path]:
    """Draw a study from its table, a figure for each flaw, into `plots/` beside it; returns the files written."""
    with paper_style():
        return [file for name, rows in by_flaw(read_ccd(table)).items()
                for file in save(ccd_figure(rows), table.parent / "plots", name)]  # fmt: skip
