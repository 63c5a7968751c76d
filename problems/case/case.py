"""A case: read from TOML, overridden by `--set`, checked, and resolved for meshes and solvers."""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lifrac.errors import InputError
from lifrac.problems.materials.cards import ElectrolyteCard, LithiumCard, load_card, override
from lifrac.problems.quantities import units as u
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.flaw import Flaw
from lifrac.solver.model.fracture import AssistedCracking
from lifrac.solver.model.interface import ContactLaw, Kinetics
from lifrac.solver.model.protocol import StepControl
from lifrac.solver.model.stated import content
from lifrac.solver.numerics.presets import Preset, StatedOptions
from lifrac.solver.physics.flaw_scales import EDGE_FACTOR, PENNY_FACTOR

from . import estimates
from .case_files import find_ready, read_toml
from .contact_table import at_full_contact, contact_law, static_problems
from .digest import digest
from .engine import Geometry
from .face_table import current_problems, face_kinetics
from .fixture_table import loads_of
from .from_mesh import told
from .old_names import renew
from .overrides import apply_override, by_name, lay_over
from .schema import CaseFile
from .schema_tools import Problem, quantities, refuse, validate

READY_CASES = Path(__file__).parents[1] / "ready" / "cases"
STATED_AS = {
    "thickness": "electrolyte.thickness",
    "half_width": "mesh.half_width",
    "breadth": "mesh.breadth",
    "far_size": "mesh.far_size",
    "growth": "mesh.growth",
    "crack_size": "mesh.crack_size",
    "band_size": "mesh.band_size",
    "reach": "mesh.reach",
    "flaw_length": "defect.length",
}
"""Key of the case file by parameter of a geometry."""
MOST_EMPTIED = 1.5
"""Stripped charge, in charges that the flaw holds, from which on it is as good as empty: a third is left at 1.35."""


@dataclass(frozen=True)
class Case:
    """A checked case with its material cards."""

    path: Path
    """The file it came from."""
    file: CaseFile
    """The case as the user stated it, with defaults."""
    electrolyte: ElectrolyteCard
    """The electrolyte's card with the case's overrides."""
    metal: LithiumCard
    """The metal's card with the case's overrides."""
    renamed: tuple[str, ...] = ()
    """Messages on former names that the file uses."""
    coarsening: float = 1.0
    """Factor on the size of elements and time steps of the plane engine: 2 for a run that another is compared with."""

    @property
    def name(self) -> str:
        """Name of the case, from its file."""
        return self.path.stem

    @property
    def temperature(self) -> float:
        """[K]."""
        return float(self.file.operation.temperature)

    @property
    def mesh_file(self) -> Path | None:
        """The user's own mesh, if there is one."""
        file = self.file.mesh.file
        return None if file is None else (self.path.parent / Path(file).expanduser()).resolve()

    @property
    def dimension(self) -> int:
        """Dimension of the body, 2 or 3."""
        return self.file.defect.dimension

    @property
    def mesh_scale(self) -> float:
        """Length of one unit of the coordinates in `mesh_file` [um]."""
        return float(self.file.mesh.length_unit)

    @property
    def bulk_solver(self) -> Preset:
        """Preset of the bulk solver: `direct` or `multigrid`."""
        return self.file.solver.bulk

    @property
    def petsc_options(self) -> StatedOptions:
        """Options of linear solvers by their names."""
        return self.file.solver.petsc or {}

    @property
    def stored_states(self) -> int | tuple[float, ...]:
        """How many states to store, or at which areal capacities [C/m2]."""
        fields = self.file.output.fields
        return fields if isinstance(fields, int) else tuple(float(value) for value in fields)

    @property
    def plots(self) -> bool:
        """Whether a run ends with plots."""
        return self.file.output.plots

    @cached_property
    def _cell(self) -> CellModel:
        case, solver, t = self.file, self.file.solver, self.temperature
        law = self._contact()
        flaw, load = case.defect, case.operation
        follows = load.fixture is None or load.fixture.follows
        protocol = case.protocol.resolved(float(load.stack_pressure) if follows else None)
        model = CellModel(
            electrolyte=self.electrolyte.evaluate(t),
            anode=self._face("anode", law),
            counter=self._face("counter", law),
            creep=self.metal.evaluate(t),
            flaw=Flaw(
                flaw.flaw_length,
                float(flaw.aperture),
                float(flaw.filling),
                case.electrodes.mouth,
                float(flaw.residual),
            ),
            loads=loads_of(load.fixture, float(load.stack_pressure), load.lateral, float(load.lateral_stress)),
            protocol=protocol,
            stop=case.protocol.stop_rules(),
            control=StepControl(
                first_step=_times(self.coarsening, solver.first_step),
                max_step=_times(self.coarsening, solver.max_step),
                max_advance_cells=float(solver.max_advance_cells),
                newton_tolerance=float(solver.newton_tolerance),
                max_steps=solver.max_steps or max(20000, 200 * len(protocol)),
                step_factor=self.coarsening,
            ),
            contact=law,
            assisted=self._assisted(),
        )
        return estimates.sized(model, float(case.electrolyte.thickness))

    def _face(self, name: str, law: ContactLaw | None) -> Kinetics:
        """Kinetics of an electrode face at the temperature of the case."""
        of_card = self.electrolyte.kinetics(self.temperature, molar_volume=self.metal.molar_volume(self.temperature))
        face = face_kinetics(self.file.electrodes, name, of_card)
        if law is None or face.exchange_current != of_card.exchange_current:  # stated for where metal touches
            return face
        return at_full_contact(face, law, self.electrolyte, self.temperature, self.path)

    def _assisted(self) -> AssistedCracking | None:
        table = self.file.fracture.assisted
        if table is None:
            return None
        return AssistedCracking(float(table.current_density), float(table.residual_fraction), float(table.exponent))

    def _contact(self) -> ContactLaw | None:
        """Return the contact law at the temperature of the case."""
        table = self.file.electrodes.contact
        return None if table is None else contact_law(table, self.electrolyte, self.metal, self.temperature, self.path)

    def cell(self) -> CellModel:
        """Return what the engines share, at the temperature of the case."""
        return self._cell

    def engine_model(self) -> CellModel:
        """Return everything the case's engine needs besides the mesh; its type names the engine."""
        return self.file.engine.model(self._cell, self.file)

    def geometry(self) -> Geometry | Path:
        """Return what to mesh, or the path of the user's own mesh.

        Raises
        ------
        InputError
            If the flaw does not fit into the body.
        """
        return self.mesh_file or self._geometry

    @cached_property
    def _geometry(self) -> Geometry:
        try:
            return self.file.engine.geometry(self.file, self.coarsening)
        except InputError as error:
            key = STATED_AS.get(error.key or "", "defect")
            raise InputError(error.message, file=self.path, key=key, value=error.value, remedy=error.remedy) from None

    def dimensionless(self) -> dict[str, float]:
        """Characteristic numbers of the case; units stand in the names (see `estimates`)."""
        defect = self.file.defect
        shape = PENNY_FACTOR if defect.dimension == 3 else EDGE_FACTOR
        thickness = float(self.file.electrolyte.thickness)
        return estimates.characteristic_numbers(self.engine_model(), thickness, defect.angle, shape)

    def _cracked_by_loads(self, numbers: Mapping[str, float]) -> Iterator[str]:
        """Warn of loads that crack the flaw before any current flows."""
        ratio, load = numbers["loads_to_fracture_toughness"], self.file.operation
        if ratio < 1.0:
            return
        tensile = load.lateral_stress > 0.0
        sign = f' Compression is negative: did you mean "-{load.lateral_stress.text}"?' if tensile else ""
        across = numbers["normal_stress_on_flaw_MPa"]
        yield (
            f"the loads alone crack the flaw: K is {ratio:.2g} K_Ic before any current flows (stack pressure "
            f"{load.stack_pressure.text}, {across:.4g} MPa on the plane of the flaw).{sign}"
        )

    def _doubts(self) -> Iterator[str]:
        """Warn of quantities that can hardly be meant."""
        parts = (("", self.file), ("electrolyte.", self.electrolyte), ("electrodes.", self.metal))
        texts = (
            f"{prefix}{key} = {value.text}: {value.doubt}"
            for prefix, part in parts
            for key, value in quantities(part)
            if value.doubt
        )
        yield from dict.fromkeys(texts)

    @cached_property
    def warnings(self) -> list[str]:
        """Uses of data outside their range, and statements that are possible but hardly meant."""
        numbers = self.dimensionless()
        pressure = self.cell().loads.stack_pressure
        stresses = {"pressure that would crack the flaw": numbers["cracking_pressure_MPa"]}
        if pressure > 0.0:
            stresses["stack pressure"] = pressure
        found = [*self.renamed, *self._doubts()]
        found += self.electrolyte.warnings(self.temperature) + self.metal.warnings(self.temperature, stresses)
        found.extend(self._cracked_by_loads(numbers))
        if self.cell().flaw.filling == 0.0:
            found.append(
                "defect.filling is 0: lithium plates only where lithium is, so that the flaw stays almost empty and "
                "nothing presses it open (outcome flaw_empty). Write defect.filling = 1 for a full one"
            )
        emptied = estimates.emptied_before_plating(self.cell())
        if emptied > MOST_EMPTIED:
            found.append(
                f"the protocol plates after stripping {emptied:.2g} times the charge that the flaw holds "
                f"(F w0/(2 Omega) = {u.show(estimates.charge_held(self.cell()), u.AREAL_CAPACITY)}): with "
                f"defect.residual = {self.cell().flaw.residual:g} a flaw that was emptied hardly fills again, because "
                "lithium plates only where lithium is. A run then has the outcome flaw_empty, and says nothing. Write "
                "defect.residual = 0.05 to leave a twentieth of the aperture filled (an assumption, docs/model.md)"
            )
        engine = self.file.engine
        return [*found, *engine.warnings(self.file), *engine.unused_keys(self.file)]

    def resolved_toml(self) -> str:
        """Return the case with all defaults and whole cards; reads back to the same numbers to the last bit."""
        import tomlkit

        data = self.file.model_dump(exclude_none=True)
        for table, name, card in (
            ("electrolyte", "material", self.electrolyte),
            ("electrodes", "metal", self.metal),
        ):
            data[table].pop("properties")
            data[table] |= {name: card.name, "card": card.model_dump(exclude_none=True)}
        for key, value in self.file.engine.derived(self.file).items():
            lay_over(data, _nested(key, u.LENGTH.internal(value).text))
        if self.mesh_file is not None:
            data["mesh"]["file"] = str(self.mesh_file)
        return f"# Resolved case, made by lifrac from {self.path.name}.\n\n{tomlkit.dumps(data)}"

    def content_hash(self) -> str:
        """SHA-256 over all numbers a result depends on (not over how they were written)."""
        geometry = self.geometry()
        if isinstance(geometry, Path):
            mesh: Any = [hashlib.sha256(_mesh_bytes(geometry, self.path)).hexdigest(), self.mesh_scale]
        else:
            mesh = dataclasses.asdict(geometry)
        hashed = {
            "model": content(self.engine_model()),
            "mesh": mesh,
            "engine": self.file.fracture.engine,
            "bulk": self.bulk_solver,
        }
        if self.petsc_options:
            hashed["petsc"] = self.petsc_options
        return digest(hashed)


def _times(factor: float, value: u.Quantity | None) -> float | None:
    return None if value is None else factor * float(value)


def _nested(key: str, value: str) -> dict[str, Any]:
    """Return a dotted key as tables in each other."""
    head, _, rest = key.partition(".")
    return {head: _nested(rest, value) if rest else value}


def _mesh_bytes(mesh: Path, file: Path) -> bytes:
    try:
        return mesh.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}",
            file=file,
            key="mesh.file",
            value=str(mesh),
            remedy="Give the path of a mesh, relative to the case file",
        ) from None


def load_case(
    path: str | Path, overrides: Sequence[str] = (), changes: Mapping[str, Any] | None = None, **keys: Any
) -> Case:
    """Read, override, check and resolve a case.

    Parameters
    ----------
    path : str or Path
        A case file, or the name of a ready case.
    overrides : sequence of str
        `key=value` with dotted keys; values in TOML, or bare strings.
    changes : Mapping, optional
        Tables laid over the file before the overrides; the file keeps what they do not state.
    **keys
        Keys laid over the file last: texts with units, numbers, lists or tables, by the key's own name
        (`stack_pressure="5 MPa"`; of several keys the one nearest to the top of the file), or by its whole name with
        two underscores for each dot (`operation__temperature="60 degC"`).

    Raises
    ------
    InputError
        Everything wrong with the case, in one message that names file, keys, values and remedies.
    """
    path = find_ready(Path(path), READY_CASES, "case", "cases")
    data = read_toml(path)
    _refuse_studies(data, path)
    lay_over(data, changes or {})
    for text in overrides:
        apply_override(data, text)
    lay_over(data, by_name(CaseFile, keys, path))
    renamed = renew(data)
    lay_over(data, told(data, path))
    file = validate(CaseFile, data, path)
    electrolyte = file.electrolyte.card or load_card(
        file.electrolyte.material, path.parent, file=path, key="electrolyte.material"
    )
    metal = file.electrodes.card or load_card(file.electrodes.metal, path.parent, file=path, key="electrodes.metal")
    if not isinstance(electrolyte, ElectrolyteCard):
        raise InputError(
            "is not an electrolyte",
            file=path,
            key="electrolyte.material",
            value=electrolyte.name,
            remedy="`lifrac materials` lists the electrolytes",
        )
    if not isinstance(metal, LithiumCard):
        raise InputError(
            "is not a metal",
            file=path,
            key="electrodes.metal",
            value=metal.name,
            remedy='Write metal = "lithium"',
        )
    electrolyte = override(electrolyte, file.electrolyte.properties, path, "electrolyte.properties")
    metal = override(metal, file.electrodes.properties, path, "electrodes.properties")
    case = Case(path, file, electrolyte, metal, renamed)
    check_resolved(case)
    return case


def _refuse_studies(data: Mapping[str, Any], path: Path) -> None:
    """Refuse a study or sweep that is given as a case, and say which command takes it."""
    for kind, command in (("study", "ccd"), ("sweep", "sweep")):
        if kind in data:
            remedy = f"`lifrac {command} {path} --dry-run` checks it; without --dry-run it is computed"
            raise InputError(f"this file is a {kind}, not a case", file=path, key=kind, remedy=remedy)


def check_resolved(case: Case) -> None:
    """Check what can be checked only with the cards and other files at hand.

    Raises
    ------
    InputError
        If the case contradicts its cards or its mesh.
    """
    if case.temperature >= case.metal.melting_temperature:
        raise InputError(
            f"{case.metal.name} melts at {u.show(case.metal.melting_temperature, u.TEMPERATURE)}",
            file=case.path,
            key="operation.temperature",
            value=case.file.operation.temperature.text,
            remedy="Stay below the melting point: the model holds for solid metal",
        )
    refuse(_beyond_reason(case), case.path)
    law = case.cell().contact
    if law is not None:
        refuse(static_problems(law, case.file.operation.stack_pressure), case.path)
    current = estimates.nominal_current(case.cell())
    refuse(current_problems(case.cell().anode, case.cell().counter, current), case.path)
    case.geometry()
    refuse(case.file.engine.incompatible(case.cell(), case.file), case.path)
    if case.mesh_file is not None and not case.mesh_file.is_file():
        raise InputError(
            "no such mesh file",
            file=case.path,
            key="mesh.file",
            value=case.file.mesh.file,
            remedy="Give the path of a mesh, relative to the case file",
        )


def _beyond_reason(case: Case) -> Iterator[Problem]:
    """Properties that their law takes beyond all bounds at the temperature of the case."""
    for table, card in (("electrolyte", case.electrolyte), ("electrodes", case.metal)):
        for name, entry in card.entries.items():
            value = entry.at(case.temperature)
            if not entry.dimension.allows(value):
                yield Problem(
                    f"{table}.properties.{name}",
                    f"its temperature law makes it {u.show(value, entry.dimension)} at "
                    f"{u.show(case.temperature, u.TEMPERATURE)}",
                    entry.value_text,
                    "Check activation_energy and reference_temperature",
                )
