"""The language of case files: tables, checks, and the model that a case resolves into."""
