"""The peer in a process of its own, its environment beside the results; what it has found is read while it runs."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
PEER = "phasefieldx==0.4.1"
ENVIRONMENT = HERE / "results" / "peer"
INTERVAL = 2.0
"""Between two looks at what the peer has written [s]."""
TIMEOUT = 7200.0


@dataclass(frozen=True)
class Found:
    """The results of the reference code in the steps that it has done, which are fewer when it was stopped."""

    steps: int
    """Steps of the loading."""
    seconds: tuple[float, ...]
    """CPU time from the start to the end of each step done [s]."""
    sweeps: tuple[int, ...]
    """Sweeps of each step done."""
    forces: tuple[float, ...]
    """On the upper edge [N/mm]."""

    @property
    def complete(self) -> bool:
        return len(self.forces) == self.steps

    @classmethod
    def of(cls, steps: int, found: dict[str, Any]) -> "Found":
        """From the file that peer.py writes (kN/mm there)."""
        forces = tuple(1.0e3 * abs(force) for force in found["forces"])
        return cls(steps, tuple(found["cpu_s"]), tuple(found["sweeps"]), forces)


def install() -> None:
    """Install the peer into a folder beside the results; its dependencies are those of lifrac."""
    if not (ENVIRONMENT / "phasefieldx").is_dir():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(ENVIRONMENT), PEER]
        subprocess.run(command, check=True)


def run(
    mesh: tuple[NDArray[np.float64], NDArray[np.int64]],
    loading: str,
    length: float,
    displacements: Sequence[float],
    tolerance: float,
) -> Iterator[Found]:
    """Break a plate; yields what is known whenever a step is done, at last all of it.

    It runs in a folder of its own: it removes logs and result files of the one in which it starts.

    Parameters
    ----------
    mesh : points [um], triangles
    loading : {"tension", "shear"}
    length : float
        l [um].
    displacements : sequence of float
        Of the upper edge [um].
    """
    install()
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        np.savez(here / "mesh.npz", points=1.0e-3 * mesh[0], cells=mesh[1])
        case = {
            "mesh": "mesh.npz",
            "loading": loading,
            "length": 1.0e-3 * length,
            "displacements": [1.0e-3 * float(moved) for moved in displacements],
            "tolerance": tolerance,
        }
        (here / "case.json").write_text(json.dumps(case))
        yield from _watched(here, len(displacements))


def _watched(here: Path, steps: int) -> Iterator[Found]:
    """Run peer.py to its end, reading every change of its result.

    Raises
    ------
    RuntimeError
        It failed, or took longer than TIMEOUT.
    """
    command = [sys.executable, str(HERE / "peer.py"), "case.json"]
    with (here / "output.txt").open("w") as output:
        process = subprocess.Popen(
            command, cwd=here, env=os.environ | {"PYTHONPATH": str(ENVIRONMENT)}, stdout=output, stderr=output
        )
        known, end = 0, time.monotonic() + TIMEOUT
        try:
            running = True
            while running and time.monotonic() < end:
                running = process.poll() is None
                found = _read(here / "result.json", steps)
                if found is not None and len(found.forces) > known:
                    known = len(found.forces)
                    yield found
                time.sleep(INTERVAL if running else 0.0)
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"{PEER} ended with {process.returncode}: {(here / 'output.txt').read_text()[-2000:]}")


def _read(path: Path, steps: int) -> Found | None:
    return Found.of(steps, json.loads(path.read_text())) if path.exists() else None
