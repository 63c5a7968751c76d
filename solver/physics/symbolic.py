"""Parameters as constants of forms: another value compiles nothing."""

from dataclasses import fields, is_dataclass, replace

from dolfinx import fem
from dolfinx.mesh import Mesh


def symbolic[T](mesh: Mesh, part: T) -> T:
    """Return the same parameters, those of its parts included, with every number but zero as a constant of the form.

    Zeros switch terms off.
    """
    changed: dict[str, object] = {}
    for f in fields(part):  # type: ignore[arg-type]
        value = getattr(part, f.name)
        if isinstance(value, float) and value != 0.0:
            changed[f.name] = fem.Constant(mesh, value)
        elif is_dataclass(value) and not isinstance(value, type):
            changed[f.name] = symbolic(mesh, value)
    return replace(part, **changed)  # type: ignore[type-var]
