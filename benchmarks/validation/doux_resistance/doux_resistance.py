"""Interface resistance against stack pressure, loading and unloading, beside Doux et al. (2020).

`python benchmarks/validation/doux_resistance/doux_resistance.py` writes results.csv and resistance.png beside itself.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from lifrac.problems.materials.cards import ElectrolyteCard, load_card
from lifrac.solver.interfaces.contact import interface_resistance
from lifrac.solver.model.interface import ContactLaw
from scipy.optimize import brentq, least_squares

HERE = Path(__file__).parent
FULL = 25.0
"""[MPa]: the largest pressure of the data counts as whole contact; the card's interface resistance holds there."""
TO_OHM_CM2 = 1.0e4
CARD = load_card("Li6PS5Cl")
assert isinstance(CARD, ElectrolyteCard)
FACE, KAPPA = CARD.kinetics(298.15, molar_volume=13.0e-6), CARD.evaluate(298.15).conductivity


def law(exponent: float, retention: float = 0.0) -> ContactLaw:
    """Return a law of static contact alone; voids play no part at rest."""
    return ContactLaw(1.0, 0.0, full_contact_pressure=FULL, static_exponent=exponent, retention=retention)


def ratio(contact: ContactLaw, pressure: float, largest: float = 0.0) -> float:
    """Interface resistance over that of a whole face."""
    whole = interface_resistance(contact, FACE, KAPPA, FULL)
    return interface_resistance(contact, FACE, KAPPA, pressure, largest) / whole


def series(x: np.ndarray, exponent: float, pressure: np.ndarray) -> np.ndarray:
    """Cell: x0 that pressure does not change, plus x1 of whole interfaces over contact [ohm]."""
    return x[0] + x[1] * np.array([ratio(law(exponent), p) for p in pressure])


def kept(exponent: float, share: float) -> float:
    """Retention for which a share of the excess resistance at 5 MPa stays erased after 25 MPa."""
    excess = ratio(law(exponent), 5.0) - 1.0
    return float(brentq(lambda r: ratio(law(exponent, r), 5.0, FULL) - 1.0 - (1.0 - share) * excess, 0.0, 1.0))


def main() -> None:
    data = pd.read_csv(HERE / "data.csv", comment="#")
    cell = data[(data.quantity == "impedance") & (data.branch == "loading") & data.note.isna()]
    p, r = cell.pressure_MPa.to_numpy(float), cell.value.to_numpy(float)
    back = float(data[data.branch == "unloading"].value.iloc[0])
    asr = data[data.quantity == "asr"].set_index("pressure_MPa").value
    share = (r[0] - back) / (r[0] - r[-1])
    fits = {}
    found = least_squares(lambda x: np.log(series(x[:2], x[2], p) / r), [20.0, 12.0, 1.2]).x
    fits["impedance"] = (found[:2], float(found[2]))
    exponent = float(np.log(asr[5] / asr[25]) / np.log(FULL / 5.0))
    held = least_squares(lambda x: np.log(series(x, exponent, p) / r), [5.0, 20.0], bounds=(0.0, np.inf)).x
    fits["asr (card)"] = (held, exponent)
    rows = []
    for name, (x, q) in fits.items():
        loading, retention = law(q), kept(q, share)
        after = x[0] + x[1] * ratio(law(q, retention), 5.0, FULL)
        rows += [
            (name, "exponent", q, np.nan, "fitted"),
            (name, "retention", retention, np.nan, "fitted"),
            (name, "R0 ohm", x[0], np.nan, "fitted"),
            (name, "R1 ohm", x[1], np.nan, "fitted"),
        ]
        rows += [(name, f"R({a:g} MPa)", b, c, "fitted") for a, b, c in zip(p, series(x, q, p), r, strict=True)]
        rows += [
            (name, "R(1 MPa), data: more than", series(x, q, np.array([1.0]))[0], 500.0, "predicted"),
            (name, "R(5 MPa) after 25 MPa", after, back, "fitted"),
            (
                name,
                "ASR(5 MPa)/ASR(25 MPa)",
                ratio(loading, 5.0),
                asr[5] / asr[25],
                "fitted" if "asr" in name else "predicted",
            ),
        ]
    table = pd.DataFrame(rows, columns=["fit", "quantity", "model", "data", "kind"])
    table["misfit"] = table.model / table.data - 1.0
    table.round(4).to_csv(HERE / "results.csv", index=False)
    print(table.round(3).to_string(index=False))
    draw(fits, share, data)


def draw(fits: dict[str, tuple[np.ndarray, float]], share: float, data: pd.DataFrame) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
    line = np.geomspace(1.0, FULL, 80)
    for k, (name, (x, q)) in enumerate(fits.items()):
        ax.plot(line, series(x, q, line), color=f"C{k}", label=f"loading, exponent {q:.2f} from {name}")
        after = law(q, kept(q, share))
        unloading = [x[0] + x[1] * ratio(after, a, FULL) for a in line]
        ax.plot(line, unloading, "--", color=f"C{k}", label="after 25 MPa")
    impedance = data[data.quantity == "impedance"]
    loading = impedance[impedance.branch == "loading"]
    ax.plot(loading.pressure_MPa, loading.value, "ko", ms=4, label="Doux, loading (1 MPa: lower bound)")
    unloading = impedance[impedance.branch == "unloading"]
    ax.plot(unloading.pressure_MPa, unloading.value, "k^", ms=5, mfc="white", label="Doux, back from 25 MPa")
    ax.set(xscale="log", yscale="log", xlabel="stack pressure [MPa]", ylabel="resistance of the cell [ohm]")
    ax.legend(frameon=False, fontsize=7)
    fig.savefig(HERE / "resistance.png", dpi=110)


if __name__ == "__main__":
    main()
