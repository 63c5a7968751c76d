"""How the run of a point is recorded: in a light folder, or in a full one with fields and checkpoints."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recording:
    """A way to record the run of a point; `executors.worker` computes runs so.

    Attributes
    ----------
    name : str
        Its name in the plan of jobs.
    needed : frozenset of str
        Keys that `summary.json` cannot do without; a summary that lacks any is damaged.
    resumable : bool
        Whether a run that was interrupted is kept, to go on from its last checkpoint.
    """

    name: str
    needed: frozenset[str]
    resumable: bool


LIGHT = Recording("light", frozenset({"outcome", "termination"}), False)
"""Tables and summary: for studies of many short runs, which share meshes and condensed bulks, and for thresholds."""
FULL = Recording("full", frozenset({"termination"}), True)
"""The run folder of `lifrac run`."""
RECORDINGS = {recording.name: recording for recording in (LIGHT, FULL)}
