"""The message of a rank about itself; imports nothing, so that a command that needs no ranks stays light."""

from dataclasses import dataclass

END = "end"
"""The place that every rank comes to at last."""


class FailedAlone(RuntimeError):
    """A failure that the other ranks do not share: they wait for this one, so the job has to end."""


@dataclass(frozen=True)
class Notice:
    """A message that a rank gives the others when they meet.

    Attributes
    ----------
    place : str
        Where it is; only ranks at the same place meet.
    failed : bool
    code : int
        Exit code.
    message : str
        What to say about it.
    """

    place: str
    failed: bool
    code: int
    message: str = ""
