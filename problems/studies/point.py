"""A point of a study of any kind: a resolved case, named by its content."""

from functools import cached_property

from lifrac.problems.case.case import Case

KEY_LENGTH = 16
"""Digits of the content hash that name a point."""


class Point:
    """One run among many; kinds of study add what they know of it, and `str()` for people.

    Attributes
    ----------
    case : Case
        The resolved case, as `lifrac run` would take it.
    """

    case: Case

    @cached_property
    def key(self) -> str:
        """The name of its folder: a hash of everything that its result depends on."""
        return self.case.content_hash()[:KEY_LENGTH]

    def __str__(self) -> str:
        return f"{self.case.name} ({self.key})"
