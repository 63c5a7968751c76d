"""Printed tables of `lifrac threshold`."""

import math

from lifrac.problems.case.case import Case
from lifrac.problems.quantities import units as u
from lifrac.problems.run.threshold_current import Threshold
from rich.console import Console
from rich.table import Table

NAMES = {
    "operation.temperature": "temperature, through all material laws",
    "loads.stack_pressure": "stack pressure",
    "loads.lateral_stress": "lateral stress",
    "flaw.length": "length of the flaw",
    "flaw.aperture": "aperture of the flaw",
    "electrolyte.fracture_energy": "fracture energy Gc",
    "electrolyte.youngs_modulus": "Young's modulus",
    "electrolyte.poisson_ratio": "Poisson's ratio",
    "electrolyte.conductivity": "conductivity",
    "anode.exchange_current": "exchange current density, anode",
    "anode.film_resistance": "film resistance, anode",
    "anode.contact_fraction": "contact, anode",
    "anode.spot_radius": "radius of contact spots, anode",
    "anode.molar_volume": "molar volume of lithium",
    "creep.prefactor": "creep rate of lithium",
    "creep.exponent": "creep exponent",
}
"""What people call the numbers that a user states; others keep to the Python interface."""
SMALLEST = 5.0e-4
"""Percent of current per percent below which a number is not listed."""


def print_threshold(case: Case, found: Threshold, out: Console) -> None:
    """Print a threshold current: the number, what makes it up, and what it depends on."""
    error = "not estimated, one mesh" if math.isnan(found.error) else f"{100.0 * found.error:.2g} %"
    out.print(f"{case.path}  content hash {case.content_hash()[:16]}", style="bold")
    table = Table(
        "quantity", "value", title="Threshold current: below it the flaw holds for ever", title_justify="left"
    )
    table.add_row("threshold current density", u.show(found.current_density, u.CURRENT_DENSITY))
    table.add_row("numerical error", error)
    table.add_row("on coarse to fine mesh", ", ".join(u.show(j, u.CURRENT_DENSITY) for j in found.by_mesh))
    if not math.isnan(found.wider):
        change = f"{100.0 * (found.wider / found.by_mesh[0] - 1.0):+.1f} %"
        table.add_row("the same with the next flaw twice as far away (mesh.half_width)", change)
    table.add_row("closed form, blocked flaw in a half plane", u.show(found.closed_form, u.CURRENT_DENSITY))
    table.add_row("blocked flaw in this body", u.show(found.blocked, u.CURRENT_DENSITY))
    table.add_row("limited by", found.limited_by)
    table.add_row("cell voltage", u.show(found.voltage, u.VOLTAGE))
    table.add_row("pressure of lithium at the tip", u.show(float(found.pressure[-1]), u.PRESSURE))
    table.add_row("opening at the mouth", u.show(float(found.aperture[0]), u.LENGTH))
    out.print(table)
    out.print(_budget(found))
    out.print(_sensitivities(found))


def _budget(found: Threshold) -> Table:
    table = Table("part", "of K_Ic", title="What brings the flaw to its toughness", title_justify="left")
    for name, part in found.budget.items():
        if abs(part) > 0.5 * SMALLEST:
            table.add_row(name, f"{100.0 * part:.1f} %")
    return table


def _sensitivities(found: Threshold) -> Table:
    table = Table("one percent more of", "changes the threshold by", title="Sensitivity", title_justify="left")
    for entry in found.sensitivities:
        if entry.name in NAMES and abs(entry.logarithmic) > SMALLEST:  # NaN, of a number that is zero, is not
            per = entry.logarithmic
            text = f"{per:+.2f} %"
            if entry.name == "operation.temperature":
                table.add_row(
                    "1 K more of temperature, through all material laws", f"{100.0 * per / entry.value:+.2f} %"
                )
            else:
                table.add_row(NAMES[entry.name], text)
    return table
