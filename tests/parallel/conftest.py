"""Which collective tests run on more than two ranks."""

import pytest
from mpi4py import MPI


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out on more than two ranks what the marker `two_ranks` says cannot differ there."""
    if MPI.COMM_WORLD.size > 2:
        left_out = [item for item in items if item.get_closest_marker("two_ranks") is not None]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
