"""A kind of study: which points are wanted next, and what is made of finished ones."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, override

from .point import Point
from .tables import Table

LOG = logging.getLogger("lifrac")
Summary = Mapping[str, Any]
"""The `summary.json` of a point."""
Summaries = Mapping[str, Summary]
"""Those of finished points by their keys."""
Note = tuple[int, str]
"""A level of `logging`, and a message."""


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
    """A study of some kind, whatever computes its points (`ranks.run_study`).

    Every rank asks it alike, with the same finished points: what it answers must follow from them alone.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Name for people."""

    @property
    def team(self) -> int:
        """MPI ranks that compute a point together."""
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
    def tables(self, summaries: Summaries) -> Mapping[str, Table | None]:
        """Return the tables by the names of their files, from as many points as there are.

        None where there is none (any more).
        """

    def closing(self, summaries: Summaries) -> Iterator[Note]:
        """Yield what a user should know at the end."""
        yield from ()

    def display(self, *, enabled: bool) -> AbstractContextManager[Display]:
        """Report how far the study has come while the context lasts; `enabled` on rank 0 only."""
        return nullcontext(Display() if enabled else Silent())
