"""`lifrac threshold`."""

from lifrac.problems.process.signals import watched

from .app import CaseArgument, Set, app, is_root, load


@app.command
def threshold(case: CaseArgument, /, *, set_: Set = None) -> int:
    """Compute the current below which the flaw of a case holds for ever, and what it depends on.

    For example:

        lifrac threshold case.toml
        lifrac threshold li6ps5cl_1MPa --set operation.stack_pressure="20 MPa"
    """
    loaded = load(case, set_)
    from lifrac.problems.run.threshold_current import threshold as found_for

    watched()
    found = found_for(loaded)
    if is_root():
        from lifrac.problems.materials.card_files import console

        from .threshold_tables import print_threshold

        print_threshold(loaded, found, console())
    return 0
