"""The quantities that lifrac writes, in the order in which they are written.

Another one is an entry here and a function in `solver/` that computes it (docs/architecture.md).
"""

from math import nan

from .registry import Kind, Place, Quantity

STEPS = (
    Quantity(name="step", symbol="n", description="number of the accepted step; row 0 is t = 0"),
    Quantity(name="time", unit="s", symbol="t", description="time", at_end="time"),
    Quantity(name="dt", unit="s", symbol=r"\Delta t", description="length of the step that led there"),
    Quantity(name="protocol_step", description="which step of the protocol, counted from 0"),
    Quantity(
        name="current_density",
        unit="mA/cm2",
        symbol="j",
        description="current per area of the anode, applied or (held voltage) as it flows; positive plates there",
        at_end="current_density_at_end",
    ),
    Quantity(
        name="charge",
        unit="mAh/cm2",
        symbol="q",
        title="Areal capacity",
        description="net capacity plated so far, per area of the anode",
        at_end="charge",
    ),
    Quantity(
        name="cell_voltage",
        unit="V",
        symbol="V",
        description="voltage between the electrodes",
        at_end="cell_voltage",
    ),
    Quantity(
        name="crack_length",
        unit="um",
        symbol="a_d",
        place=Place.CRACK,
        description="crack length by damage (dissipated energy where Gc is constant), flaw included",
        at_end="crack_length",
    ),
    Quantity(
        name="crack_tip",
        unit="um",
        symbol="a",
        place=Place.CRACK,
        description="traction-free tip, measured from the anode face",
    ),
    Quantity(
        name="lithium_length",
        unit="um",
        symbol=r"a_\mathrm{Li}",
        place=Place.CRACK,
        description="how far lithium reaches from the anode face",
        at_end="lithium_length",
    ),
    Quantity(
        name="max_lithium_pressure",
        unit="MPa",
        symbol=r"p_\mathrm{max}",
        place=Place.CRACK,
        title="Max. lithium pressure",
        description="largest pressure in the lithium",
        at_end="lithium_pressure_at_end",
        largest="max_lithium_pressure",
    ),
    Quantity(
        name="mouth_opening",
        unit="um",
        symbol=r"w_\mathrm{mouth}",
        place=Place.CRACK,
        description="opening at the anode face",
    ),
    Quantity(
        name="flaw_volume",
        unit="um2",
        symbol="A",
        place=Place.CRACK,
        description="volume of the crack, per depth",
    ),
    Quantity(
        name="lithium_volume",
        unit="um2",
        symbol=r"A_\mathrm{Li}",
        place=Place.CRACK,
        description="volume of the lithium in the crack, per depth",
    ),
    Quantity(
        name="extruded",
        unit="um2",
        symbol=r"A_\mathrm{out}",
        place=Place.CRACK,
        title="Extruded lithium",
        description="lithium squeezed out of the mouth so far, per depth",
    ),
    Quantity(
        name="flaw_current_share",
        symbol=r"\chi",
        place=Place.CRACK,
        description="part of the current that flows into the crack",
    ),
    Quantity(name="newton_iterations", description="iterations of the step"),
    Quantity(
        name="charge_balance_error",
        kind=Kind.BALANCE,
        description="relative error of the balance of charge",
        largest="charge_balance_error",
    ),
    Quantity(
        name="lithium_balance_error",
        kind=Kind.BALANCE,
        description="relative error of the balance of lithium in the flaw",
        largest="lithium_balance_error",
    ),
    Quantity(
        name="energy_balance_error",
        kind=Kind.BALANCE,
        description="relative error of the balance of energy",
        largest="energy_balance_error",
    ),
    Quantity(
        name="contact_anode",
        symbol=r"c_\mathrm{a}",
        place=Place.FACES,
        default=1.0,
        title="Contact of the anode face",
        description="mean part of the anode face that pressure and voids leave in contact; 1 without a contact law",
    ),
    Quantity(
        name="contact_counter",
        symbol=r"c_\mathrm{c}",
        place=Place.FACES,
        default=1.0,
        title="Contact of the counter electrode",
        description="the same of the counter electrode",
    ),
    Quantity(name="cycle", default=0.0, description="which cycle of the protocol, counted from 1; 0 outside cycles"),
    Quantity(
        name="toughness_factor",
        symbol=r"G_\mathrm{c,eff}/G_\mathrm{c}",
        place=Place.CRACK,
        default=1.0,
        description="Gc_eff/Gc that the current leaves; 1 without `[fracture.assisted]`",
    ),
    Quantity(
        name="stack_pressure",
        unit="MPa",
        symbol="P",
        default=nan,
        description="stack pressure that acts: as it was set, or as the fixture makes it",
    ),
    Quantity(
        name="advance",
        unit="um",
        symbol=r"\Delta a",
        kind=Kind.DIAGNOSTIC,
        place=Place.CRACK,
        description="how far the crack has left the flaw",
    ),
    Quantity(
        name="anode_current_density",
        unit="mA/cm2",
        symbol=r"j_\mathrm{a}",
        kind=Kind.DIAGNOSTIC,
        place=Place.FACES,
        description="what flows into anode and flaw, per area of the anode: the current density, found from the fields",
        at_end="anode_current_density_at_end",
    ),
    Quantity(
        name="counter_current_density",
        unit="mA/cm2",
        symbol=r"j_\mathrm{c}",
        kind=Kind.DIAGNOSTIC,
        place=Place.FACES,
        description="the same current through the counter electrode, per area of that",
        at_end="counter_current_density_at_end",
    ),
)
"""Numbers of every accepted step."""


def _of_run(name: str, description: str, unit: str = "", **more: str) -> Quantity:
    return Quantity(name=name, description=description, unit=unit, kind=Kind.SUMMARY, **more)  # type: ignore[arg-type]


RUN = (
    _of_run("outcome", "what became of the cell"),
    _of_run("termination", "why the computation ended"),
    _of_run("ranks", "ranks of the last part of the run"),
    _of_run("resumed", "how often the run was interrupted and went on"),
    _of_run(
        "states_not_stored",
        "how often a state could not be stored in `fields.vtkhdf`; the next step's was stored in its place",
    ),
    _of_run("dofs", "unknowns of the bulk; with `mesh.adaptive` at the end"),
    _of_run("steps", "accepted time steps"),
    _of_run("rejected_steps", "refused tries of time steps"),
    _of_run("nonlinear_iterations", "iterations of the accepted steps"),
    _of_run("wall_time", "time that all parts of the run took", "s"),
    _of_run(
        "first_current_density",
        "the first current density of the protocol that is not zero; of a ramp, its first level",
        "mA/cm2",
    ),
    _of_run(
        "anode_area",
        "area of the anode as meshed, a half or a quarter of it where the body is one: um per um of depth in 2D, um2 "
        "in 3D",
        "um",
        symbol=r"A_\mathrm{a}",
    ),
    _of_run("counter_area", "the same of the counter electrode", "um", symbol=r"A_\mathrm{c}"),
    _of_run("capacity_at_fracture", "net capacity when the crack first left the flaw", "mAh/cm2"),
    _of_run("capacity_at_crack_through", "when the crack was through", "mAh/cm2"),
    _of_run("capacity_at_short", "when lithium reached the counter electrode", "mAh/cm2"),
    _of_run("capacity_at_contact_loss", "when the contact of an electrode face was lost", "mAh/cm2"),
    _of_run(
        "capacity_at_fracture_error",
        "relative numerical error of `capacity_at_fracture_mAh_per_cm2`; `null` where it is not known",
    ),
    _of_run("capacity_at_crack_through_error", "the same of `capacity_at_crack_through_mAh_per_cm2`"),
    _of_run("capacity_at_short_error", "the same of `capacity_at_short_mAh_per_cm2`"),
    _of_run("capacity_at_contact_loss_error", "the same of `capacity_at_contact_loss_mAh_per_cm2`"),
    _of_run("error_estimate", "what these errors rest on: a companion run, or why there is none"),
    _of_run(
        "cycles_completed",
        "cycles both of whose half-cycles have ended, at whichever of their limits; a level of an alternating ramp is "
        "one",
    ),
    _of_run(
        "ramp_current_density_survived",
        "current density of the last level of a ramp that has ended with lithium in the flaw; `null` without a ramp, "
        "or if there is none",
        "mA/cm2",
    ),
    _of_run(
        "current_density_at_failure",
        "current density, negative when stripping, in the half-step in which the failure that ended the run happened; "
        "`null` if none did",
        "mA/cm2",
    ),
    _of_run("half_step_capacity_at_failure", "charge passed in that half-step until then", "mAh/cm2"),
    _of_run(
        "plated_capacity",
        "everything plated at the anode in the whole run, whatever was stripped in between",
        "mAh/cm2",
    ),
    _of_run(
        "protocol_steps_of_events",
        "the (half-)step, counted from 0 as in `history.csv`, in which each event first happened",
    ),
    _of_run(
        "flaw_empty_since_protocol_step",
        "the first (half-)step, counted from 0 as in `history.csv`, that plated while the flaw was empty; `null` if "
        "none did",
    ),
    _of_run("flaw_empty_since_cycle", "the cycle (level of a ramp) of that step"),
)
"""Quantities of a run as a whole, besides values of `STEPS` at its end and their largest."""

FIELDS = (
    Quantity(
        name="potential",
        unit="V",
        symbol=r"\phi",
        kind=Kind.FIELD,
        place=Place.BULK,
        description="electrolyte potential",
    ),
    Quantity(
        name="current_density",
        unit="mA/cm2",
        symbol=r"\mathbf{i}",
        kind=Kind.FIELD,
        place=Place.BULK,
        components=3,
        description="current density, mean of the cells around a node",
    ),
    Quantity(
        name="displacement",
        unit="um",
        symbol=r"\mathbf{u}",
        kind=Kind.FIELD,
        place=Place.BULK,
        components=3,
        description="displacement under the loads",
    ),
    Quantity(
        name="stress",
        unit="MPa",
        symbol=r"\boldsymbol{\sigma}",
        kind=Kind.FIELD,
        place=Place.BULK,
        components=6,
        description="components xx yy zz xy yz xz, tension positive; mean of the cells around a node",
    ),
    Quantity(
        name="aperture",
        unit="um",
        symbol="w",
        kind=Kind.FIELD,
        place=Place.CRACK,
        description="width of the crack, initial aperture included",
    ),
    Quantity(
        name="lithium_thickness",
        unit="um",
        symbol="h",
        kind=Kind.FIELD,
        place=Place.CRACK,
        written_as="metal_thickness",
        description="lithium in the crack",
    ),
    Quantity(
        name="fill_fraction",
        symbol="h/w",
        kind=Kind.FIELD,
        place=Place.CRACK,
        written_as="lithium_share",
        title="Part filled with lithium",
        description="part of the aperture that lithium fills, 0 to 1; 0 where lithium cannot be",
    ),
    Quantity(
        name="lithium_pressure",
        unit="MPa",
        symbol="p",
        kind=Kind.FIELD,
        place=Place.CRACK,
        description="pressure of the lithium in cracks and on walls of pores; 0 where it does not fill the crack",
    ),
    Quantity(
        name="damage",
        symbol="d",
        kind=Kind.FIELD,
        place=Place.CRACK,
        description="0 intact, 1 separated; a crack of the phase field is about four internal lengths wide",
    ),
    Quantity(
        name="face_current_density",
        unit="mA/cm2",
        symbol=r"j_\Gamma",
        kind=Kind.FIELD,
        place=Place.SURFACES,
        description="current through the interface, per touching area; positive plates, so that it is negative on the "
        "counter electrode while the anode plates",
    ),
    Quantity(
        name="contact",
        symbol="c",
        kind=Kind.FIELD,
        place=Place.FACES,
        description="part of the electrode faces that touches, constant contact fraction included",
    ),
)
"""Point arrays of `fields.vtkhdf`."""
