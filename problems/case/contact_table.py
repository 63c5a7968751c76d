"""The contact law of a case: what its table `[electrodes.contact]` states, else what the electrolyte's card holds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lifrac.problems.materials.cards import ElectrolyteCard, LithiumCard
from lifrac.problems.materials.properties import activation
from lifrac.problems.quantities import units as u
from lifrac.solver.model.interface import ContactLaw, Kinetics
from lifrac.solver.physics.constriction import constricted

from .schema import Contact
from .schema_tools import Problem, refuse

REFERENCE_TEMPERATURE = 298.15
"""[K], at which `electrodes.contact.critical_current` is stated."""
LATTICE_DIFFUSION = 55.0e3
"""[J/mol] of lithium: activation energy of a critical current that is stated without one (an assumption)."""
OF_CARD = {
    "void_height": "void_height",
    "pressure_exponent": "contact_pressure_exponent",
    "full_contact_pressure": "full_contact_pressure",
    "static_exponent": "static_contact_exponent",
    "retention": "static_contact_retention",
}
"""Keys of the table and the entries of a card that stand in for them; critical current and its pressure go together."""
ELSE = {"pressure_exponent": 1.0, "full_contact_pressure": 0.0, "static_exponent": 0.5, "retention": 0.0}
"""Numbers of the law that neither the table nor the card states."""


def contact_law(
    table: Contact, electrolyte: ElectrolyteCard, metal: LithiumCard, temperature: float, file: Path
) -> ContactLaw:
    """Return the law at `temperature` [K].

    Raises
    ------
    InputError
        A key that neither the table nor the card states.
    """
    refuse(_missing(table, electrolyte), file)
    current, reference = _critical_current(table, electrolyte, temperature)
    creep = metal.evaluate(temperature)
    value = {key: _value(table, key, electrolyte, temperature) for key in OF_CARD}
    return ContactLaw(
        reference_current=current,
        reference_pressure=reference,
        norton_prefactor=creep.prefactor if table.norton else 0.0,
        norton_exponent=creep.exponent,
        unrecoverable=float(table.unrecoverable),
        minimum=float(table.minimum),
        molar_volume=metal.molar_volume(temperature),
        largest_pressure=float(table.assembly_pressure),
        **value,
    )


def at_full_contact(
    kinetics: Kinetics, law: ContactLaw, electrolyte: ElectrolyteCard, temperature: float, file: Path
) -> Kinetics:
    """Kinetics of faces whose resistance was measured as they touch at the pressure that its card or case names.

    What was measured is R_ct/theta + R_constr at that pressure; without one it holds at full contact.

    Raises
    ------
    InputError
        If the constriction alone is more than what was measured.
    """
    entries = electrolyte.entries
    pressure, measured = (entries.get(name) for name in ("interface_resistance_pressure", "interface_resistance"))
    if pressure is None or measured is None:
        return kinetics
    touching = kinetics.contact_fraction * law.static_contact(pressure.at(temperature))
    face = constricted(replace(kinetics, contact_fraction=touching), electrolyte.evaluate(temperature).conductivity)
    constriction = face.film_resistance - kinetics.film_resistance
    resistance = measured.at(temperature)
    whole = touching * resistance - constriction
    if whole <= 0.0:
        refuse(
            [
                Problem(
                    "electrodes.spot_radius",
                    f"gives a constriction of {u.show(constriction / touching, u.AREA_RESISTANCE)} at "
                    f"{pressure.value_text}, more than the interface_resistance measured there, {measured.value_text}",
                    u.show(kinetics.spot_radius, u.LENGTH),
                    "Make it smaller, or state the resistance of full contact",
                )
            ],
            file,
        )
    return replace(kinetics, exchange_current=kinetics.exchange_current * resistance / whole)


def static_problems(law: ContactLaw, pressure: u.Quantity) -> Iterator[Problem]:
    """Yield a problem if nothing presses the face: it would not touch."""
    if law.static_contact(pressure) < 1.0e-3:
        yield Problem(
            "operation.stack_pressure",
            f"leaves a static contact of {law.static_contact(pressure):.2g}",
            pressure.text,
            "Raise it, state electrodes.contact.assembly_pressure with a retention, or "
            'electrodes.contact.full_contact_pressure = "0 MPa" for faces that touch at any pressure',
        )


def _missing(table: Contact, electrolyte: ElectrolyteCard) -> Iterator[Problem]:
    for key, entry, example in (
        ("void_height", "void_height", '"20 um"'),
        ("critical_current", "critical_stripping_current", '"0.2 mA/cm^2"'),
    ):
        alone = key == "critical_current" and table.norton
        if getattr(table, key) is None and entry not in electrolyte.entries and not alone:
            yield Problem(
                f"electrodes.contact.{key}",
                f"is not stated, and the card of {electrolyte.name} has no {entry}",
                remedy=f"Write {key} = {example} in [electrodes.contact], with a source of your own",
            )


def _critical_current(table: Contact, electrolyte: ElectrolyteCard, temperature: float) -> tuple[float, float]:
    """J_ref [A/m2] at temperature and its stack pressure [MPa]: both of the case, or both of the card."""
    entries = electrolyte.entries
    entry, reference = entries.get("critical_stripping_current"), entries.get("critical_stripping_pressure")
    energy = table.activation_energy
    if table.critical_current is not None or entry is None:
        rise = activation(temperature, REFERENCE_TEMPERATURE, LATTICE_DIFFUSION if energy is None else float(energy))
        stated = 0.0 if table.critical_current is None else float(table.critical_current)
        return stated * rise, float(table.reference_pressure or 1.0)
    current = entry.at(temperature)
    if energy is not None:
        at = float(entry.reference_temperature or REFERENCE_TEMPERATURE)
        current = float(entry.value or 0.0) * activation(temperature, at, float(energy))
    return current, 1.0 if reference is None else reference.at(temperature)


def _value(table: Contact, key: str, electrolyte: ElectrolyteCard, temperature: float) -> float:
    stated = getattr(table, key)
    if stated is not None:
        return float(stated)
    entry = electrolyte.entries.get(OF_CARD[key])
    return ELSE[key] if entry is None else entry.at(temperature)
