"""A point of a study of any kind: what is computed of a resolved case, named by its content."""

import hashlib
from functools import cached_property
from typing import Literal

from lifrac.problems.case.case import Case

Task = Literal["run", "threshold"]
"""What is computed of a case: its run, or the threshold current of its flaw (docs/threshold.md)."""
CRACKED, UNBOUNDED = "cracked_by_loads", "no_threshold"
"""Outcomes of the second where a flaw has no threshold: its loads alone crack it, or no current does."""

KEY_LENGTH = 16
"""Digits of the content hash that name a point."""


class Point:
    """One computation among many; kinds of study add what they know of it, and `str()` for people.

    Attributes
    ----------
    case : Case
        The resolved case, as `lifrac run` would take it.
    task : Task
        What is computed of it.
    """

    case: Case
    task: Task = "run"

    @cached_property
    def key(self) -> str:
        """The name of its folder: a hash of everything that its result depends on."""
        content = self.case.content_hash()
        if self.task != "run":  # the run of the same case has another result
            content = hashlib.sha256(f"{self.task} {content}".encode()).hexdigest()
        return content[:KEY_LENGTH]

    def __str__(self) -> str:
        return f"{self.case.name} ({self.key})"


class BarePoint(Point):
    """A point as a job knows it: a case, and what is computed of it."""

    def __init__(self, case: Case, task: Task) -> None:
        self.case, self.task = case, task
