"""Where a study stands while it is computed: finished points, tables, what people are told, and the exit code."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from lifrac.problems.run.pictures import draw_plots
from lifrac.problems.studies.kind import Display, StudyKind, Summary, by_reason
from lifrac.problems.studies.point import Point
from lifrac.problems.studies.study_folder import StudyFolder

LOG = logging.getLogger("lifrac")
DONE, FAILED, ASKED_TO_STOP = 0, 3, 4
"""Exit codes."""
TABLES_EVERY = 5.0
"""[s] between two writings of the tables while a round is under way."""
Finished = Callable[[Iterable[str]], Mapping[str, Summary]]
"""Gives the summaries of those points that are finished."""


def take_over(study: StudyKind, finished: Finished) -> dict[str, Summary]:
    """Return the summaries of all points that an earlier attempt has finished and that the study asks for."""
    known: dict[str, Summary] = {}
    while found := finished([point.key for point in study.wanted(known)]):
        known |= found
    return known


def left(study: StudyKind, known: Mapping[str, Summary], failures: Mapping[str, str]) -> list[Point]:
    """Return the points to compute next; one that has failed is not tried twice by one command."""
    return [point for point in study.wanted(known) if point.key not in failures]


class Standing:
    """Keeps tables and people up to date; there is one, where the folder is held.

    Parameters
    ----------
    study : StudyKind
    folder : StudyFolder
    known : Mapping
        Summaries of points that an earlier attempt has finished.
    display : Display

    Attributes
    ----------
    known : dict
        Summaries of finished points by key.
    failures : dict
        Why points have no result, by key.
    """

    def __init__(
        self, study: StudyKind, folder: StudyFolder, known: Mapping[str, Summary], display: Display | None = None
    ) -> None:
        self.study, self.folder, self.display = study, folder, display or Display()
        self.known: dict[str, Summary] = dict(known)
        self.failures: dict[str, str] = {}
        self._taken_over = len(self.known)
        self._points: dict[str, Point] = {}
        self._written = time.monotonic()
        self._stale = False
        """Whether the tables lack a finished point."""
        self._unwritten = ""
        """Why the tables could not be written the last time."""
        if self.known:
            LOG.info("%s: %d finished points are taken over", study.name, len(self.known))

    def look(self, wanted: Sequence[Point]) -> bool:
        """Take note of what has been finished meanwhile, by whomever; whether there was anything."""
        points = {point.key: point for point in wanted}
        found = self.folder.points.finished(key for key in points if key not in self.known)
        for key, summary in found.items():
            self.known[key] = summary
            done = sum(key in self.known for key in points)
            self.display.finished(points[key], summary, done, len(points))
        self._stale = self._stale or bool(found)
        if self._stale and time.monotonic() - self._written > TABLES_EVERY:
            self.write()
        return bool(found)

    def fail(self, wanted: Sequence[Point], failures: Mapping[str, str]) -> None:
        """Take note of points that have no result."""
        self._points |= {point.key: point for point in wanted if point.key in failures}
        self.failures |= failures

    def write(self, *, over: bool = False) -> None:
        """Write all tables; what cannot be written is tried again, and told at the end if need be.

        `over`: nothing is under way any more, so that points without a result have failed.
        """
        try:
            self.folder.write(self.study.tables(self.known, self.failures if over else {}))
            self._unwritten = ""
        except OSError as error:
            if not self._unwritten:
                message = "the tables could not be written (%s); finished points are kept, and it is tried again"
                LOG.error(message, error)
            self._unwritten = str(error)
        self._written, self._stale = time.monotonic(), False
        self.display.show(self.known)

    def end(self, *, stopped: bool) -> int:
        """Write the last tables and tell what a user should know; returns the exit code."""
        self.write(over=not stopped)
        path = self.folder.path
        if stopped:
            LOG.warning("asked to stop; the same command goes on from %s", path)
            return ASKED_TO_STOP
        if self.study.drawn and self.known:
            draw_plots(path)
        notes = by_reason((self._points[key], reason) for key, reason in self.failures.items())
        for level, message in (*notes, *self.study.closing(self.known)):
            LOG.log(level, "%s", message)
        new = len(self.known) - self._taken_over
        message = "%s: %d points finished, %d of them computed now, %d without a result; %s"
        LOG.info(message, self.study.name, len(self.known), new, len(self.failures), path)
        if self._unwritten:
            LOG.error(
                "the tables could not be written: %s. Nothing that was computed is lost: make room and give the same "
                "command again",
                self._unwritten,
            )
        return FAILED if self.failures or self._unwritten or self.study.failed(self.known) else DONE
