"""The case file: every table and key a user may write, with type, range, default and meaning.

Descriptions are the docstrings below the keys; they reach `case.schema.json` and docs/cases.md.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from lifrac.problems.materials.cards import ElectrolyteCard, LithiumCard
from lifrac.problems.materials.properties import ElectrolyteProperties, LithiumProperties
from lifrac.problems.quantities import units as u
from lifrac.solver.numerics.presets import SolverName
from pydantic import (
    BaseModel,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from .accuracy import DEFAULT_ACCURACY
from .defects import AnyDefect
from .engine import Engine
from .engines import ENGINES
from .face_table import FaceTable, LawName, ReorganizationEnergy, law_problems
from .fixture_table import AnyFixture
from .fracture import Fracture
from .grain_table import GrainTable
from .mesh_table import Mesh
from .protocol_table import Protocol
from .schema_tools import Problem, Problems, Strict, default

LOWEST_TEMPERATURE = 150.0
"""[K]; far below any published data of this field."""


CellTemperature = Annotated[u.Quantity, u.TEMPERATURE.within(ge=LOWEST_TEMPERATURE, le=2000.0, likely=(230.0, 450.0))]


class Electrolyte(Strict):
    """The solid electrolyte."""

    material: str
    """Name of a ready card (`lifrac materials`) or path of your own, relative to the case file."""
    thickness: u.Thickness
    """Thickness of the electrolyte, from the anode face to the counter electrode."""
    properties: ElectrolyteProperties = Field(default_factory=ElectrolyteProperties)
    """Overrides of single properties of the card; a bare value keeps the card's temperature law."""
    grains: GrainTable | None = None
    """Grains and grain boundaries; one crystal unless given."""
    card: ElectrolyteCard | None = None
    """A whole card inline; replaces the look-up of `material`. Run folders use it to be self-contained."""


class Contact(Strict):
    """Voids: contact that stripping takes from an electrode face, and stack pressure and plating give back.

    Off unless this table is given; it may be empty where the electrolyte's card has the numbers.
    """

    void_height: u.PositiveLength | None = None
    """Thickness h* of metal whose removal opens the whole face; 15 to 30 um for Li6PS5Cl. Default: the card's."""
    critical_current: Annotated[u.Quantity, u.CURRENT_DENSITY.within(ge=0.0, le=1.0e6)] | None = None
    """Largest current density that can be stripped for good, at `reference_pressure` and 25 degC; 0 with `norton`
    alone. Default: the card's, with its reference pressure."""
    reference_pressure: u.PositivePressure | None = None
    """Stack pressure at which `critical_current` holds. Default: 1 MPa."""
    pressure_exponent: Annotated[u.Quantity, u.NUMBER.within(ge=0.0, le=50.0)] | None = None
    """Exponent of the stack pressure in the critical current; measured 0.8 to 1.9. Default: the card's, or 1."""
    activation_energy: u.ActivationEnergy | None = None
    """Activation energy of the critical current. Default: the card's, or 55 kJ/mol (lattice diffusion of lithium, an
    assumption).
    """
    full_contact_pressure: u.StackPressure | None = None
    """Pressure that presses a face whole; 0: faces touch everywhere at any pressure. Default: the card's, or 0."""
    static_exponent: u.SizeExponent | None = None
    """Exponent of the pressure in the static contact below `full_contact_pressure`. Default: the card's, or 0.5."""
    assembly_pressure: u.StackPressure = default("0 MPa")
    """Largest pressure of the past; without effect below the stack pressure."""
    retention: u.Fraction01 | None = None
    """Share of the static contact gained at `assembly_pressure` that stays. Default: the card's, or 0."""
    norton: StrictBool = False
    """Voids also close by the metal's Norton creep (spherical void), in parallel."""
    unrecoverable: u.Fraction01 = default(0.0)
    """Share of lost contact that does not come back."""
    minimum: Annotated[u.Quantity, u.NUMBER.within(ge=1.0e-3, lt=1.0)] = default(0.05)
    """Mean contact of a face, as a share of its static contact, at which contact counts as lost and the run ends."""

    @model_validator(mode="after")
    def _check(self) -> "Contact":
        current, found = self.critical_current, []
        if current is not None and current == 0.0 and not self.norton:
            remedy = "State a current above 0, or norton = true"
            found.append(Problem("critical_current", "nothing would close a void", current.text, remedy))
        if current is None and self.reference_pressure is not None:
            remedy = "State critical_current too, or remove it"
            found.append(Problem("reference_pressure", "has no critical_current", self.reference_pressure.text, remedy))
        if found:
            raise Problems(found)
        return self


class Electrodes(Strict):
    """The two lithium electrodes and their faces."""

    metal: str = "lithium"
    """Name of a metal card or path of your own."""
    properties: LithiumProperties = Field(default_factory=LithiumProperties)
    """Overrides of single properties of the metal card."""
    kinetics: LawName = "butler_volmer"
    """Law of charge transfer of both faces and the flaw: `butler_volmer`, `linear` (a constant resistance, its limit at
    small overpotential) or `marcus_hush_chidsey`."""
    reorganization_energy: ReorganizationEnergy | None = None
    """Reorganization energy of `marcus_hush_chidsey`, for a mole or a particle."""
    film_resistance: u.FilmResistance = default("0 ohm*cm^2")
    """Series resistance of an interphase film, on each face and in the flaw."""
    contact_fraction: u.PositiveFraction = default(1.0)
    """Part of each face that touches the metal, above 0 to 1; the local current is the nominal over it."""
    spot_radius: u.NonNegativeLength = default("0 um")
    """Radius of the spots in which a face touches, for the constriction of the current; 0: none."""
    mouth: Literal["open", "closed"] = "open"
    """`open`: lithium at the mouth is at stack pressure and may leave; `closed`: nothing leaves."""
    contact: Contact | None = None
    """Contact law of the faces; none unless given."""
    anode: FaceTable | None = None
    """Keys that differ at the anode face, and in the flaw."""
    counter: FaceTable | None = None
    """Keys that differ at the counter electrode."""
    card: LithiumCard | None = None
    """A whole metal card inline; replaces the look-up of `metal`."""

    @model_validator(mode="after")
    def _check(self) -> "Electrodes":
        if found := list(law_problems(self)):
            raise Problems(found)
        return self


class Operation(Strict):
    """Temperature and mechanical loads; steps of the protocol may set the stack pressure anew."""

    temperature: CellTemperature = default("25 degC")
    """Temperature of the cell; below the melting point of the metal."""
    stack_pressure: u.StackPressure = default("1 MPa")
    """Pressure on the electrode faces, at least zero."""
    lateral: Literal["die", "plate", "free"] = "die"
    """Sides of the electrolyte. `die`: held against sideways motion, as in a die or sleeve. `plate`: plane and free to
    move as a whole, as between the flaws of a wide plate with a free rim. `free`: a strip with nothing beside it."""
    lateral_stress: u.LateralStress = default("0 MPa")
    """Normal stress on sides that are not held, on `plate` in the mean; tension positive."""
    fixture: AnyFixture | None = None
    """The fixture that holds the stack; a press that keeps the stack pressure unless given."""

    @model_validator(mode="after")
    def _check(self) -> "Operation":
        if self.lateral == "die" and self.lateral_stress != 0.0:
            raise Problems(
                [
                    Problem(
                        "lateral_stress",
                        "has no effect on sides that are held",
                        self.lateral_stress.text,
                        'Write lateral = "plate" or "free", or remove lateral_stress',
                    )
                ]
            )
        return self


class Solver(Strict):
    """Numerics; the defaults are meant to be good."""

    bulk: Literal["direct", "multigrid"] = "direct"
    """Linear solver of the bulk: `direct` (MUMPS) or `multigrid` (CG with GAMG)."""
    newton_tolerance: Annotated[u.Quantity, u.NUMBER.within(ge=1.0e-12, le=1.0e-4)] = default(1.0e-10)
    """Relative tolerance of the Newton method."""
    accuracy: Annotated[u.Quantity, u.NUMBER.within(ge=0.002, le=0.3)] = default(DEFAULT_ACCURACY)
    """Plane engine: relative error that elements and time steps are chosen for; sizes in `[mesh]` count before it.
    A run states its errors, and says where they are larger (docs/plane.md)."""
    max_advance_cells: u.PositiveNumber = default(1.0)
    """Crack advance per step that the step control aims at, in cells of the crack plane."""
    max_step: u.PositiveTime | None = None
    """Largest time step. Default: a fraction of the protocol."""
    first_step: u.PositiveTime | None = None
    """First time step. Default: derived from the protocol."""
    max_steps: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Largest number of time steps. Default: 20000, or 200 for every (half-)step of the protocol where that is more."""
    petsc: dict[SolverName, dict[str, StrictBool | StrictInt | StrictFloat | StrictStr]] | None = None
    """PETSc's options of a linear solver by its name (docs/numerics.md): `[solver.petsc.cell]` with
    `ksp_view = true`. Names: conduction and elasticity (bulk of the plane engine), cell, displacement, damage and
    projection (phase field)."""


def _stored(value: object) -> int | tuple[u.Quantity, ...]:
    """Return a number of states, or a list of areal capacities."""
    if isinstance(value, list | tuple) and value:
        return tuple(u.AREAL_CAPACITY.within(ge=0.0)(item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10000:
        return value
    raise u.QuantityError(
        "must be a number of states from 1 to 10000, or a list of areal capacities",
        'Write fields = 20 or fields = ["0.1 mAh/cm^2", "0.2 mAh/cm^2"]',
    )


def _stored_text(value: int | tuple[u.Quantity, ...]) -> int | list[str]:
    return value if isinstance(value, int) else [item.text for item in value]


StoredStates = Annotated[
    int | tuple[u.Quantity, ...],
    PlainValidator(_stored),
    PlainSerializer(_stored_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 10000},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]


class Output(Strict):
    """Files of a run folder besides the histories."""

    fields: StoredStates = 20
    """Number of stored states (evenly over the protocol), or areal capacities; first and last count."""
    plots: StrictBool = True
    """Make the plots at the end of a run."""


class CaseFile(Strict):
    """A case of lifrac."""

    electrolyte: Electrolyte
    """The solid electrolyte."""
    defect: AnyDefect
    """The flaw the crack starts from."""
    electrodes: Electrodes = Field(default_factory=Electrodes)
    """The two lithium electrodes."""
    operation: Operation = Field(default_factory=Operation)
    """Temperature and mechanical loads."""
    protocol: Protocol
    """The load on the cell."""
    fracture: Fracture = Field(default_factory=Fracture)
    """How the crack is computed."""
    mesh: Mesh = Field(default_factory=Mesh)
    """Element sizes, or a mesh of your own."""
    solver: Solver = Field(default_factory=Solver)
    """Numerics."""
    output: Output = Field(default_factory=Output)
    """The contents of a run folder."""

    @model_validator(mode="after")
    def _check(self) -> "CaseFile":
        found = [*self._flaw_problems(), *self._contact_problems()]
        found = found or list(self.engine.problems(self))
        if found:
            raise Problems(found)
        return self

    @property
    def engine(self) -> Engine:
        """The fracture engine that the case names."""
        return ENGINES[self.fracture.engine]

    def _flaw_problems(self) -> Iterator[Problem]:
        flaw, thickness = self.defect, self.electrolyte.thickness
        if flaw.deepest >= thickness:
            yield Problem(
                f"defect.{flaw.size_key}",
                f"the flaw reaches through the electrolyte ({thickness.text} thick)",
                _text(flaw.stated(flaw.size_key)),
                "Make the flaw shorter or electrolyte.thickness larger",
            )

    def _contact_problems(self) -> Iterator[Problem]:
        if self.protocol.on_contact_lost == "next_step" and self.electrodes.contact is None:
            yield Problem(
                "protocol.on_contact_lost",
                "contact is never lost: the case has no contact law",
                self.protocol.on_contact_lost,
                "Add a table [electrodes.contact], or remove it",
            )

    def mesh_sizes(self) -> dict[str, float]:
        """Sizes of `[mesh]` that the engine heeds, with defaults; lengths in um."""
        return self.engine.sizes(self)


def _text(value: u.Quantity | None) -> str | None:
    return None if value is None else value.text


class _WithoutNull(GenerateJsonSchema):
    """TOML has no null: an optional key is simply absent."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        inner = super().default_schema(schema)
        if inner.get("default", 0) is None:
            del inner["default"]
        return inner


def json_schema(model: type[BaseModel] = CaseFile, kind: str = "lifrac case") -> dict[str, Any]:
    """Return the JSON Schema of a case file, or of another file of ours."""
    schema = model.model_json_schema(mode="validation", schema_generator=_WithoutNull)
    schema["title"] = kind
    titles = {name: _title(content) for name, content in schema["$defs"].items()}
    assert len(set(titles.values())) == len(titles), "two kinds of entry share a name"
    text = json.dumps(schema)
    for name, title in titles.items():
        text = text.replace(f'$defs/{name}"', f'$defs/{title}"').replace(f'"{name}": {{', f'"{title}": {{')
    result: dict[str, Any] = json.loads(text)
    return result


def _title(content: dict[str, Any]) -> str:
    """Name of a table; of an entry that may be a bare value or a table, the name of the table."""
    table = next((part for part in content.get("anyOf", ()) if "properties" in part), content)
    return str(table["title"])
