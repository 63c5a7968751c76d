"""Parameters as constants of forms: another value compiles nothing."""

from dataclasses import fields, replace

from dolfinx import fem
from dolfinx.mesh import Mesh


def symbolic[T](mesh: Mesh, part: T) -> T:
    """The same parameters with every number but zero as a constant of the form; zeros switch terms off."""
    numbers = {
        f.name: fem.Constant(mesh, value)
        for f in fields(part)  # type: ignore[arg-type]
        if isinstance(value := getattr(part, f.name), float) and value != 0.0
    }
    return replace(part, **numbers)  # type: ignore[type-var]
