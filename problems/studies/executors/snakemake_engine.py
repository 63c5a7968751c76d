"""Snakemake as it is started and stopped, and where its profiles are."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lifrac.errors import InputError

PROFILES = Path(__file__).parent / "snakemake"
LOCAL = "local"
RETRIES = 1
"""How often a job whose process died is started again by one command."""
PATIENCE = 60.0
"""Time that processes have to end by themselves when a study is stopped [s]."""


@dataclass(frozen=True)
class Engine:
    """How jobs are started: on this computer, or by a profile of Snakemake."""

    profile: Path | None
    """Folder of the profile; None computes on this computer."""
    cores: int | None
    """Cores of this computer to use; None leaves it to the profile."""
    options: tuple[str, ...] = ()
    """Further options of Snakemake."""

    def start(self, folder: Path, lock: int) -> subprocess.Popen[bytes]:
        """Start Snakemake on the Snakefile in `folder`; its output goes to `logs/snakemake.log`.

        It inherits the locked file `lock`, so that the folder stays claimed as long as it lives. Snakemake's own lock
        is not used: it would outlive a kill.
        """
        command = [
            sys.executable,
            "-P",
            "-m",
            "snakemake",
            "--snakefile",
            "Snakefile",
            "--keep-going",
            "--rerun-incomplete",
            "--rerun-triggers",
            "mtime",
            "--nolock",
            "--scheduler",
            "greedy",
        ]
        if self.profile is not None:
            command += ["--profile", str(self.profile)]
        if self.cores is not None:
            command += ["--cores", str(self.cores)]
        command += self.options
        with (folder / "logs" / "snakemake.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                start_new_session=True,
            )


def find_engine(profile: str, cores: int | None, ranks: int, noun: str = "sweep") -> Engine:
    """Choose an engine.

    Parameters
    ----------
    profile : str
        `local`, `slurm`, the folder of a profile, or the name of one where Snakemake keeps the user's.
    cores : int or None
        Cores of this computer; all that this process may use unless stated.
    ranks : int
        Ranks of a point.
    noun : str
        "study" or "sweep": whose ranks.

    Raises
    ------
    InputError
        Snakemake is not installed, there is no such profile, or the cores do not suffice.
    """
    _check_installed("snakemake", "sweep")
    folder = _find_profile(profile)
    options: tuple[str, ...] = ()
    if profile == "slurm":
        _check_installed("snakemake_executor_plugin_slurm", "slurm")
        options = () if _accounting() else ("--slurm-status-command", "squeue")
    if cores is not None and cores < 1:
        raise InputError("must be at least 1", key="--cores", value=cores, remedy="Leave it out to use all")
    if folder is not None:
        return Engine(folder, cores, options)
    usable = cores or len(os.sched_getaffinity(0))
    if usable < ranks:
        raise InputError(
            f"is more than the {usable} cores to be used",
            key=f"{noun}.ranks",
            value=ranks,
            remedy="Lower it, or state --cores",
        )
    return Engine(None, usable)


def is_installed(module: str = "snakemake") -> bool:
    """Whether Snakemake, or a plugin of it, is there."""
    return importlib.util.find_spec(module) is not None


def _check_installed(module: str, extra: str) -> None:
    if not is_installed(module):
        raise InputError(f"{module} is not installed", remedy=f"Install it: python -m pip install 'lifrac[{extra}]'")


def _accounting() -> bool:
    """Whether this Slurm keeps accounts, which are the better source of a job's state; a small one does without."""
    if shutil.which("sbatch") is None:
        raise InputError(
            "there is no Slurm on this computer",
            key="--profile",
            value="slurm",
            remedy="Start it where sbatch works, or write --profile local",
        )
    done = subprocess.run(["sacct", "--noheader", "--name=none"], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def _find_profile(profile: str) -> Path | None:
    if profile == LOCAL:
        return None
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "snakemake"
    places = [PROFILES / "slurm"] if profile == "slurm" else [Path(profile).expanduser()]
    if profile and Path(profile).name == profile:
        places.append(home / profile)
    for place in places:
        if place.is_dir() and any(place.glob("config*.yaml")):
            return place.resolve()
    remedy = 'Write "local", "slurm", or the folder of a Snakemake profile (it holds config.yaml)'
    raise InputError("no such profile", key="--profile", value=profile, remedy=remedy)


def stop(process: subprocess.Popen[bytes], patience: float = PATIENCE) -> None:
    """Stop Snakemake and what it has started here, and withdraw jobs from a queue.

    Snakemake first, so that it starts nothing in place of what ends; runs end after their present step.
    """
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        whole = psutil.Process(process.pid)
        started = whole.children(recursive=True)
        whole.send_signal(signal.SIGINT)
        for each in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.terminate()
        for each in psutil.wait_procs([whole, *started], timeout=patience)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()
