"""Entries of a material card: a measured value with unit, temperature law, source, confidence and range."""

from collections.abc import Iterator, Mapping
from math import exp
from typing import Any, Literal

from lifrac.problems.case.schema_tools import Problem, Strict
from lifrac.problems.quantities import units as u
from lifrac.solver.physics.constants import GAS_CONSTANT
from pydantic import GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

Law = Literal["constant", "arrhenius", "arrhenius_conductivity", "arrhenius_resistance"]
Confidence = Literal["checked", "high", "medium", "low", "user"]


def activation(temperature: float, reference: float, energy: float) -> float:
    """exp[-Ea/R (1/T - 1/T0)], `energy` in J/mol, temperatures in K."""
    return exp(-energy / GAS_CONSTANT * (1.0 / temperature - 1.0 / reference))


class Entry[Q](Strict):
    """One property of a card, or what a case overrides of it."""

    value: Q | None = None
    """The measured value, with unit, at the reference temperature."""
    law: Law | None = None
    """Dependence on temperature: `constant`, `arrhenius` (rates and currents), `arrhenius_conductivity`
    (kappa T follows Arrhenius), `arrhenius_resistance` (falls with temperature)."""
    activation_energy: u.ActivationEnergy | None = None
    """Activation energy of an Arrhenius law, per particle (eV) or per mole (kJ/mol)."""
    reference_temperature: u.Temperature | None = None
    """Temperature at which `value` holds."""
    source: str | None = None
    """Publication the number comes from."""
    confidence: Confidence | None = None
    """`checked` against the source; quoted with `high`, `medium` or `low` confidence; or `user`."""
    valid_temperature: tuple[u.Temperature, u.Temperature] | None = None
    """Range of temperature in which the law was measured."""
    valid_stress: tuple[u.Pressure, u.Pressure] | None = None
    """Range of stress in which the law was measured."""
    note: str | None = None
    """Anything a user of the number should know."""

    @model_validator(mode="before")
    @classmethod
    def _bare_value(cls, data: object) -> object:
        """Take a value alone for `{ value = ... }`."""
        return data if isinstance(data, Mapping | Entry) else {"value": data}

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Return a short name for the JSON Schema: the dimension, with its range where it is a plain number."""
        dimension = u.find_dimension(params[0])
        if dimension is None:
            return "Entry"
        bounds = [
            f"{key}{value:g}" for key in ("gt", "ge", "lt", "le") if (value := getattr(dimension, key)) is not None
        ]
        return "_".join([dimension.name.replace(" ", "_"), *([] if dimension.unit else bounds)])

    @property
    def dimension(self) -> u.Dimension:
        """The kind of quantity of `value`."""
        found = u.find_dimension(type(self).model_fields["value"].annotation)
        assert found is not None, "entries of a card are parametrised"
        return found

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe an entry as files state it: a table, or its bare value."""
        schema = dict(handler.resolve_ref_schema(handler(core)))
        return {"anyOf": [schema["properties"]["value"], schema]}

    @property
    def value_text(self) -> str:
        """The value as it was written."""
        return str(getattr(self.value, "text", self.value))

    @property
    def law_text(self) -> str:
        """The temperature law in words."""
        if self.activation_energy is None or self.reference_temperature is None:
            return "constant"
        return f"{self.law}, {self.activation_energy.text}, at {self.reference_temperature.text}"

    @property
    def source_text(self) -> str:
        """Source, ranges and note."""
        ranges = [r for r in (self.valid_temperature, self.valid_stress) if r is not None]
        parts = [f"{self.source}.", *(f"Measured {low.text} to {high.text}." for low, high in ranges)]
        return " ".join([*parts, self.note] if self.note else parts)

    def at(self, temperature: float) -> float:
        """Return the value at `temperature` [K], in internal units."""
        value = float(self.value)  # type: ignore[arg-type]  # cards are checked to be complete
        if self.law in (None, "constant"):
            return value
        reference = float(self.reference_temperature or 0.0)
        factor = activation(temperature, reference, float(self.activation_energy or 0.0))
        if self.law == "arrhenius_conductivity":
            return value * (factor * (reference / temperature))
        return value / factor if self.law == "arrhenius_resistance" else value * factor

    def overridden(self, other: "Entry[Any]") -> "Entry[Any]":
        """Return the entry with what `other` states; the temperature law stays unless `other` states one."""
        changes = {name: getattr(other, name) for name in other.model_fields_set}
        if changes.get("law") == "constant":
            changes |= {"activation_energy": None, "reference_temperature": None}
        if "value" in changes or "law" in changes or "activation_energy" in changes:
            changes = {"source": "stated in the case file", "confidence": "user", "note": None} | changes
        return self.model_copy(update=changes)

    def gaps(self, key: str) -> Iterator[Problem]:
        """Yield what this entry lacks to be used."""
        for name in ("value", "source", "confidence"):
            if getattr(self, name) is None:
                yield Problem(f"{key}.{name}", "is required", remedy=f"Add {name} to {key}")
        arrhenius = self.law not in (None, "constant")
        for name in ("activation_energy", "reference_temperature"):
            if arrhenius and getattr(self, name) is None:
                yield Problem(f"{key}.{name}", f'is required by law "{self.law}"', remedy=f"Add {name} to {key}")
            elif not arrhenius and getattr(self, name) is not None:
                yield Problem(
                    f"{key}.{name}",
                    "has no meaning for a constant",
                    remedy=f'Remove it, or write law = "arrhenius" in {key}',
                )
        resistance = key.endswith("resistance")
        if arrhenius and resistance != (self.law == "arrhenius_resistance"):
            yield Problem(
                f"{key}.law",
                "does not suit this quantity",
                self.law,
                "Resistances take arrhenius_resistance, everything else does not",
            )


# Entries of a kind inherit the descriptions of `Entry`: to look for them once more in the sources takes pydantic
# a third of a second.
Entry.model_config["use_attribute_docstrings"] = False


class Properties(Strict):
    """The properties of a card, or the part of them that a case overrides."""

    def entries(self) -> dict[str, Entry[Any]]:
        """Stated entries by name."""
        return {name: entry for name in type(self).model_fields if (entry := getattr(self, name)) is not None}


class ElectrolyteProperties(Properties):
    """Properties of a solid electrolyte and of its interface with lithium."""

    conductivity: Entry[u.IonicConductivity] | None = None
    """Ionic conductivity kappa."""
    youngs_modulus: Entry[u.Modulus] | None = None
    """Young's modulus E."""
    poisson_ratio: Entry[u.PoissonRatio] | None = None
    """Poisson ratio nu."""
    fracture_toughness: Entry[u.Toughness] | None = None
    """Fracture toughness K_Ic; gives the fracture energy Gc = K_Ic^2 (1 - nu^2)/E."""
    fracture_energy: Entry[u.FractureEnergy] | None = None
    """Fracture energy Gc, instead of the toughness."""
    interface_resistance: Entry[u.AreaResistance] | None = None
    """Area-specific charge-transfer resistance ASR against lithium, at full contact; gives i0 = RT/(F ASR)."""
    interface_resistance_pressure: Entry[u.PositivePressure] | None = None
    """Stack pressure at which the resistance was measured, heeded with a contact law. Default: full contact."""
    exchange_current_density: Entry[u.ExchangeCurrent] | None = None
    """Exchange current density i0 against lithium, instead of the resistance."""
    transfer_coefficient: Entry[u.TransferCoefficient] | None = None
    """Charge-transfer coefficient of plating, alpha; stripping has 1 - alpha. Default 0.5."""
    critical_stripping_current: Entry[u.PositiveCurrentDensity] | None = None
    """Largest current density that can be stripped for good at `critical_stripping_pressure`."""
    critical_stripping_pressure: Entry[u.PositivePressure] | None = None
    """Stack pressure at which the critical stripping current was measured. Default 1 MPa."""
    contact_pressure_exponent: Entry[u.SizeExponent] | None = None
    """Exponent of the stack pressure in the critical stripping current."""
    void_height: Entry[u.PositiveLength] | None = None
    """Thickness of metal whose removal opens the whole face."""
    full_contact_pressure: Entry[u.PositivePressure] | None = None
    """Pressure that presses a lithium face whole."""
    static_contact_exponent: Entry[u.SizeExponent] | None = None
    """Exponent of the pressure in the static contact below that."""
    static_contact_retention: Entry[u.Fraction01] | None = None
    """Share of the static contact gained at the largest pressure of the past that stays."""
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
    youngs_modulus: Entry[u.Modulus] | None = None
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
