"""`lifrac materials`."""

from typing import Annotated

from cyclopts import Parameter

from .app import app, is_root


@app.command
def materials(
    name: Annotated[
        str | None, Parameter(help="A ready card, or the path of your own; all are listed without.")
    ] = None,
    /,
) -> int:
    """List the material cards, or show one with its numbers, temperature laws, sources and confidence.

    For example:

        lifrac materials
        lifrac materials LLZO
        lifrac materials my_electrolyte.toml
    """
    if not is_root():
        return 0
    from lifrac.problems.materials.card_files import console, print_card_list

    if name is None:
        print_card_list(console())
    else:
        from lifrac.problems.materials.cards import load_card

        from .printing import print_card

        print_card(load_card(name, key="NAME"), console())
    return 0
