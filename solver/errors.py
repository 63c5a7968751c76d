"""Failures of the numerics; never a failure of the cell."""


class NumericalFailure(RuntimeError):
    """The solver could not go on; the last good state has been kept. Exit code 3."""
