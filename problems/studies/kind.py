"""A kind of study: which points are wanted next, and what is made of finished ones."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, override

from .point import Point
from .recording import LIGHT, Recording
from .tables import Table

LOG = logging.getLogger("lifrac")
Summary = Mapping[str, Any]
"""The `summary.json` of a point, with `reason` (why the numerics failed, or empty) and `code_hash`."""
Summaries = Mapping[str, Summary]
"""Those of finished points by their keys."""
Failures = Mapping[str, str]
"""Why points have no result, by their keys: their mesh cannot be used, or their process was killed."""
Note = tuple[int, str]
"""A level of `logging`, and a message."""
MOST_LISTED = 20
"""Points that are named for each reason of a failure."""


class Display:
    """Tells people how far a study has come: a line in the log for every point."""

    def finished(self, point: Point, summary: Summary, done: int, wanted: int) -> None:
        """Tell of a finished point: `done` of the `wanted` ones of the present round."""
        LOG.info("  %d of %d: %s: %s", done, wanted, point, summary.get("reason") or summary["outcome"])

    def show(self, summaries: Summaries) -> None:
        """Tell where the study stands."""


class Silent(Display):
    """Keeps other ranks than the first quiet."""

    @override
    def finished(self, point: Point, summary: Summary, done: int, wanted: int) -> None:
        pass


class StudyKind(ABC):
    """A study of some kind; it knows nothing of what computes its points (`executors`).

    Every rank asks it alike, with the same finished points: what it answers must follow from them alone.

    Attributes
    ----------
    noun : str
        "study" or "sweep": the folder says by `study.json` or `sweep.json` whose it is.
    recording : Recording
        How the run of a point is recorded.
    drawn : bool
        Whether pictures are drawn when it is finished.
    """

    noun: ClassVar[str] = "study"
    recording: ClassVar[Recording] = LIGHT
    drawn: ClassVar[bool] = True

    @property
    @abstractmethod
    def name(self) -> str:
        """Name for people."""

    @property
    def team(self) -> int:
        """MPI ranks that compute a point together."""
        return 1

    @property
    def points_per_job(self) -> int:
        """Points that one job of a cluster computes one after another."""
        return 1

    @abstractmethod
    def content_hash(self) -> str:
        """SHA-256 over everything that the tables depend on: a folder belongs to one study."""

    @abstractmethod
    def resolved_toml(self) -> str:
        """Return the study with its defaults, as `study.toml` in its folder; it can be run again."""

    @abstractmethod
    def wanted(self, summaries: Summaries) -> Sequence[Point]:
        """Points to compute next, each once, the most urgent first; none when the study is finished.

        Parameters
        ----------
        summaries : Mapping
            Of points that are finished, by key; there may be more than the study asks for.
        """

    @abstractmethod
    def tables(self, summaries: Summaries, failures: Failures) -> Mapping[str, Table | None]:
        """Return the tables by the names of their files, from as many points as there are.

        None where there is none (any more).

        Parameters
        ----------
        summaries : Mapping
            Of points that are finished, by key.
        failures : Mapping
            Why points have no result; empty while they may be under way.
        """

    def failed(self, summaries: Summaries) -> bool:
        """Whether the study ends with exit code 3: the numerics failed in every point."""
        return all(summary.get("reason") for summary in summaries.values())

    def closing(self, summaries: Summaries) -> Iterator[Note]:
        """Yield what a user should know at the end."""
        yield from ()

    def display(self, *, enabled: bool) -> AbstractContextManager[Display]:
        """Report how far the study has come while the context lasts; `enabled` on rank 0 only."""
        return nullcontext(Display() if enabled else Silent())


def by_reason(failed: Iterable[tuple[Point, str]]) -> Iterator[Note]:
    """Yield which points failed, those with the same reason together."""
    reasons: dict[str, list[Point]] = {}
    for point, reason in failed:
        reasons.setdefault(reason, []).append(point)
    for reason, points in reasons.items():
        yield logging.WARNING, f"{len(points)} failed: {reason}"
        for point in points[:MOST_LISTED]:
            yield logging.WARNING, f"    {point}, {point.key}"
