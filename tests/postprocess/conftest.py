"""Synthetic run folders for the tests of this folder."""

from pathlib import Path

import pytest
from support.synthetic_diffuse import DiffuseCrack
from support.synthetic_run import MakeRun, write_run


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """`make_run(kind="through", rows=60, stored=7) -> folder`; see `synthetic_run` for the kinds."""

    def make(kind: str = "through", rows: int = 60, stored: int = 7) -> Path:
        return write_run(tmp_path / f"run-{kind}", kind, rows, stored)

    return make


@pytest.fixture
def make_diffuse(tmp_path: Path) -> MakeRun:
    """`make_diffuse(crack, kind="through", rows=60, stored=7) -> folder` of a run of the phase-field engine."""

    def make(crack: DiffuseCrack, kind: str = "through", rows: int = 60, stored: int = 7) -> Path:
        return write_run(tmp_path / f"diffuse-{kind}", kind, rows, stored, crack.write_fields)

    return make
