"""Card files as they lie on disk: reading and listing, without the models that check them."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifrac.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

CARDS = Path(__file__).parents[1] / "ready" / "cards"
"""Folder of the ready cards."""


def card_names() -> dict[str, str]:
    """Ready cards: name -> kind, electrolytes first."""
    kinds = {path.stem: read_table(path).get("kind", "") for path in sorted(CARDS.glob("*.toml"))}
    return dict(sorted(kinds.items(), key=lambda item: (item[1] != "electrolyte", item[0])))


def read_table(path: Path) -> dict[str, Any]:
    """Return the raw table of a card file.

    Raises
    ------
    InputError
        The file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(
            f"cannot be read: {error}", file=path, remedy="Write the card in TOML (docs/materials.md)"
        ) from None


def print_card_list(out: "Console") -> None:
    """All ready cards, one a line."""
    from rich.table import Table

    table = Table("name", "kind", "composition", "what it stands for", box=None, pad_edge=False)
    for name in card_names():
        card = read_table(CARDS / f"{name}.toml")
        table.add_row(name, card["kind"], card["formula"], card["description"])
    out.print(table)
    out.print("\nShow one with its numbers and sources: lifrac materials NAME")


def console() -> "Console":
    """Return a console on standard output; wide enough for tables where it is no terminal."""
    from rich.console import Console

    plain = Console(markup=False, highlight=False)
    return plain if plain.is_terminal else Console(markup=False, highlight=False, width=140)
