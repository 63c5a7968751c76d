"""Material cards: what measured numbers give at a temperature.

A card is a TOML file (`problems/ready/cards/` holds the ready ones; a user's own is given by path). Cards keep what
was published: a toughness K_Ic rather than a fracture energy, an area-specific resistance rather than an
exchange current. `ElectrolyteCard` and `LithiumCard` turn that into `lifrac.solver.parameters`.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lifrac.errors import InputError
from lifrac.problems.case.schema_tools import Problem, Problems, Strict, did_you_mean, refuse, validate
from lifrac.problems.quantities import units as u
from lifrac.solver.model.electrolyte import Electrolyte
from lifrac.solver.model.interface import Kinetics
from lifrac.solver.model.lithium import Creep
from lifrac.solver.physics.constants import FARADAY, GAS_CONSTANT
from pydantic import model_validator

from .card_files import CARDS, card_names, read_table
from .properties import ElectrolyteProperties, Entry, Law, LithiumProperties, Properties


class Card(Strict):
    """Keys of both kinds of card."""

    name: str
    """Name of the material."""
    formula: str
    """Composition."""
    description: str
    """The material that the numbers stand for."""

    @property
    def entries(self) -> dict[str, Entry[Any]]:
        """Stated properties by name."""
        return self.properties.entries()  # type: ignore[attr-defined,no-any-return]  # stated by both kinds

    def warnings(self, temperature: float, stresses: Mapping[str, float] | None = None) -> list[str]:
        """Return warnings of uses outside a stated range.

        Parameters
        ----------
        temperature : float
            Temperature of the case [K].
        stresses : mapping of str to float, optional
            Stresses that act [MPa], by what they are.
        """
        found = []
        for name, entry in self.entries.items():
            uses = [
                (entry.valid_temperature, u.TEMPERATURE, {"temperature of the case": temperature}),
                (entry.valid_stress, u.PRESSURE, stresses or {}),
            ]
            for valid, dimension, values in uses:
                outside = [
                    f"the {what} is {u.show(value, dimension)}"
                    for what, value in values.items()
                    if valid is not None and not valid[0] <= value <= valid[1]
                ]
                if valid is not None and outside:
                    found.append(
                        f"{self.name}: {name} was measured from {valid[0].text} to {valid[1].text}; "
                        f"{' and '.join(outside)}"
                    )
        return found


def _complete(properties: Properties, required: tuple[str, ...], either: tuple[tuple[str, str], ...]) -> None:
    """Refuse a card with missing, contradictory or unfinished entries."""
    present = properties.entries()
    found = [
        Problem(f"properties.{name}", "is required", remedy=f"Add a table [properties.{name}]")
        for name in required
        if name not in present
    ]
    for one, other in either:
        if (one in present) == (other in present):
            word = "both are given" if one in present else "one is required"
            found.append(Problem(f"properties.{one} / {other}", word, remedy=f"Give either {one} or {other}"))
    for name, entry in present.items():
        found.extend(entry.gaps(f"properties.{name}"))
    if found:
        raise Problems(found)


ALTERNATIVES = {
    "fracture_toughness": "fracture_energy",
    "fracture_energy": "fracture_toughness",
    "interface_resistance": "exchange_current_density",
    "exchange_current_density": "interface_resistance",
}
_SWAPPED_LAW: dict[str, Law] = {
    "interface_resistance": "arrhenius_resistance",
    "exchange_current_density": "arrhenius",
}


def _override(properties: Properties, other: Properties) -> dict[str, Entry[Any]]:
    """Entries of `properties` with those of `other` laid over them.

    An entry displaces its alternative (a fracture energy the toughness, an exchange current the interface
    resistance) and inherits the activation energy of what it displaces.
    """
    entries = properties.entries()
    for name, change in other.entries().items():
        displaced = entries.pop(ALTERNATIVES.get(name, ""), None)
        base = entries.get(name)
        if base is None and displaced is not None:
            law = _SWAPPED_LAW.get(name, "constant") if displaced.law not in (None, "constant") else "constant"
            base = displaced.model_copy(update={"value": None, "law": law, "valid_stress": None})
        entries[name] = (base or Entry[Any]()).overridden(change)
    return entries


class ElectrolyteCard(Card):
    """A solid electrolyte and its interface with lithium."""

    kind: Literal["electrolyte"]
    """`electrolyte`."""
    properties: ElectrolyteProperties
    """Measured numbers."""

    @model_validator(mode="after")
    def _check(self) -> "ElectrolyteCard":
        _complete(
            self.properties,
            ("conductivity", "youngs_modulus", "poisson_ratio"),
            (("fracture_toughness", "fracture_energy"), ("interface_resistance", "exchange_current_density")),
        )
        return self

    def fracture_energy(self, temperature: float) -> float:
        """Gc [J/m2] as stated, or K_Ic^2 (1 - nu^2)/E."""
        p = self.entries
        if "fracture_energy" in p:
            return p["fracture_energy"].at(temperature)
        toughness, nu = p["fracture_toughness"].at(temperature), p["poisson_ratio"].at(temperature)
        return toughness**2 * (1.0 - nu**2) / p["youngs_modulus"].at(temperature)

    def exchange_current(self, temperature: float) -> float:
        """i0 [A/m2] as stated, or RT/(F ASR)."""
        p = self.entries
        if "exchange_current_density" in p:
            return p["exchange_current_density"].at(temperature)
        return GAS_CONSTANT * temperature / (FARADAY * p["interface_resistance"].at(temperature))

    def evaluate(self, temperature: float) -> Electrolyte:
        """Return the electrolyte at `temperature` [K]."""
        p = self.entries
        return Electrolyte(
            conductivity=p["conductivity"].at(temperature),
            youngs_modulus=p["youngs_modulus"].at(temperature),
            poisson_ratio=p["poisson_ratio"].at(temperature),
            fracture_energy=self.fracture_energy(temperature),
        )

    def kinetics(
        self,
        temperature: float,
        *,
        molar_volume: float,
        film_resistance: float = 0.0,
        contact_fraction: float = 1.0,
        spot_radius: float = 0.0,
    ) -> Kinetics:
        """Kinetics of one lithium face at `temperature` [K].

        `molar_volume` [m3/mol], `film_resistance` [V m2/A], `spot_radius` [um].
        """
        entry = self.properties.transfer_coefficient
        alpha = entry.at(temperature) if entry else 0.5
        return Kinetics(
            exchange_current=self.exchange_current(temperature),
            temperature=temperature,
            alpha_a=alpha,
            alpha_c=1.0 - alpha,
            film_resistance=film_resistance,
            contact_fraction=contact_fraction,
            spot_radius=spot_radius,
            molar_volume=molar_volume,
        )


class LithiumCard(Card):
    """The metal of the electrodes, which also fills the flaw."""

    kind: Literal["metal"]
    """`metal`."""
    properties: LithiumProperties
    """Measured numbers."""

    @model_validator(mode="after")
    def _check(self) -> "LithiumCard":
        _complete(self.properties, ("creep_rate", "creep_exponent", "molar_volume", "melting_temperature"), ())
        present = self.properties.entries()
        if ("size_length" in present) != ("size_exponent" in present):
            raise Problems(
                [
                    Problem(
                        "properties.size_length / size_exponent",
                        "the size effect needs both",
                        remedy="Give size_length and size_exponent, or neither",
                    )
                ]
            )
        return self

    @cached_property
    def melting_temperature(self) -> float:
        """[K]."""
        return self.entries["melting_temperature"].at(298.15)

    def molar_volume(self, temperature: float) -> float:
        """[m3/mol]."""
        return self.entries["molar_volume"].at(temperature)

    def evaluate(self, temperature: float) -> Creep:
        """Flow of the metal at `temperature` [K]."""
        value = {name: entry.at(temperature) for name, entry in self.entries.items()}
        return Creep(
            prefactor=value["creep_rate"],
            exponent=value["creep_exponent"],
            linear_viscosity=value.get("linear_viscosity"),
            stress_cap=value.get("stress_cap"),
            size_length=value.get("size_length", 0.0),
            size_exponent=value.get("size_exponent", 0.0),
        )


AnyCard = ElectrolyteCard | LithiumCard


def override[C: (ElectrolyteCard, LithiumCard)](card: C, changes: Properties, file: object, key: str) -> C:
    """`card` with `changes` laid over its properties key by key.

    Raises
    ------
    InputError
        Two alternatives at once, or an entry that stays incomplete; keys are named `<key>.<property>`.
    """
    stated = changes.entries()
    both = [(a, b) for a, b in ALTERNATIVES.items() if a < b and a in stated and b in stated]
    refuse(
        [Problem(f"{key}.{a}", f"is given beside {key}.{b}", remedy="Give one of the two") for a, b in both],
        file,
    )
    if not stated:
        return card
    entries = _override(card.properties, changes)
    data = card.model_dump(exclude_none=True) | {
        "properties": {name: entry.model_dump(exclude_none=True) for name, entry in entries.items()}
    }
    return validate(type(card), data, file, key.rpartition(".")[0])


def load_card(name: str, folder: Path | None = None, *, file: object = None, key: str | None = None) -> AnyCard:
    """Return a ready card by name (any case), or a user's own by path (`.toml`), relative to `folder`.

    `file` and `key` say where the name stands, for the message.

    Raises
    ------
    InputError
        Unknown name (with the nearest known one), missing file, or a card that does not hold.
    """
    if name.endswith(".toml") or "/" in name:
        path = (folder or Path()) / Path(name).expanduser()
        if not path.is_file():
            raise InputError(
                "no such material card",
                file=file,
                key=key,
                value=name,
                remedy="Give the path of a card, or a name that `lifrac materials` lists",
            )
    else:
        known = {p.stem.lower(): p for p in CARDS.glob("*.toml")}
        if name.lower() not in known:
            near = did_you_mean(name, known)
            hint = f'Did you mean "{known[near].stem}"?' if near else f"Known: {', '.join(card_names())}"
            raise InputError("unknown material", file=file, key=key, value=name, remedy=hint)
        path = known[name.lower()]
    data = read_table(path)
    kinds: dict[object, type[AnyCard]] = {"electrolyte": ElectrolyteCard, "metal": LithiumCard}
    model = kinds.get(data.get("kind"))
    if model is None:
        raise InputError(
            "must be electrolyte or metal",
            file=path,
            key="kind",
            value=data.get("kind"),
            remedy='Write kind = "electrolyte" or kind = "metal"',
        )
    return validate(model, data, path)
