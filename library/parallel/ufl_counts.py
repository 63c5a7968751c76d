"""The numbers that UFL gives to what it makes: the same on every rank, or ranks would name their forms differently."""

import itertools
from typing import Any

from mpi4py import MPI


def level(comm: MPI.Comm) -> None:
    """Let UFL count on from the same number on every rank (collective).

    UFL orders the terms of a form by the numbers of its coefficients and indices, and a form is known by a hash of what
    comes out. A rank that has made forms of its own is ahead of the others: a form that they make together can then
    have another name there, and the others wait in vain for the one they know.
    """
    if comm.size == 1:
        return
    from ufl import Coefficient, Constant
    from ufl.core.multiindex import Index
    from ufl.variable import Label

    kinds: tuple[Any, ...] = (Coefficient, Constant, Index, Label)
    here = [0 if kind._counter is None else next(kind._counter) for kind in kinds]
    highest = [max(numbers) for numbers in zip(*comm.allgather(here), strict=True)]
    for kind, number in zip(kinds, highest, strict=True):
        kind._counter = itertools.count(number + 1)
