"""The hash of the code that decides numbers sees what Python acts on, and nothing else."""

from lifrac.problems.run.code_version import DECIDING, _statements, code_hash

SOURCE = '''"""What it is."""

def f(x):
    """Twice x."""
    # as everybody knows
    return 2.0 * x
'''


def tokens(source: str) -> list[str]:
    return list(_statements(source))


def test_comments_docstrings_and_blank_lines_do_not_count() -> None:
    bare = SOURCE.replace("    # as everybody knows\n", "").replace("Twice x.", "Doubles.").replace("\n\n", "\n\n\n")
    assert tokens(bare) == tokens(SOURCE)


def test_numbers_strings_and_indentation_count() -> None:
    assert tokens(SOURCE.replace("2.0", "2.1")) != tokens(SOURCE)
    assert tokens("name = 'a'\n") != tokens("name = 'b'\n")
    assert tokens("if a:\n    b()\n    c()\n") != tokens("if a:\n    b()\nc()\n")


def test_every_package_of_the_solver_is_hashed() -> None:
    import pkgutil

    import lifrac.solver

    inner = {m.name for m in pkgutil.walk_packages(lifrac.solver.__path__, "lifrac.solver.") if m.ispkg}
    assert inner | {"lifrac.solver", "lifrac.meshes"} <= set(DECIDING)
    assert len(code_hash()) == 64
