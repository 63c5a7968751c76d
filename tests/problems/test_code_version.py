"""The hash of the code that decides numbers sees what Python acts on, and nothing else."""

from importlib import resources

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


def test_every_module_of_the_solver_is_hashed() -> None:
    """A folder deep within counts as much as one beside the others."""
    with resources.as_file(resources.files("lifrac.solver")) as folder:
        hashed = set(folder.glob(DECIDING["lifrac.solver"]))
        assert hashed == set(folder.rglob("*.py"))
        assert {"cell.py", "energy.py", "stepper.py"} <= {file.name for file in hashed}
    assert len(code_hash()) == 64
