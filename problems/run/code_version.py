"""Which code a result comes from: a hash of the sources that decide numbers, kept beside the version."""

import hashlib
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources

DECIDING = {"lifrac.meshes": "**/*.py", "lifrac.solver": "**/*.py", "lifrac.problems": "run/summary.py"}
"""Packages whose code decides the numbers of a run besides the resolved case, and which of their files do."""
SHOWN = 12
"""Digits of a hash that people see."""
_LAYOUT = {tokenize.NL, tokenize.COMMENT}


def version() -> str:
    """Version of lifrac."""
    return metadata.version("lifrac")


def short(code: str | None) -> str:
    """Return a hash, or its absence, for people."""
    return (code or "")[:SHOWN] or "of an earlier version, without a hash"


@cache
def code_hash() -> str:
    """SHA-256 of the code that decides numbers; comments, docstrings and blank lines do not count."""
    digest = hashlib.sha256()
    for package, pattern in DECIDING.items():
        with resources.as_file(resources.files(package)) as folder:
            for file in sorted(folder.glob(pattern)):
                digest.update(f"{package}/{file.relative_to(folder).as_posix()}\n".encode())
                for token in _statements(file.read_text(encoding="utf-8")):
                    digest.update(token.encode() + b"\x00")
    return digest.hexdigest()


def _statements(source: str) -> Iterator[str]:
    """Tokens that Python acts on: indentation counts, strings that stand alone (docstrings) do not."""
    alone = True  # the next token begins a statement
    held: str | None = None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            held, alone = None, True
            yield "\n"
            continue
        if token.type in _LAYOUT:
            continue
        if held is not None:
            yield held
            held = None
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            yield tokenize.tok_name[token.type]
            continue
        if alone and token.type == tokenize.STRING:
            held = token.string
        else:
            yield token.string
        alone = False
