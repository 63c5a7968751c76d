"""Charge transfer of the two electrode faces: what `[electrodes]` states for both, and its tables for one of them.

The law of charge transfer is chosen by name among `lifrac.solver.physics.kinetics.LAWS`; its own parameters are keys of
the same name here.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Annotated, Any

from lifrac.problems.quantities import units as u
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.physics.kinetics import LAWS, ChargeTransferLaw
from lifrac.solver.physics.uniform_cell import overpotential
from pydantic import AfterValidator, WithJsonSchema

from .schema_tools import Problem, Strict, did_you_mean

if TYPE_CHECKING:
    from .schema import Electrodes

FACES = ("anode", "counter")
ELECTRONVOLT = 96485.33212
"""[J/mol]."""


class UnknownLaw(ValueError):
    """No law of charge transfer has this name."""

    def __init__(self, name: str) -> None:
        super().__init__("is no law of charge transfer")
        known = ", ".join(f'"{law}"' for law in LAWS)
        near = did_you_mean(name, dict.fromkeys(LAWS))
        self.remedy = f"Did you mean {near}?" if near else f"Write one of {known}"


def _known(name: str) -> str:
    if name not in LAWS:
        raise UnknownLaw(name)
    return name


LawName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(LAWS)})]
ReorganizationEnergy = Annotated[
    u.Quantity,
    u.ACTIVATION_ENERGY.within(
        ge=0.02 * ELECTRONVOLT,
        le=1.0e3 * ELECTRONVOLT,
        likely=(0.05 * ELECTRONVOLT, 5.0 * ELECTRONVOLT),
        example="0.3 eV",
    ),
]


class FaceTable(Strict):
    """One electrode face where it differs from `[electrodes]`.

    The flaw plates by the law, the exchange current and the film of the anode.
    """

    kinetics: LawName | None = None
    """Law of charge transfer."""
    reorganization_energy: ReorganizationEnergy | None = None
    """Reorganization energy of `marcus_hush_chidsey`, for a mole or a particle."""
    exchange_current_density: u.ExchangeCurrent | None = None
    """At the temperature of the case, where metal touches. Default: that of the electrolyte's card."""
    film_resistance: u.FilmResistance | None = None
    """Series resistance of an interphase film."""
    contact_fraction: u.PositiveFraction | None = None
    """Part of the face that touches the metal."""
    spot_radius: u.NonNegativeLength | None = None
    """Radius of the spots in which the face touches."""


def stated(electrodes: "Electrodes", face: str, key: str) -> Any:
    """Return what the case says of a face: in its own table, else for both; None if it says nothing."""
    table: FaceTable | None = getattr(electrodes, face)
    own = None if table is None else getattr(table, key)
    return getattr(electrodes, key, None) if own is None else own


def _law(electrodes: "Electrodes", face: str) -> type[ChargeTransferLaw]:
    return LAWS[stated(electrodes, face, "kinetics")]


def _parameters(law: type[ChargeTransferLaw]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(law))  # type: ignore[arg-type]


def law_problems(electrodes: "Electrodes") -> Iterator[Problem]:
    """Parameters of laws that are missing, or belong to no law of the faces; keys within `[electrodes]`."""
    used = {name for face in FACES for name in _parameters(_law(electrodes, face))}
    for face in FACES:
        law, table = _law(electrodes, face), getattr(electrodes, face)
        own = set(_parameters(law))
        for name in own:
            if stated(electrodes, face, name) is None:
                where = name if table is None or table.kinetics is None else f"{face}.{name}"
                yield Problem(where, f'is required by kinetics = "{law.name}"', remedy=f'Write {name} = "0.3 eV"')
                used.discard(name)  # once is enough
        for name in set() if table is None else _all_parameters() - own:
            if (value := getattr(table, name, None)) is not None:
                yield _idle(f"{face}.{name}", value, law.name)
    for name in sorted(_all_parameters() - used):
        if (value := getattr(electrodes, name, None)) is not None:
            yield _idle(name, value, " and ".join(dict.fromkeys(_law(electrodes, face).name for face in FACES)))


def _all_parameters() -> set[str]:
    return {name for law in LAWS.values() for name in _parameters(law)}


def _idle(key: str, value: object, law: str) -> Problem:
    return Problem(key, f"has no meaning with the kinetics {law}", getattr(value, "text", value), "Remove it")


def face_kinetics(electrodes: "Electrodes", face: str, of_card: Kinetics) -> Kinetics:
    """Kinetics of a face at temperature: those of the electrolyte's card, and what the case says of it."""
    exchange, law = stated(electrodes, face, "exchange_current_density"), _law(electrodes, face)
    return replace(
        of_card,
        exchange_current=of_card.exchange_current if exchange is None else float(exchange),
        film_resistance=float(stated(electrodes, face, "film_resistance")),
        contact_fraction=float(stated(electrodes, face, "contact_fraction")),
        spot_radius=float(stated(electrodes, face, "spot_radius")),
        law=law(**{name: float(stated(electrodes, face, name)) for name in _parameters(law)}),
    )


def current_problems(anode: Kinetics, counter: Kinetics, current: float) -> Iterator[Problem]:
    """Yield a problem for each face that cannot carry a current density [A/m2] at any overpotential."""
    for name, face in zip(FACES, (anode, counter), strict=True):
        if overpotential(face, current) == float("inf"):
            yield Problem(
                f"electrodes.{name}",
                f"the kinetics ({face.law.name}) carry no {u.show(current, u.CURRENT_DENSITY)} at any overpotential",
                None,
                "Lower the current, or raise reorganization_energy or the exchange current",
            )
