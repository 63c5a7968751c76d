"""The folder that all processes of a test session share."""

SESSION_FOLDER = "LIFRAC_TESTS_FOLDER"
"""Environment variable that names it; `tests/conftest.py` sets it."""
