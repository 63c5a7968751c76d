"""Functions that a formula needs, for forms, numbers and arrays alike: a formula is written once."""

from typing import Any

import numpy as np
import ufl
from ufl.core.expr import Expr

Value = Any
"""A UFL expression, a number, or an array of numbers."""


def exp(x: Value) -> Value:
    """Return the exponential."""
    return ufl.exp(x) if isinstance(x, Expr) else np.exp(x)


def smaller(x: Value, bound: Value) -> Value:
    """Return the smaller one of x and a bound, which may be an expression as well."""
    return ufl.min_value(x, bound) if isinstance(x, Expr) or isinstance(bound, Expr) else np.minimum(x, bound)


def larger(x: Value, bound: Value) -> Value:
    """Return the larger one of x and a bound, which may be an expression as well."""
    return ufl.max_value(x, bound) if isinstance(x, Expr) or isinstance(bound, Expr) else np.maximum(x, bound)


def asinh(x: Value) -> Value:
    """Inverse hyperbolic sine without cancellation for x < 0."""
    if not isinstance(x, Expr):
        return np.arcsinh(x)
    return ufl.conditional(ufl.ge(x, 0.0), ufl.ln(x + ufl.sqrt(x * x + 1.0)), -ufl.ln(-x + ufl.sqrt(x * x + 1.0)))
