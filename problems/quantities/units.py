"""Quantity strings with units: the only place where units are converted (and the only one that knows pint).

A user writes `"20 um"`, `"2 mA/cm^2"` or `"60 degC"`; the code behind the case file sees floats in the
closed set um, s, MPa, V, A/m2, K (docs/architecture.md). Conversions are exact (rational) and rounded once,
so that the same text always gives the same float, and `"20 nm"` is exactly 0.02.
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, get_args

from lifrac.solver.physics.constants import AMPERE_PER_M2_PER_MA_PER_CM2, COULOMB_PER_M2_PER_MAH_PER_CM2
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    import pint

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(.*?)\s*", re.DOTALL)
_COMMA = re.compile(r"\s*([+-]?\d+),(\d+(?:[eE][+-]?\d{1,3})?.*)", re.DOTALL)
"""A number with a decimal comma."""
_LONGEST = 80
_AVOGADRO = Fraction("6.02214076e23")
"""Avogadro constant [1/mol] (CODATA 2018, exact)."""


class QuantityError(ValueError):
    """A value that is no quantity of the wanted kind; `message` says why and `remedy` what to write."""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)


class Quantity(float):
    """A float in internal units that remembers the text it came from."""

    text: str
    doubt: str
    """Why it can hardly be meant; empty for most."""

    def __new__(cls, value: float, text: str, doubt: str = "") -> "Quantity":
        """Make a quantity from a value in internal units and the text it was stated as."""
        self = super().__new__(cls, value)
        self.text, self.doubt = text, doubt
        return self

    def __getnewargs__(self) -> tuple[float, str, str]:  # type: ignore[override]  # float's takes no text
        return float(self), self.text, self.doubt


@lru_cache(maxsize=1)
def _registry() -> "pint.UnitRegistry":
    """Return the one unit registry, in exact rational arithmetic; made when first needed (half a second)."""
    import pint

    return pint.UnitRegistry(non_int_type=Fraction)


def _tidy(unit: str) -> str:
    """Bring usual spellings (`cm2`, `Ohm`, `sqrt(m)`, `m^(1/2)`) into the form pint reads."""
    unit = unit.replace("·", "*").replace("⋅", "*").replace("Ohm", "ohm").replace("½", "0.5")
    unit = re.sub(r"sqrt\(\s*(\w+)\s*\)", r"\1^0.5", unit)
    unit = re.sub(r"(\^|\*\*)\s*(\(\s*1\s*/\s*2\s*\)|1/2)", "^0.5", unit)
    return re.sub(r"(?<=[A-Za-z\u00b5\u03bc\u03a9])(-?\d+(?:\.\d+)?)", r"^\1", unit)


@lru_cache(maxsize=512)
def _convert(number: str, unit: str, target: str) -> Fraction:
    """Convert `number` `unit` to `target` units, exactly; raise pint's errors."""
    ureg = _registry()
    magnitude = ureg.Quantity(Fraction(number), ureg.parse_units(unit)).to(target).magnitude
    return Fraction(magnitude)


@dataclass(frozen=True)
class Dimension:
    """The kind of quantity that a key holds: internal unit and ranges. Used as pydantic annotation of `Quantity`.

    Bounds are in the internal unit; `gt`/`lt` exclude the bound, `ge`/`le` include it: beyond them nothing is computed.
    Magnitudes outside `likely` can hardly be meant: they are computed with a warning. Zero is no slip.
    """

    name: str
    unit: str
    """Internal unit; empty for plain numbers."""
    usual: str
    """Unit offered to a user who wrote a bare number."""
    example: str
    per_mole: bool = False
    """An energy per particle is accepted too, and multiplied by the Avogadro constant."""
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    likely: tuple[float, float] | None = None
    """Range of magnitudes that can be meant [internal unit]."""
    slips: tuple[str, ...] = ()
    """Units that are taken for each other, the most usual first: one of them may have been meant."""

    def within(self, **changes: Any) -> "Dimension":
        """Return the same dimension with other bounds `gt`, `ge`, `lt`, `le`, `likely` [internal unit] or `example`."""
        for one, other in (("gt", "ge"), ("lt", "le")):  # there is one bound at each end
            if one in changes or other in changes:
                changes = {one: None, other: None} | changes
        return replace(self, **changes)

    def __call__(self, value: object) -> Quantity:
        """Turn what stands in a file into a quantity in internal units.

        Raises
        ------
        QuantityError
            No number, no unit, an unknown unit, a wrong dimension, nan or infinity, or out of range.
        """
        if isinstance(value, Quantity):
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise QuantityError(f"a {self.name} is wanted here", self._remedy())
        quantity = self._from_number(value) if not isinstance(value, str) else self._from_text(value)
        self._check_range(quantity)
        return Quantity(float(quantity), quantity.text, self._doubt(quantity))

    def _doubt(self, quantity: Quantity) -> str:
        """Why a value within its bounds can hardly be meant."""
        if self._is_likely(quantity) or self.likely is None:
            return ""
        low, high = (show(bound, self) for bound in self.likely)
        return f"a {self.name} is {low} to {high} as a rule. {self._meant(quantity.text) or 'Check value and unit'}"

    def _is_likely(self, value: float) -> bool:
        return self.likely is None or value == 0.0 or self.likely[0] <= abs(value) <= self.likely[1]

    def _meant(self, text: str) -> str:
        """Return a guess at the unit that was meant: the first with which the number can be; empty without one."""
        match = _NUMBER.fullmatch(text)
        if match is None or self.likely is None:
            return ""
        number, unit = match.groups()
        for other in self.slips:
            if other == unit or not self._is_likely(value := self._try(number, other)) or not self.allows(value):
                continue
            return f'Did you mean "{number} {other}"?'
        return ""

    def _try(self, number: str, unit: str) -> float:
        try:
            return float(self._convert(number, unit))
        except (QuantityError, OverflowError):
            return float("inf")

    def allows(self, value: float) -> bool:
        """Whether a value [internal unit] is within the bounds."""
        try:
            self._check_bounds(value, "")
        except QuantityError:
            return False
        return True

    def internal(self, value: float) -> Quantity:
        """Return a computed value in internal units, with a text that reads back to the same float."""
        return Quantity(value, f"{float(value)!r} {self.unit}".strip())

    def _remedy(self) -> str:
        return f'Write for example "{self.example}"' if self.unit else "Write a plain number"

    def _from_number(self, value: float) -> Quantity:
        if not isfinite(value):
            raise QuantityError("must be a finite number", self._remedy())
        if self.unit:
            raise QuantityError("a bare number has no unit", f'Write "{value} {self.usual}"')
        return Quantity(float(value), repr(value))

    def _from_text(self, text: str) -> Quantity:
        text = text.replace("\u2212", "-")  # the typographic minus
        match = _NUMBER.fullmatch(text)
        if comma := _COMMA.fullmatch(text):
            remedy = f"{comma.group(1)}.{comma.group(2).strip()}"
            raise QuantityError("has a decimal comma", f'Write "{remedy}"' if self.unit else f"Write {remedy}")
        if match is None or len(text) > _LONGEST:
            raise QuantityError("not a finite number with a unit", self._remedy())
        number, unit = match.groups()
        if self.unit and not unit:
            raise QuantityError("a bare number has no unit", f'Write "{number} {self.usual}"')
        try:
            return Quantity(float(self._convert(number, unit)), text.strip())
        except OverflowError:
            raise QuantityError("not a finite number", self._remedy()) from None

    def _convert(self, number: str, unit: str) -> Fraction:
        if not self.unit:
            if unit not in ("", "%"):
                raise QuantityError(f'a plain number has no unit "{unit}"', f"Write {number}")
            return Fraction(number) / (100 if unit == "%" else 1)
        import pint

        try:
            if self.per_mole and "mol" not in unit:
                return _convert(number, _tidy(unit), "J") * _AVOGADRO
            return _convert(number, _tidy(unit), self.unit)
        except pint.DimensionalityError:
            raise QuantityError(f'"{unit}" is not a unit of {self.name}', self._remedy()) from None
        except Exception:  # pint's parser raises many kinds on nonsense; all mean the same to a user
            raise QuantityError(f'unit "{unit}" is not understood', self._remedy()) from None

    def _check_range(self, value: Quantity) -> None:
        self._check_bounds(value, self._meant(value.text) or self._remedy())

    def _check_bounds(self, value: float, remedy: str) -> None:
        for bound, fails, words in (
            (self.gt, lambda b: value <= b, "above"),
            (self.ge, lambda b: value < b, "at least"),
            (self.lt, lambda b: value >= b, "below"),
            (self.le, lambda b: value > b, "at most"),
        ):
            if bound is not None and fails(bound):
                raise QuantityError(f"must be {words} {self._shown(bound)}", remedy)

    def _shown(self, bound: float) -> str:
        """Return a bound as a text in the usual unit; temperatures and zero stay as they are."""
        return f"{bound:g} {self.unit}".rstrip() if self.usual in ("", "degC") or not bound else show(bound, self)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate by `__call__`; serialise to the remembered text (plain numbers stay numbers)."""
        return core_schema.no_info_plain_validator_function(
            self.__call__,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda q: q.text if self.unit else float(q)),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe a string with number and unit, or a number for a dimensionless key, with its range."""
        if self.unit:
            return {
                "type": "string",
                "pattern": r"^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*\S.*$",
                "examples": [self.example],
                "x-dimension": self.name,
                **self._bounds("x-internal-"),
            }
        return {"type": "number", "examples": [float(self.example)], **self._bounds("")}

    def _bounds(self, prefix: str) -> dict[str, float]:
        names = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
        return {prefix + word: getattr(self, key) for key, word in names.items() if getattr(self, key) is not None}


# Dimensions with the ranges that hold for every key of theirs, internal units; keys narrow them below. Bounds are where
# physics or arithmetic ends, `likely` what cells of this field have (with a margin of ten or more).
LENGTH = Dimension("length", "um", "um", "20 um", slips=("um", "nm", "mm", "cm", "m"))
TIME = Dimension("time", "s", "h", "1 h", le=1.0e11, likely=(1.0e-3, 1.0e9), slips=("h", "min", "s", "ms"))
PRESSURE = Dimension("pressure", "MPa", "MPa", "5 MPa", ge=-1.0e7, le=1.0e7, slips=("MPa", "GPa", "kPa", "Pa"))
TEMPERATURE = Dimension(
    "temperature", "K", "degC", "60 degC", ge=100.0, le=1.0e4, likely=(100.0, 2500.0), slips=("degC", "K")
)
CURRENT_DENSITY = Dimension(  # up to 100 A/cm2
    "current density",
    "A/m^2",
    "mA/cm^2",
    "2 mA/cm^2",
    ge=-1.0e6,
    le=1.0e6,
    likely=(1.0e-3, 5.0e3),
    slips=("mA/cm^2", "A/m^2", "uA/cm^2", "A/cm^2"),
)
AREAL_CAPACITY = Dimension(
    "areal capacity",
    "C/m^2",
    "mAh/cm^2",
    "0.5 mAh/cm^2",
    ge=0.0,
    le=3.6e9,
    likely=(3.6e-2, 3.6e6),
    slips=("mAh/cm^2", "uAh/cm^2", "Ah/m^2", "C/m^2"),
)
CONDUCTIVITY = Dimension(  # 1e-30 S/m to that of metals
    "conductivity", "A*um/(V*m^2)", "mS/cm", "0.5 mS/cm", ge=1.0e-24, le=1.0e14, slips=("mS/cm", "S/cm", "S/m", "uS/cm")
)
AREA_RESISTANCE = Dimension(
    "area-specific resistance",
    "V*m^2/A",
    "ohm*cm^2",
    "5 ohm*cm^2",
    ge=0.0,
    le=1.0e6,
    likely=(1.0e-7, 2.0),
    slips=("ohm*cm^2", "mohm*cm^2", "ohm*m^2", "kohm*cm^2"),
)
FRACTURE_ENERGY = Dimension(
    "fracture energy",
    "MPa*um",
    "J/m^2",
    "6 J/m^2",
    ge=1.0e-6,
    le=1.0e6,
    likely=(0.05, 2.0e3),
    slips=("J/m^2", "kJ/m^2", "mJ/m^2"),
)
TOUGHNESS = Dimension(
    "fracture toughness",
    "MPa*um^0.5",
    "MPa*m^0.5",
    "1 MPa*m^0.5",
    ge=1.0e-3,
    le=1.0e7,
    likely=(20.0, 2.0e4),
    slips=("MPa*m^0.5", "kPa*m^0.5", "Pa*m^0.5", "MPa*mm^0.5"),
)
VISCOSITY = Dimension(
    "viscosity", "MPa*s", "MPa*s", "1e4 MPa*s", ge=1.0e-12, le=1.0e20, slips=("MPa*s", "GPa*s", "Pa*s")
)
INTERFACE_VISCOSITY = Dimension(
    "viscous traction per opening rate", "MPa*s/um", "MPa*s/um", "1 MPa*s/um", ge=0.0, le=1.0e12
)
VOLTAGE = Dimension("voltage", "V", "V", "0.5 V", ge=-1.0e4, le=1.0e4, likely=(1.0e-4, 50.0), slips=("V", "mV"))
ACTIVATION_ENERGY = Dimension(  # 1 meV to 5 eV a particle
    "activation energy",
    "J/mol",
    "eV",
    "0.34 eV",
    per_mole=True,
    ge=96.4,
    le=4.83e5,
    likely=(4.8e3, 2.0e5),
    slips=("eV", "kJ/mol", "meV", "kcal/mol", "J/mol"),
)
RATE = Dimension("rate", "1/s", "1/s", "7.7e-3 1/s", ge=1.0e-100, le=1.0e30)
MOLAR_VOLUME = Dimension(
    "molar volume",
    "m^3/mol",
    "cm^3/mol",
    "13.0 cm^3/mol",
    ge=1.0e-8,
    le=1.0e-1,
    likely=(1.0e-6, 1.0e-3),
    slips=("cm^3/mol", "m^3/mol", "mm^3/mol"),
)
DENSITY = Dimension(
    "density", "g/cm^3", "g/cm^3", "5.1 g/cm^3", ge=1.0e-6, le=1.0e3, likely=(0.05, 30.0), slips=("g/cm^3", "kg/m^3")
)
EXPANSION = Dimension("thermal expansion", "1/K", "1/K", "15e-6 1/K", ge=-1.0, le=1.0, likely=(1.0e-8, 1.0e-3))
FIXTURE_STIFFNESS = Dimension(
    "stiffness",
    "MPa/um",
    "MPa/um",
    "0.05 MPa/um",
    ge=0.0,
    le=1.0e12,
    likely=(1.0e-6, 1.0e4),
    slips=("MPa/um", "MPa/mm"),
)
AREAL_DENSITY = Dimension("areal density", "1/cm^2", "1/cm^2", "400 1/cm^2", ge=0.0, le=1.0e15)
AREA = Dimension("area", "cm^2", "cm^2", "0.7 cm^2", ge=0.0, le=1.0e10, likely=(1.0e-6, 1.0e6))
# An area is only ever multiplied by an areal density: flaws of an electrode.
ANGLE = Dimension("angle", "deg", "deg", "30 deg", ge=-360.0, le=360.0)
NUMBER = Dimension("number", "", "", "0.5")

Length = Annotated[Quantity, LENGTH.within(ge=-1.0e6, le=1.0e6)]
PositiveLength = Annotated[Quantity, LENGTH.within(ge=1.0e-4, le=1.0e6)]  # 0.1 nm to 1 m
NonNegativeLength = Annotated[Quantity, LENGTH.within(ge=0.0, le=1.0e6)]
Thickness = Annotated[
    Quantity, LENGTH.within(ge=1.0e-2, le=1.0e6, likely=(0.5, 1.0e4), name="thickness", example="100 um")
]
FlawLength = Annotated[Quantity, LENGTH.within(ge=1.0e-3, le=1.0e6, likely=(0.05, 5.0e3), name="flaw length")]
Aperture = Annotated[
    Quantity, LENGTH.within(ge=1.0e-4, le=1.0e4, likely=(5.0e-4, 50.0), name="aperture", example="20 nm")
]
PositiveTime = Annotated[Quantity, TIME.within(gt=0.0)]
Pressure = Annotated[Quantity, PRESSURE]
LateralStress = Annotated[
    Quantity, PRESSURE.within(ge=-1.0e5, le=1.0e5, likely=(1.0e-3, 2.0e3), name="lateral stress", example="-100 MPa")
]
PositivePressure = Annotated[Quantity, PRESSURE.within(ge=1.0e-9)]
Modulus = Annotated[Quantity, PRESSURE.within(ge=1.0e-3, likely=(100.0, 2.0e6), name="modulus", example="150 GPa")]
StackPressure = Annotated[Quantity, PRESSURE.within(ge=0.0, le=1.0e4, likely=(1.0e-3, 2.0e3), name="stack pressure")]
Temperature = Annotated[Quantity, TEMPERATURE]
CurrentDensity = Annotated[Quantity, CURRENT_DENSITY]
PositiveCurrentDensity = Annotated[Quantity, CURRENT_DENSITY.within(gt=0.0)]
ExchangeCurrent = Annotated[
    Quantity, CURRENT_DENSITY.within(ge=1.0e-9, le=1.0e9, likely=(1.0e-3, 1.0e6), name="exchange current density")
]
ArealCapacity = Annotated[Quantity, AREAL_CAPACITY.within(gt=0.0)]
StoredCapacity = Annotated[Quantity, AREAL_CAPACITY]
Conductivity = Annotated[Quantity, CONDUCTIVITY]
IonicConductivity = Annotated[
    Quantity, CONDUCTIVITY.within(ge=1.0e-10, le=1.0e10, likely=(1.0e-1, 1.0e8), name="ionic conductivity")
]
AreaResistance = Annotated[Quantity, AREA_RESISTANCE.within(ge=1.0e-12)]
FilmResistance = Annotated[Quantity, AREA_RESISTANCE]
FractureEnergy = Annotated[Quantity, FRACTURE_ENERGY]
Toughness = Annotated[Quantity, TOUGHNESS]
Viscosity = Annotated[Quantity, VISCOSITY]
InterfaceViscosity = Annotated[Quantity, INTERFACE_VISCOSITY]
Voltage = Annotated[Quantity, VOLTAGE]
PositiveVoltage = Annotated[Quantity, VOLTAGE.within(gt=0.0)]
ActivationEnergy = Annotated[Quantity, ACTIVATION_ENERGY]
Rate = Annotated[Quantity, RATE]
MolarVolume = Annotated[Quantity, MOLAR_VOLUME]
Density = Annotated[Quantity, DENSITY]
Expansion = Annotated[Quantity, EXPANSION]
FixtureStiffness = Annotated[Quantity, FIXTURE_STIFFNESS]
PoissonRatio = Annotated[Quantity, NUMBER.within(gt=-1.0, lt=0.5)]
TransferCoefficient = Annotated[Quantity, NUMBER.within(gt=0.0, lt=1.0)]
Fraction01 = Annotated[Quantity, NUMBER.within(ge=0.0, le=1.0)]
PositiveFraction = Annotated[Quantity, NUMBER.within(gt=0.0, le=1.0)]
Exponent = Annotated[Quantity, NUMBER.within(ge=1.0, le=50.0)]
SizeExponent = Annotated[Quantity, NUMBER.within(ge=0.0, le=10.0)]
FlawDensity = Annotated[Quantity, AREAL_DENSITY.within(gt=0.0)]
ElectrodeArea = Annotated[Quantity, AREA.within(gt=0.0)]
Quantile = Annotated[Quantity, NUMBER.within(gt=0.0, lt=1.0)]
WeibullModulus = Annotated[Quantity, NUMBER.within(ge=0.1, le=1000.0)]
PositiveNumber = Annotated[Quantity, NUMBER.within(gt=0.0, le=1.0e9)]


def find_dimension(annotation: object) -> Dimension | None:
    """Return the `Dimension` inside an annotation such as `Annotated[Quantity, LENGTH] | None`."""
    if isinstance(annotation, Dimension):
        return annotation
    inner = (*get_args(annotation), *getattr(annotation, "__metadata__", ()))
    return next((found for part in inner if (found := find_dimension(part)) is not None), None)


def show(value: float, dimension: Dimension, unit: str | None = None, digits: int = 4) -> str:
    """Text for people: `value` (internal units) in `unit`, by default the usual one of `dimension`."""
    unit = unit or dimension.usual
    if not dimension.unit:
        return f"{value:.{digits}g}"
    if unit == "degC":
        return f"{value - 273.15:.{digits}g} degC"
    return f"{value / float(dimension._convert('1', unit)):.{digits}g} {unit}"


def capacity(charge: float) -> float:
    """[mAh/cm2] of a charge per area [C/m2]."""
    return charge / COULOMB_PER_M2_PER_MAH_PER_CM2


def current(density: float) -> float:
    """[mA/cm2] of a current density [A/m2]."""
    return density / AMPERE_PER_M2_PER_MA_PER_CM2
