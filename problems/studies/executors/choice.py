"""Which executor computes a study: what the command line says, and how it was started."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lifrac.errors import InputError
from lifrac.problems.process.launcher import COUNTS
from lifrac.problems.studies.kind import StudyKind

from .snakemake_engine import LOCAL, find_engine, is_installed

LOG = logging.getLogger("lifrac")
Executor = Callable[[StudyKind, Path], int]
"""Computes a study into a folder; returns the exit code."""


@dataclass(frozen=True)
class ExecutorOptions:
    """Options of a command that decide what computes a study, and what of it again.

    Attributes
    ----------
    profile : str or None
        A profile of Snakemake, see `find_engine`; None where none is stated.
    cores : int or None
        Cores that Snakemake may use here.
    prepare : bool
        Write the folder for Snakemake, start nothing.
    recompute, retry_failed : bool
        Compute points again that other code has computed, or in which the numerics failed.
    """

    profile: str | None = None
    cores: int | None = None
    prepare: bool = False
    recompute: bool = False
    retry_failed: bool = False

    @property
    def snakemake(self) -> bool:
        """Whether anything is stated that Snakemake alone can do."""
        return self.profile is not None or self.cores is not None or self.prepare


def executor_for(study: StudyKind, options: ExecutorOptions, *, alone_through_snakemake: bool) -> Executor:
    """Choose what computes a study.

    Parameters
    ----------
    study : StudyKind
    options : ExecutorOptions
    alone_through_snakemake : bool
        Whether a process that was started alone, and is told nothing, takes Snakemake where that is installed.

    Raises
    ------
    InputError
        For options that do not fit how the command was started, a profile that there is not, or Snakemake missing.
    """
    ranks = any(os.environ.get(name, "1") not in ("", "1") for name in COUNTS)
    if ranks and options.snakemake:
        raise InputError(
            "Snakemake starts its ranks itself, but this command was started on several",
            key="--profile, --cores, --prepare",
            remedy="Start it alone, or leave these options out: the ranks then compute the points",
        )
    if options.snakemake or (alone_through_snakemake and not ranks and is_installed()):
        from .snakemake_rounds import run_through_snakemake

        engine = find_engine(
            LOCAL if options.profile is None else options.profile, options.cores, study.team, study.noun
        )
        return partial(
            run_through_snakemake,
            engine=engine,
            recompute=options.recompute,
            retry_failed=options.retry_failed,
            prepare=options.prepare,
        )
    if alone_through_snakemake and not ranks:
        LOG.info("Snakemake is not installed: this process computes the points one after another")

    def on_ranks(study: StudyKind, out: Path) -> int:
        from .ranks import run_on_ranks

        return run_on_ranks(study, out, recompute=options.recompute, retry_failed=options.retry_failed)

    return on_ranks
