"""Helpers of tests: small cells, short runs, texts of cases, made-up run folders, and runs on several ranks."""
