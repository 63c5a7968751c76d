"""Printed tables of `lifrac check` and `lifrac materials`."""

import math
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from lifrac.meshes.report import area_unit, group_area
from lifrac.meshes.serial_mesh import RawMesh
from lifrac.problems.case.case import Case
from lifrac.problems.case.estimates import nominal_current
from lifrac.problems.materials.cards import AnyCard
from lifrac.problems.quantities import units as u
from lifrac.solver.interfaces.contact import interface_resistance
from lifrac.solver.interfaces.toughness import AssistedToughness
from lifrac.solver.model.cell_model import CellModel
from lifrac.solver.model.control import ConstantVoltage
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.protocol.loading import Loading
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

MEANING = {
    "nominal_current_density_mA_per_cm2": "largest plating current density of the protocol",
    "griffith_pressure_MPa": "uniform pressure p_c that makes the flaw grow",
    "normal_stress_on_flaw_MPa": "what the sides put on the plane of the flaw, s; tension positive",
    "cracking_pressure_MPa": "pressure of the lithium that makes the flaw grow between these sides, p_c - s",
    "loads_to_fracture_toughness": "(P + s)/p_c = K/K_Ic of the loads alone; from 1 on they crack the flaw",
    "pressure_bound_face_MPa": "P + F eta/Omega: pressure at which plating stops at the anode face",
    "pressure_bound_tip_MPa": "the same at the flaw tip, with the ohmic drop along the flaw",
    "bound_to_griffith_pressure": "below 1 a flaw that is short against the slab cannot grow",
    "face_resistance_ohm_cm2": "one face before any current, with its film and contact at this pressure",
    "wagner_number": "Wa = kappa Z/a; small: current crowds at the flaw tip",
    "slot_threshold_current_mA_per_cm2": "current that a slot of fixed aperture can extrude without cracking",
    "capacity_without_extrusion_mAh_per_cm2": "capacity to short if no lithium leaves the flaw: lower bound",
    "initial_cell_voltage_V": "two faces of one size and the electrolyte, before any growth",
    "flaw_to_thickness": "a0/L",
    "process_zone_um": "0.8 E' Gc/strength^2: length of the cohesive zone",
}
MARKS = {
    "checked": "checked against the source",
    "high": "quoted from the literature, high confidence",
    "medium": "quoted, medium confidence",
    "low": "quoted or assumed, low confidence",
    "user": "stated by the user",
}
SHOWN_STEPS = 12
"""Steps of a protocol that are listed."""


def print_card(card: AnyCard, out: Console) -> None:
    """Print a card: value, law, mark, range, source and note of every property."""
    out.print(f"{card.name} ({card.kind}): {card.formula}", style="bold")
    out.print(card.description)
    table = Table("property", "value", "temperature law", "confidence", "source", show_lines=True)
    for name, entry in card.entries.items():
        table.add_row(name, entry.value_text, entry.law_text, str(entry.confidence), entry.source_text)
    out.print(table)
    unset = [name for name in type(card.properties).model_fields if name not in card.entries]
    if unset:
        out.print(f"Not stated, may be set in a case: {', '.join(unset)}")
    out.print("Confidence: " + "; ".join(f"{mark} = {text}" for mark, text in MARKS.items()))


def print_check(case: Case, out: Console, mesh: RawMesh | None = None) -> None:
    """Everything `lifrac check` says about a case; `mesh`: the user's own, if it has one."""
    out.print(f"{case.path}  content hash {case.content_hash()[:16]}", style="bold")
    _print_keys(case, out)
    for card in (case.electrolyte, case.metal):
        _print_at_temperature(case, card, out)
    _print_model(case, mesh, out)
    _print_numbers(case, out)
    _print_cost(case, out)
    for warning in case.warnings:
        out.print(f"warning: {warning}", style="yellow")


def _print_keys(case: Case, out: Console) -> None:
    """All keys of the case, with defaults."""
    table = Table("key", "value", title="Resolved case", title_justify="left")
    for key, value in _leaves(case.file, ""):
        table.add_row(key, value)
    if case.mesh_file is None:
        for name, size in case.file.mesh_sizes().items():
            if getattr(case.file.mesh, name) is None:
                table.add_row(f"mesh.{name}", f"{size:.4g}{'' if name.endswith('growth') else ' um'} (derived)")
    out.print(table)


def _leaves(model: BaseModel, prefix: str) -> Iterator[tuple[str, str]]:
    """Dotted keys and texts of what is stated or defaulted, without the cards."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if value is None or name in ("properties", "card"):
            continue
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, item in enumerate(value):
                yield from _leaves(item, f"{prefix}{name}[{number}].")
        elif isinstance(value, tuple):
            yield prefix + name, ", ".join(item.text for item in value)
        else:
            yield prefix + name, value.text if isinstance(value, u.Quantity) else str(value)


def _print_at_temperature(case: Case, card: AnyCard, out: Console) -> None:
    """Values of a card at the temperature of the case, with sources."""
    temperature = u.show(case.temperature, u.TEMPERATURE)
    table = Table(
        "property",
        f"at {temperature}",
        "stated",
        "confidence",
        "source",
        title=f"{card.name} at {temperature}",
        title_justify="left",
    )
    for name, entry in card.entries.items():
        value = u.show(entry.at(case.temperature), entry.dimension)
        reference = entry.reference_temperature
        stated = entry.value_text if reference is None else f"{entry.value_text} at {reference.text}"
        table.add_row(name, value, stated, str(entry.confidence), str(entry.source))
    out.print(table)


def _print_model(case: Case, mesh: RawMesh | None, out: Console) -> None:
    """Print the numbers that the cards give the model."""
    model = case.cell()
    table = Table("quantity", "value", title="Derived", title_justify="left")
    rows: tuple[tuple[str, float, u.Dimension], ...] = (
        ("fracture energy Gc", model.electrolyte.fracture_energy, u.FRACTURE_ENERGY),
        ("fracture toughness K_Ic", model.electrolyte.fracture_toughness, u.TOUGHNESS),
        ("exchange current density i0", model.anode.exchange_current, u.CURRENT_DENSITY),
        ("creep rate at 1 MPa", model.creep.prefactor, u.RATE),
    )
    rows += _contact_rows(model) + _toughness_rows(model)
    for name, value, dimension in rows:
        table.add_row(name, u.show(value, dimension))
    for name, text in _electrode_rows(case, mesh):
        table.add_row(name, text)
    for name, text in _fixture_rows(case, model):
        table.add_row(name, text)
    for number, step in enumerate(model.protocol[:SHOWN_STEPS], 1):
        table.add_row(f"protocol step {number}", ", ".join(_words(step)))
    if len(model.protocol) > SHOWN_STEPS:
        table.add_row(f"... {len(model.protocol)} steps", "ramps and cycles are counted half-step by half-step")
    out.print(table)


def _words(step: ProtocolStep) -> Iterator[str]:
    """Yield what a protocol step does, and what ends it."""
    yield step.control.name
    if isinstance(step.control, ConstantVoltage):
        yield u.show(step.control.voltage, u.VOLTAGE)
        yield "about " + u.show(step.current_density, u.CURRENT_DENSITY) + " at first"
    elif step.current_density:
        yield u.show(step.current_density, u.CURRENT_DENSITY)
    if step.capacity is not None:
        yield "to " + u.show(step.capacity, u.AREAL_CAPACITY)
    if step.duration is not None:
        yield "for " + u.show(step.duration, u.TIME)
    if step.control.cutoff:
        yield "down to " + u.show(step.control.cutoff, u.CURRENT_DENSITY)
    if step.stack_pressure is not None:
        over = f" over {u.show(step.pressure_ramp, u.TIME)}" if step.pressure_ramp else ""
        yield f"stack pressure set to {u.show(step.stack_pressure, u.PRESSURE)}{over}"


def _fixture_rows(case: Case, model: CellModel) -> Iterator[tuple[str, str]]:
    """How stiff the stack is held, and what the planned charge makes of its pressure."""
    loading = Loading(model, float(case.file.electrolyte.thickness))
    if loading.stiffness == 0.0:
        return
    yield "stiffness of fixture and stack", u.show(loading.stiffness, u.FIXTURE_STIFFNESS)
    charges = (step.control.direction * step.planned_charge for step in model.protocol)
    growth = [loading.growth(charge, 0.0) for charge in accumulate(charges, initial=0.0)]
    change = loading.stiffness * (max(growth) - min(growth))
    yield "range of stack pressure by plating", u.show(change, u.PRESSURE)


def _electrode_rows(case: Case, mesh: RawMesh | None) -> Iterator[tuple[str, str]]:
    """Areas of the electrodes as meshed, and the largest current densities through them."""
    geometry, current = case.geometry(), nominal_current(case.cell())
    if mesh is not None:
        anode, counter = (group_area(mesh, name) for name in ("anode", "counter"))
    else:
        assert not isinstance(geometry, Path)
        anode = counter = math.prod(high - low for axis, (low, high) in enumerate(geometry.bounds) if axis != 1)
    for name, area, density in (("anode", anode, current), ("counter electrode", counter, current * anode / counter)):
        yield f"{name} area, as meshed", f"{area:.6g} {area_unit(case.dimension)}"
        yield f"{name}, largest current density", u.show(density, u.CURRENT_DENSITY)


def _contact_rows(model: CellModel) -> tuple[tuple[str, float, u.Dimension], ...]:
    """Return what the contact law comes to at the stack pressure."""
    law, pressure, conductivity = model.contact, model.loads.stack_pressure, model.electrolyte.conductivity
    if law is None:
        return ()
    return (
        ("critical stripping current J_c", law.critical_current(pressure), u.CURRENT_DENSITY),
        ("void height h*", law.void_height, u.LENGTH),
        ("static contact theta_s", law.static_contact(pressure), u.NUMBER),
        (
            "interface resistance of a face",
            interface_resistance(law, model.anode, conductivity, pressure),
            u.AREA_RESISTANCE,
        ),
    )


def _toughness_rows(model: CellModel) -> tuple[tuple[str, float, u.Dimension], ...]:
    """K_Ic that a tip current leaves."""
    if model.assisted is None:
        return ()
    law, toughness = AssistedToughness(model.assisted), model.electrolyte.fracture_toughness
    currents = [share * model.assisted.current_density for share in (0.1, 1.0, 10.0)]
    return tuple(
        (f"K_Ic at a tip current of {u.show(j, u.CURRENT_DENSITY)}", law.factor(j) ** 0.5 * toughness, u.TOUGHNESS)
        for j in currents
    )


def _print_numbers(case: Case, out: Console) -> None:
    table = Table("number", "value", "meaning", title="Characteristic numbers", title_justify="left")
    for name, value in case.dimensionless().items():
        table.add_row(name, f"{value:.4g}", MEANING[name])
    out.print(table)


def _print_cost(case: Case, out: Console) -> None:
    if case.mesh_file is not None:
        out.print(f"Mesh from {case.mesh_file}: `lifrac mesh` reports on it.")
        return
    if resolution := case.file.engine.resolution(case.file):
        out.print(resolution)
    out.print(case.file.engine.forecast(case.file))
