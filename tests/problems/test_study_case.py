"""A study hands tables of its case on as TOML."""

import tomllib

from lifrac.problems.studies.study_case import toml_value


def test_lists_of_tables_of_the_case_can_be_stated() -> None:
    """`[[case.protocol.steps]]`: tables in a list reach the case as TOML."""
    value = {"type": "rest", "duration": "1 h", "of": {"a b": [1, 2.5, True]}}
    text = toml_value([value, value])
    assert tomllib.loads(f"x = {text}") == {"x": [value, value]}
