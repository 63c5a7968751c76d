"""`lifrac` in which a function fails on one rank: inject.py RANK MODULE:FUNCTION CALL FAILURE ARGUMENT...

FAILURE is what the function does at its n-th call on that rank (`FAILURES`, or kill, stop, forever). The arguments are
those of `lifrac`, or `job FOLDER JOB` for a job of a sweep. Monkeypatching alone: nothing in the package knows of it.
"""

import importlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from lifrac.errors import NumericalFailure
from lifrac.problems.cli import main as cli
from mpi4py import MPI

FAILURES = {
    "disk": OSError(28, "No space left on device"),
    "numerics": NumericalFailure("injected"),
    "bug": KeyError("injected"),
    "memory": MemoryError("injected"),
}


def fail(failure: str) -> None:
    """Fail, or get a signal: to die of, or to stop in good order."""
    if "INJECTED" in os.environ:
        Path(os.environ["INJECTED"]).write_text(str(time.time()))
    if failure == "stop":
        os.kill(os.getpid(), signal.SIGTERM)
        return
    if failure == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    while failure == "forever":
        time.sleep(60.0)
    raise FAILURES[failure]


def inject(rank: int, where: str, call: int, failure: str) -> None:
    """Replace a function by one that fails at one of its calls."""
    module, path = where.split(":")
    owner: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for each in owners:
        owner = getattr(owner, each)
    original, calls = getattr(owner, name), 0

    def instead(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and MPI.COMM_WORLD.rank == rank:
            fail(failure)
        return original(*args, **kwargs)

    setattr(owner, name, instead)


def main() -> int:
    """Run the command that the arguments name."""
    inject(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
    if sys.argv[5] != "job":
        return cli.main(sys.argv[5:])
    from lifrac.problems.studies.executors import job

    os.chdir(sys.argv[6])
    sys.argv[1:] = sys.argv[7:]
    return job.main()


if __name__ == "__main__":
    sys.exit(main())
