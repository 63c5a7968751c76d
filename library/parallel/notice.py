"""What a rank tells the others about itself; imports nothing, so that a command that needs no ranks stays light."""

from dataclasses import dataclass

END = "end"
"""Where every rank comes to at last."""


class FailedAlone(RuntimeError):
    """A failure that the other ranks do not share: they wait for this one, so the job has to end."""


@dataclass(frozen=True)
class Notice:
    """What a rank says where it meets the others.

    Attributes
    ----------
    place : str
        Where it is; only ranks at the same place meet.
    failed : bool
    code : int
        Exit code.
    words : str
        What to say about it.
    """

    place: str
    failed: bool
    code: int
    words: str = ""
