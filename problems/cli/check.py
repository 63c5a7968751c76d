"""`lifrac check`."""

from .app import CaseArgument, Set, app, is_root, load


@app.command
def check(case: CaseArgument, /, *, set_: Set = None) -> int:
    """Dry run: resolved values, materials with sources, characteristic numbers, estimates, warnings.

    For example:

        lifrac check case.toml
        lifrac check llzo_holds --set operation.stack_pressure="25 MPa"
    """
    loaded = load(case, set_)
    loaded.geometry()
    if is_root():
        from lifrac.problems.case.own_mesh import read_own
        from lifrac.problems.materials.card_files import console

        from .printing import print_check

        raw, compared = (None, []) if loaded.mesh_file is None else read_own(loaded)
        print_check(loaded, console(), raw)
        for comparison in compared:
            print(comparison.as_text())
    return 0
