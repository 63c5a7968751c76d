"""Stress intensity at which a crack grows where the current weakens the material, against the law that was put in."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from lifrac.simulation import Simulation
from lifrac.solver.interfaces.toughness import AssistedToughness
from lifrac.solver.model.cell_model import CohesiveModel
from lifrac.solver.model.control import ConstantCurrent
from lifrac.solver.model.fracture import AssistedCracking
from lifrac.solver.model.protocol import ProtocolStep
from lifrac.solver.physics.kinetics import PrescribedCurrent
from lifrac.solver.plane.body import PlaneBody
from lifrac.verification.support import figures
from lifrac.verification.support.book import Level, Row, check
from lifrac.verification.support.plane_runs import LLZO, Floats, cohesive_engine

from .growth import A0, Setting, filled_crack
from .threshold_growth import stress_intensity_weights

LAW = AssistedCracking(current_density=10.0)
"""j_c = 1 mA/cm2, K ratio 0.25 at high current."""
RATIOS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""j/j_c."""
FROM, TO = 1.25, 1.5
"""Crack length over a0 between which K at growth is read."""


@dataclass(frozen=True)
class Growth:
    """The growth that a run shows between FROM and TO."""

    intensity: Floats
    """K/K_Ic at every step."""
    factor: float
    """Gc_eff/Gc in force at the end."""
    released: float
    """Energy that flowed into the crack over Gc times its advance."""
    energy_balance_error: float


class StressIntensity:
    """K of a pressure in a crack whose tip lies between FROM and TO, by energy release on the engine's mesh."""

    def __init__(self, body: PlaneBody) -> None:
        y = np.sort(body.surface.x[body.surface.crack, 1])
        self.tips = y[(y > (FROM - 0.1) * A0) & (y < (TO + 0.2) * A0)]
        self.weights = np.array([stress_intensity_weights(body, LLZO, tip) for tip in self.tips])

    def __call__(self, length: float, pressure: Floats) -> float:
        """K/K_Ic; pressure per crack dof [MPa]."""
        return float(np.interp(length, self.tips, self.weights @ pressure)) / LLZO.fracture_toughness


def grow_at(body: PlaneBody, model: CohesiveModel, current: float, measure: StressIntensity) -> Growth:
    """Run a crack that is fed at a face current [A/m2].

    Its lithium is thin enough at any current to share one pressure.
    """
    thin = replace(model.creep, linear_viscosity=1.0e-7 / current)
    fed = ProtocolStep(ConstantCurrent(current), duration=1.0e5 / current)
    model = replace(model, creep=thin, protocol=(fed,))
    simulation = Simulation.from_model(model, body, crack_kinetics=PrescribedCurrent(current))
    engine = cohesive_engine(simulation)
    intensity, lengths, energies, errors = [], [], [], []
    for step in simulation.steps():
        m, state = step.report.measures, step.report.state
        errors.append(m.energy_balance_error)
        if m.crack_length > FROM * A0:
            intensity.append(measure(m.crack_length, state.values[body.surface.crack, 1]))
            lengths.append(m.crack_length)
            stored = engine.diagnostics.elastic_energy(state) + engine.diagnostics.cohesive_energy(state)[0]
            energies.append(state.work["pressure"] - stored)
        if m.crack_length > TO * A0:
            break
    advance = LLZO.fracture_energy * (lengths[-1] - lengths[0])
    released = (energies[-1] - energies[0]) / advance
    return Growth(np.array(intensity), engine.measures.toughness_factor, released, max(errors))


@check(
    "assisted_toughness",
    engine="cohesive",
    title="Toughness that falls with the current: K at growth against the law put in",
    source="docs/theory/model.md, Cracking assisted by current: Gc_eff = Gc [r + (1 - r)/(1 + (j/j_c)^m)], "
    "K at growth = sqrt(Gc_eff/Gc) K_Ic",
    quick=True,
)
def assisted_toughness(level: Level, folder: Path | None) -> list[Row]:
    """Check an edge crack that keeps its lithium, at face currents over two decades; without the law K stays K_Ic.

    K comes from the pressure in the crack and the elastic stiffness, Gc_eff a second time from the energy that flows
    in (work of the pressure less elastic and cohesive energy): neither knows of the law. That K falls to 0.25 is put
    in, not predicted.
    """
    quick = level == "quick"
    body, model = filled_crack(Setting(0.4, 1.0 / 15.0, 1.8) if quick else Setting(0.2, 1.0 / 40.0, 1.9), inner=False)
    measure = StressIntensity(body)
    ratios = RATIOS[::4] if quick else RATIOS
    rows, griffith, assisted = [], [], []
    for ratio in ratios:
        current = ratio * LAW.current_density
        name = f"j = {ratio:g} j_c"
        root = AssistedToughness(LAW).factor(current) ** 0.5
        grown = grow_at(body, replace(model, assisted=LAW), current, measure)
        assisted.append(float(grown.intensity.mean()))
        rows += [
            Row(f"{name}: K at growth/K_Ic", assisted[-1], root, 0.02),
            Row(f"{name}: energy that flows in over Gc", grown.released, root**2, 0.02),
            Row(f"{name}: energy balance", grown.energy_balance_error, 0.0, 0.02, kind="below"),
        ]
        if not quick or ratio == 10.0:
            griffith.append(float(grow_at(body, model, current, measure).intensity.mean()))
            rows.append(Row(f"{name}, law off: K at growth/K_Ic", griffith[-1], 1.0, 0.02))
    if folder is not None:
        _draw(folder, np.array(ratios), {"law off (Griffith)": griffith, "law on": assisted})
    return rows


def _draw(folder: Path, ratios: Floats, found: dict[str, list[float]]) -> None:
    line = np.geomspace(0.05, 20.0, 100)
    law = [AssistedToughness(LAW).factor(x * LAW.current_density) ** 0.5 for x in line]
    exact: dict[str, figures.Curve] = {"law off (Griffith)": (line, np.ones_like(line)), "law on": (line, law)}
    computed: dict[str, figures.Curve] = {name: (ratios, values) for name, values in found.items()}
    figures.assisted_toughness(folder / "assisted_toughness.png", exact, computed)
