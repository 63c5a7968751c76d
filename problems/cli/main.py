"""The command line. Every command imports what it needs when it runs, so that help answers at once."""

import logging
import os
import sys
from collections.abc import Sequence

from lifrac.problems.process.ending import ending_together

from . import ccd, check, export, materials, mesh, plot, run, sweep, threshold, verify  # each registers its command
from .app import app, is_root, take_log_level

__all__ = ["ccd", "check", "export", "main", "materials", "mesh", "plot", "run", "sweep", "threshold", "verify"]


def main(tokens: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; one rank prints errors, and ends the job if the others wait for it."""
    # Before anything loads NumPy, which reads it once: reading a case with units does, long before the mesher.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    speak()
    return ending_together(lambda: _command(tokens))


def _command(tokens: Sequence[str] | None) -> int:
    level, words = take_log_level(sys.argv[1:] if tokens is None else tokens)
    logging.getLogger("lifrac").setLevel(level)
    result = app(
        words,
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
    )
    return result if isinstance(result, int) else 0


def speak() -> None:
    """Log to standard error on the first rank; warnings there only as well."""
    root = is_root()
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if root else logging.NullHandler()
    handler.setFormatter(logging.Formatter("lifrac: %(message)s"))
    log = logging.getLogger("lifrac")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


if __name__ == "__main__":
    sys.exit(main())
