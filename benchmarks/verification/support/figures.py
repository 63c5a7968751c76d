"""The figures of the verification book: small, quiet, one idea each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = tuple[ArrayLike, ArrayLike]


def _figure() -> "tuple[Figure, Axes]":
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.5)
    return fig, ax


def _save(fig: "Figure", path: Path) -> None:
    import matplotlib.pyplot as plt

    fig.savefig(path, dpi=110)
    plt.close(fig)


def convergence(path: Path, sizes: Sequence[float], errors: Mapping[str, Sequence[float]]) -> None:
    """Relative errors against element size per crack length, with first order for the eye."""
    fig, ax = _figure()
    for name, error in errors.items():
        ax.loglog(sizes, error, "o-", markersize=4, label=name)
    first = [max(e[0] for e in errors.values()) * s / sizes[0] for s in sizes]
    ax.loglog(sizes, first, ":", color="0.4", label="first order")
    ax.axhline(0.02, color="0.7", linewidth=0.8)
    ax.set_xticks(sizes, [f"1/{1 / s:.0f}" for s in sizes])
    ax.minorticks_off()
    ax.set(xlabel="element size on the crack / crack length", ylabel="relative error")
    ax.legend(frameon=False, fontsize=8)
    _save(fig, path)


def against_exact(
    path: Path,
    exact: Mapping[str, Curve],
    computed: Mapping[str, Curve],
    labels: tuple[str, str],
    log: bool = False,
) -> None:
    """Draw computed points on exact lines of the same colour; `labels` of x and y."""
    fig, ax = _figure()
    for k, name in enumerate(exact):
        ax.plot(*exact[name], color=f"C{k}", linewidth=1.0, label=f"{name}")
        ax.plot(*computed[name], "o", color=f"C{k}", markersize=3, markerfacecolor="white")
    if log:
        ax.set(xscale="log", yscale="log")
    ax.set(xlabel=labels[0], ylabel=labels[1])
    ax.legend(frameon=False, fontsize=8, title="line exact, points computed", title_fontsize=8)
    _save(fig, path)


def assisted_toughness(path: Path, law: Mapping[str, Curve], computed: Mapping[str, Curve]) -> None:
    """K at growth over K_Ic against current over j_c, beside what was observed in 2026: the law is put in."""
    fig, ax = _figure()
    for k, name in enumerate(law):
        ax.plot(*law[name], color=f"C{k}", linewidth=1.0, label=f"{name}: as put in")
        ax.plot(*computed[name], "o", color=f"C{k}", markersize=4, mfc="white", label="  K in the run")
    for level, text in ((1.0, "observed, lowest current: about 1"), (0.25, "observed, high current: about 0.25")):
        ax.axhline(level, color="0.6", linewidth=0.8, linestyle="--")
        ax.text(0.055, level + 0.02, text, fontsize=7, color="0.35")
    ax.set(xscale="log", ylim=(0.0, 1.25), xlabel="plating current density at the tip / j_c (assumed)")
    ax.set_ylabel("K at growth / K_Ic")
    ax.set_title(
        "Observed: Fincher et al., Nature (2026), after press and commentary (exact figures\n"
        "to be taken from the paper). The ratio 0.25 is put into the law, not predicted.",
        fontsize=7,
        loc="left",
    )
    ax.legend(frameon=False, fontsize=7, loc="center right")
    _save(fig, path)
