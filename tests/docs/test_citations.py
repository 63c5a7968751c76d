"""Pages and headings that code and docs cite are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("meshes", "solver", "problems", "postprocess", "benchmarks", "tests", "docs", "tools")
PAGE = re.compile(r"docs/[\w/]+\.md")
CITED = re.compile(r"(docs/theory/\w+\.md), ([A-Z][a-z]+(?:[ -][a-z]+)*)")
"""Page and heading; what follows the heading in a sentence may be caught with it."""


def sources() -> Iterator[tuple[Path, str]]:
    """Every text of the project, lines joined so that a citation may be wrapped."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".md", ".toml") and path != Path(__file__):
                yield path, re.sub(r"\s*\n\s*(?:#\s)?", " ", path.read_text())


def headings(page: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)


def test_every_page_that_is_cited_exists() -> None:
    cited = [(str(path), page) for path, text in sources() for page in PAGE.findall(text)]
    missing = [(path, page) for path, page in cited if not (ROOT / page).is_file()]
    assert not missing


def test_every_heading_of_the_theory_that_is_cited_exists() -> None:
    found = [(path, page, words) for path, text in sources() for page, words in CITED.findall(text)]
    assert len(found) > 25, "the pattern has lost the citations"
    astray = [
        (str(path), page, words)
        for path, page, words in found
        if not any(words == h or words.startswith(f"{h} ") or words == h.split(",")[0] for h in headings(page))
    ]
    assert not astray


@pytest.mark.parametrize("page", ["model", "exact_solutions"])
def test_every_heading_of_the_theory_says_something(page: str) -> None:
    """No section is empty, so that a citation leads to an equation or a number."""
    text = (ROOT / f"docs/theory/{page}.md").read_text()
    parts = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    assert len(parts) > 6
    assert all(re.search(r"\d|=", part) for part in parts)
