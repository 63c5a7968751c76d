"""What ends a time step before its end; never a failure of the cell."""


class NumericalFailure(RuntimeError):
    """The solver could not go on; the last good state has been kept. Exit code 3."""


class Interrupted(RuntimeError):
    """Somebody asked to stop within a time step; the last good state has been kept. Exit code 4."""
