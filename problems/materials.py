"""Material cards: measured numbers with unit, temperature law, source and range, and what they give at a temperature.

A card is a TOML file (`problems/cards/` holds the ready ones; a user's own is given by path). Cards keep what was
published: a toughness K_Ic rather than a fracture energy, an area-specific resistance rather than an exchange current.
`ElectrolyteCard` and `LithiumCard` turn that into `lifrac.solver.parameters` at one temperature.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import exp
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, get_args

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from lifrac.meshes.errors import InputError
from lifrac.solver import parameters
from lifrac.solver.constants import FARADAY, GAS_CONSTANT

from . import units as u
from .card_files import CARDS, card_names, read_table
from .schema_tools import Problem, Problems, Strict, did_you_mean, refuse, validate

Law = Literal["constant", "arrhenius", "arrhenius_conductivity", "arrhenius_resistance"]
Confidence = Literal["checked", "high", "medium", "low", "user"]
Q = TypeVar("Q")


def activation(temperature: float, reference: float, energy: float) -> float:
    """exp[-Ea/R (1/T - 1/T0)], `energy` in J/mol, temperatures in K."""
    return exp(-energy / GAS_CONSTANT * (1.0 / temperature - 1.0 / reference))


def _dimension(annotation: Any) -> u.Dimension | None:
    """The `Dimension` inside an annotation such as `Annotated[Quantity, LENGTH] | None`."""
    if isinstance(annotation, u.Dimension):
        return annotation
    inner = (*get_args(annotation), *getattr(annotation, "__metadata__", ()))
    return next((found for part in inner if (found := _dimension(part)) is not None), None)


class Entry(Strict, Generic[Q]):
    """One property of a card, or what a case overrides of it."""

    value: Q | None = None
    """The measured value, with unit, at the reference temperature."""
    law: Law | None = None
    """Dependence on temperature: `constant`, `arrhenius` (rates and currents), `arrhenius_conductivity` (kappa T follows
    Arrhenius), `arrhenius_resistance` (falls with temperature)."""
    activation_energy: u.ActivationEnergy | None = None
    """Activation energy of an Arrhenius law, per particle (eV) or per mole (kJ/mol)."""
    reference_temperature: u.Temperature | None = None
    """Temperature at which `value` holds."""
    source: str | None = None
    """Publication the number comes from."""
    confidence: Confidence | None = None
    """`checked` against the source, or quoted from the literature with `high`, `medium` or `low` confidence; `user`."""
    valid_temperature: tuple[u.Temperature, u.Temperature] | None = None
    """Range of temperature in which the law was measured."""
    valid_stress: tuple[u.Pressure, u.Pressure] | None = None
    """Range of stress in which the law was measured."""
    note: str | None = None
    """Anything a user of the number should know."""

    @model_validator(mode="before")
    @classmethod
    def _bare_value(cls, data: Any) -> Any:
        """A value alone stands for `{ value = ... }`."""
        return data if isinstance(data, Mapping | Entry) else {"value": data}

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """A short name for the JSON Schema: the dimension, with its range where it is a plain number."""
        dimension = _dimension(params[0])
        if dimension is None:
            return "Entry"
        bounds = [f"{key}{value:g}" for key in ("gt", "ge", "lt", "le") if (value := getattr(dimension, key)) is not None]
        return "_".join([dimension.name.replace(" ", "_"), *([] if dimension.unit else bounds)])

    @property
    def dimension(self) -> u.Dimension:
        """What kind of quantity `value` is."""
        found = _dimension(type(self).model_fields["value"].annotation)
        assert found is not None, "entries of a card are parametrised"
        return found

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """In a file an entry is a table, or its bare value."""
        schema = dict(handler.resolve_ref_schema(handler(core)))
        return {"anyOf": [schema["properties"]["value"], schema]}

    def at(self, temperature: float) -> float:
        """The value at `temperature` [K], in internal units."""
        value = float(self.value)  # type: ignore[arg-type]  # cards are checked to be complete
        if self.law in (None, "constant"):
            return value
        reference = float(self.reference_temperature or 0.0)
        factor = activation(temperature, reference, float(self.activation_energy or 0.0))
        if self.law == "arrhenius_conductivity":
            return value * factor * reference / temperature
        return value / factor if self.law == "arrhenius_resistance" else value * factor

    def overridden(self, other: "Entry[Any]") -> "Entry[Any]":
        """This entry with what `other` states; the temperature law stays unless `other` states one."""
        changes = {name: getattr(other, name) for name in other.model_fields_set}
        if changes.get("law") == "constant":
            changes |= {"activation_energy": None, "reference_temperature": None}
        if "value" in changes or "law" in changes or "activation_energy" in changes:
            changes = {"source": "stated in the case file", "confidence": "user", "note": None} | changes
        return self.model_copy(update=changes)

    def gaps(self, key: str) -> Iterator[Problem]:
        """What this entry lacks to be used."""
        for name in ("value", "source", "confidence"):
            if getattr(self, name) is None:
                yield Problem(f"{key}.{name}", "is required", remedy=f"Add {name} to {key}")
        arrhenius = self.law not in (None, "constant")
        for name in ("activation_energy", "reference_temperature"):
            if arrhenius and getattr(self, name) is None:
                yield Problem(f"{key}.{name}", f'is required by law "{self.law}"', remedy=f"Add {name} to {key}")
            elif not arrhenius and getattr(self, name) is not None:
                yield Problem(f"{key}.{name}", "has no meaning for a constant",
                              remedy=f'Remove it, or write law = "arrhenius" in {key}')
        resistance = key.endswith("resistance")
        if arrhenius and resistance != (self.law == "arrhenius_resistance"):
            yield Problem(f"{key}.law", "does not suit this quantity", self.law,
                          "Resistances take arrhenius_resistance, everything else does not")


class Properties(Strict):
    """The properties of a card, or the part of them that a case overrides."""

    def entries(self) -> dict[str, Entry[Any]]:
        """Stated entries by name."""
        return {name: entry for name in type(self).model_fields if (entry := getattr(self, name)) is not None}


class ElectrolyteProperties(Properties):
    """Properties of a solid electrolyte and of its interface with lithium."""

    conductivity: Entry[u.Conductivity] | None = None
    """Ionic conductivity kappa."""
    youngs_modulus: Entry[u.PositivePressure] | None = None
    """Young's modulus E."""
    poisson_ratio: Entry[u.PoissonRatio] | None = None
    """Poisson ratio nu."""
    fracture_toughness: Entry[u.Toughness] | None = None
    """Fracture toughness K_Ic; gives the fracture energy Gc = K_Ic^2 (1 - nu^2)/E."""
    fracture_energy: Entry[u.FractureEnergy] | None = None
    """Fracture energy Gc, instead of the toughness."""
    interface_resistance: Entry[u.AreaResistance] | None = None
    """Area-specific charge-transfer resistance ASR against lithium; gives i0 = RT/(F ASR)."""
    exchange_current_density: Entry[u.PositiveCurrentDensity] | None = None
    """Exchange current density i0 against lithium, instead of the resistance."""
    transfer_coefficient: Entry[u.TransferCoefficient] | None = None
    """Charge-transfer coefficient of plating, alpha; stripping has 1 - alpha. Default 0.5."""
    electronic_conductivity: Entry[u.Conductivity] | None = None
    """Electronic conductivity (for information)."""
    strength: Entry[u.PositivePressure] | None = None
    """Tensile or bending strength (for information)."""
    density: Entry[u.Density] | None = None
    """Mass density (for information)."""
    thermal_expansion: Entry[u.Expansion] | None = None
    """Linear thermal expansion (for information)."""
    reduction_limit: Entry[u.Voltage] | None = None
    """Lower end of the stability window against Li/Li+ (for information)."""
    oxidation_limit: Entry[u.Voltage] | None = None
    """Upper end of the stability window against Li/Li+ (for information)."""


class LithiumProperties(Properties):
    """Properties of the metal; the last four are mechanisms that are off unless stated."""

    creep_rate: Entry[u.Rate] | None = None
    """Steady uniaxial creep rate at a stress of 1 MPa: the prefactor A of A (sigma/1 MPa)^n."""
    creep_exponent: Entry[u.Exponent] | None = None
    """Stress exponent n of the creep law."""
    molar_volume: Entry[u.MolarVolume] | None = None
    """Molar volume of the metal."""
    youngs_modulus: Entry[u.PositivePressure] | None = None
    """Young's modulus."""
    poisson_ratio: Entry[u.PoissonRatio] | None = None
    """Poisson ratio."""
    melting_temperature: Entry[u.Temperature] | None = None
    """Melting temperature; the model holds below."""
    yield_strength: Entry[u.PositivePressure] | None = None
    """Yield strength of bulk metal (for information)."""
    density: Entry[u.Density] | None = None
    """Mass density (for information)."""
    thermal_expansion: Entry[u.Expansion] | None = None
    """Linear thermal expansion (for information)."""
    linear_viscosity: Entry[u.Viscosity] | None = None
    """Viscosity eta_1 of a linear (diffusional) mechanism in parallel with creep. Off unless stated."""
    stress_cap: Entry[u.PositivePressure] | None = None
    """Wall shear stress above which the creep rate grows only linearly. Off unless stated."""
    size_length: Entry[u.PositiveLength] | None = None
    """Length w_c of the size effect: the creep rate is divided by (1 + w_c/w)^k. Off unless stated."""
    size_exponent: Entry[u.SizeExponent] | None = None
    """Exponent k of the size effect."""


class Card(Strict):
    """What both kinds of card share."""

    name: str
    """Name of the material."""
    formula: str
    """Composition."""
    description: str
    """What the numbers stand for."""

    @property
    def entries(self) -> dict[str, Entry[Any]]:
        """Stated properties by name."""
        return self.properties.entries()  # type: ignore[attr-defined,no-any-return]  # stated by both kinds

    def warnings(self, temperature: float, stresses: Mapping[str, float] | None = None) -> list[str]:
        """Uses outside a stated range: `temperature` [K], and `stresses` {what: MPa}."""
        found = []
        for name, entry in self.entries.items():
            low, high = entry.valid_temperature or (0.0, float("inf"))
            if not low <= temperature <= high:
                found.append(f"{self.name}: {name} was measured from {low.text} to {high.text}; "  # type: ignore[union-attr]
                             f"the case is at {u.show(temperature, u.TEMPERATURE)}")
            low, high = entry.valid_stress or (0.0, float("inf"))
            for what, stress in (stresses or {}).items():
                if entry.valid_stress and not low <= stress <= high:
                    found.append(f"{self.name}: {name} was measured from {low.text} to {high.text}; "  # type: ignore[union-attr]
                                 f"the {what} is {stress:.3g} MPa")
        return found


def _complete(properties: Properties, required: tuple[str, ...], either: tuple[tuple[str, str], ...]) -> None:
    """Refuse a card with missing, contradictory or unfinished entries."""
    present = properties.entries()
    found = [Problem(f"properties.{name}", "is required", remedy=f"Add a table [properties.{name}]")
             for name in required if name not in present]
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
_SWAPPED_LAW: dict[str, Law] = {"interface_resistance": "arrhenius_resistance", "exchange_current_density": "arrhenius"}


def _override(properties: Properties, other: Properties) -> dict[str, Entry[Any]]:
    """Entries of `properties` with those of `other` laid over them.

    An entry displaces its alternative (a fracture energy the toughness, an exchange current the interface resistance)
    and inherits the activation energy of what it displaces.
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

    def evaluate(self, temperature: float) -> parameters.Electrolyte:
        """The electrolyte at `temperature` [K]."""
        p = self.entries
        return parameters.Electrolyte(
            conductivity=p["conductivity"].at(temperature),
            youngs_modulus=p["youngs_modulus"].at(temperature),
            poisson_ratio=p["poisson_ratio"].at(temperature),
            fracture_energy=self.fracture_energy(temperature),
        )

    def kinetics(
        self, temperature: float, *, molar_volume: float, film_resistance: float = 0.0, contact_fraction: float = 1.0
    ) -> parameters.Kinetics:
        """Kinetics of one lithium face at `temperature` [K].

        `molar_volume` [m3/mol], `film_resistance` [V m2/A].
        """
        entry = self.properties.transfer_coefficient
        alpha = entry.at(temperature) if entry else 0.5
        return parameters.Kinetics(
            exchange_current=self.exchange_current(temperature),
            temperature=temperature,
            alpha_a=alpha,
            alpha_c=1.0 - alpha,
            film_resistance=film_resistance,
            contact_fraction=contact_fraction,
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
            raise Problems([Problem("properties.size_length / size_exponent", "the size effect needs both",
                                    remedy="Give size_length and size_exponent, or neither")])
        return self

    @cached_property
    def melting_temperature(self) -> float:
        """[K]."""
        return self.entries["melting_temperature"].at(298.15)

    def molar_volume(self, temperature: float) -> float:
        """[m3/mol]."""
        return self.entries["molar_volume"].at(temperature)

    def evaluate(self, temperature: float) -> parameters.Creep:
        """Flow of the metal at `temperature` [K]."""
        value = {name: entry.at(temperature) for name, entry in self.entries.items()}
        return parameters.Creep(
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
    refuse([Problem(f"{key}.{a}", f"is given beside {key}.{b}", remedy="Give one of the two") for a, b in both], file)
    if not stated:
        return card
    entries = _override(card.properties, changes)
    data = card.model_dump(exclude_none=True) | {
        "properties": {name: entry.model_dump(exclude_none=True) for name, entry in entries.items()}
    }
    return validate(type(card), data, file, key.rpartition(".")[0])


def load_card(name: str, folder: Path | None = None, *, file: object = None, key: str | None = None) -> AnyCard:
    """A ready card by name (any case), or a user's own by path (`.toml`), relative to `folder`.

    `file` and `key` say where the name stands, for the message.

    Raises
    ------
    InputError
        Unknown name (with the nearest known one), missing file, or a card that does not hold.
    """
    if name.endswith(".toml") or "/" in name:
        path = (folder or Path()) / Path(name).expanduser()
        if not path.is_file():
            raise InputError("no such material card", file=file, key=key, value=name,
                             remedy="Give the path of a card, or a name that `lifrac materials` lists")
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
        raise InputError("must be electrolyte or metal", file=path, key="kind", value=data.get("kind"),
                         remedy='Write kind = "electrolyte" or kind = "metal"')
    return validate(model, data, path)
