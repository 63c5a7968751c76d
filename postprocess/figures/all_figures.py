"""All figures of a folder, as `lifrac plot` makes them."""

from pathlib import Path

from lifrac.postprocess.read.run_result import RunResult

from .plot_fields import fields_figure, profile_figure
from .plot_history import history_figure
from .plot_study import STUDY_TABLE, SWEEP_TABLE, draw_study, draw_sweep
from .style import paper_style, save


def plot_run(path: str | Path) -> list[Path]:
    """Draw the figures of a run, a study or a sweep into its folder `plots/`, each as PNG and PDF.

    `history` (voltage, lengths and pressure over areal capacity), and when fields were stored `fields`
    (potential and stress around the crack) and `crack_profile` (aperture, lithium and its pressure
    along the crack). A study has `ccd`, `map` and, with a flaw population, `ccd_distribution`, a sweep `outcomes`; both
    have a page `index.html` in which every point leads to its run.

    Parameters
    ----------
    path
        The folder of a run, study or sweep; the computation may still be going on.

    Returns
    -------
    list[Path]
        The files written.

    Raises
    ------
    InputError
        If `path` is no such folder or its files are damaged.
    """
    for table, draw in ((STUDY_TABLE, draw_study), (SWEEP_TABLE, draw_sweep)):
        if (Path(path) / table).is_file():
            with paper_style():
                return draw(Path(path))
    run = RunResult.load(path)
    fields = run.fields()
    if fields is not None and not len(fields.times):
        fields = None
    folder = run.path / "plots"
    with paper_style():
        written = save(history_figure(run, fields.thickness if fields else None), folder, "history")
        if fields is not None:
            written += save(fields_figure(run, fields), folder, "fields")
            written += save(profile_figure(run, fields), folder, "crack_profile")
    return written
