"""The log of a point that jobs compute, which outlives kills: every start, end and reason."""

import contextlib
import json
import logging
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

LOG = logging.getLogger("lifrac")
NOT_ENDED = "its process ended without a result (killed, or out of memory)"
NOT_BEGUN = "its job ended before the point was begun; see logs/snakemake.log"
ENDS = ("finished", "failed", "stopped")


class PointLog:
    """`logs/<point>.jsonl` in the folder of a study."""

    def __init__(self, study: Path, key: str) -> None:
        self.key, self.file = key, study / "logs" / f"{key}.jsonl"

    def note(self, event: str, reason: str = "") -> None:
        """Append an event; a disk that is full must not hide why."""
        entry = {"event": event, "time": datetime.now(UTC).isoformat(), "host": platform.node(), "process": os.getpid()}
        try:
            with self.file.open("a") as file:
                file.write(json.dumps({**entry, "reason": reason} if reason else entry) + "\n")
        except OSError as error:
            LOG.error("point %s: %s %s (not in its log: %s)", self.key, event, reason, error)

    def events(self) -> list[dict[str, object]]:
        """Return all events; a line torn by a kill is left out."""
        try:
            lines = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [entry for entry in found if isinstance(entry, dict)]

    def kills(self) -> int:
        """How often a process has not come to the end of the point."""
        events = [entry.get("event") for entry in self.events()]
        return events.count("start") - sum(events.count(end) for end in ENDS)

    def reason(self) -> str:
        """Return why the point has no result, as far as it is known."""
        last = next(reversed(self.events()), {})
        if last.get("event") == "failed":
            return str(last.get("reason"))
        return NOT_ENDED if last.get("event") == "start" else NOT_BEGUN
