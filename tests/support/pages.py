"""Reads the Markdown pages of the repository: snippets, tables, links, commands, found by themselves."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"CHANGELOG.md"}
"""It tells of the past: what it names may be gone."""
BUILT = {"runs", "build", "dist"}
"""Folders that are made."""
FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Snippet:
    """A block of code on a page."""

    page: str
    line: int
    kind: str
    """Language of the fence; `console` for an indented block."""
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A line that a reader would type."""

    where: str
    text: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where} {self.text[:60]}"


@dataclass(frozen=True)
class Table:
    """Lines of a table, as they stand."""

    where: str
    rows: tuple[str, ...]

    @property
    def cells(self) -> list[list[str]]:
        return [cells(row) for row in self.rows]


def cells(row: str) -> list[str]:
    """Cells of a row; a bar that is escaped, or stands in code, is none between cells."""
    hidden = CODE.sub(lambda match: match[0].replace("|", "\0"), row.replace("\\|", "\0")).strip()
    return [cell.strip().replace("\0", "|") for cell in hidden.strip("|").split("|")]


@cache
def pages() -> dict[str, list[str]]:
    """Lines of every page of the tree, by its path."""
    found = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    ours = [path for path in found if not any(part.startswith(".") or part in BUILT for part in path.parts)]
    kept = [path for path in ours if path.name not in LEFT_OUT]
    return {str(path): (ROOT / path).read_text(encoding="utf-8").splitlines() for path in kept}


@cache
def snippets() -> tuple[Snippet, ...]:
    return tuple(snippet for page in pages() for snippet in _snippets(page))


def _snippets(page: str) -> Iterator[Snippet]:
    """Fenced blocks, and indented ones that begin a paragraph outside lists."""
    lines, number, in_list = pages()[page], 0, False
    while number < len(lines):
        line = lines[number]
        if fence := FENCE.match(line):
            end = next(k for k in range(number + 1, len(lines)) if lines[k].strip() == "```")
            body = [text[len(fence[1]) :] for text in lines[number + 1 : end]]
            yield Snippet(page, number + 1, fence[2] or "text", "\n".join(body) + "\n")
            number = end + 1
            continue
        if re.match(r"^([*-]|\d+\.) ", line):
            in_list = True
        elif line.strip() and not line.startswith(" "):
            in_list = False
        before = lines[number - 1] if number else ""
        if line.startswith("    ") and line.strip() and not in_list and (not before.strip() or before.startswith("#")):
            end = number
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            body = [text[4:] for text in lines[number:end]]
            yield Snippet(page, number + 1, "console", "\n".join(body).rstrip() + "\n")
            number = end
            continue
        number += 1


def prose(page: str) -> Iterator[tuple[int, str]]:
    """Lines of a page outside snippets, with their numbers."""
    inside: set[int] = set()
    for snippet in snippets():
        if snippet.page == page:
            count = snippet.text.count("\n") + (2 if snippet.kind != "console" else 0)
            inside |= set(range(snippet.line, snippet.line + count))
    yield from ((n, text) for n, text in enumerate(pages()[page], 1) if n not in inside)


def commands() -> Iterator[Command]:
    """Lines of consoles and shell scripts, joined where they go on; comments are left out."""
    for snippet in snippets():
        if snippet.kind not in ("console", "bash", "sh"):
            continue
        joined = snippet.text.replace("\\\n", " ")
        for text in joined.splitlines():
            words = shlex.split(text, comments=True)
            if words:
                yield Command(str(snippet), text.strip(), tuple(words))


def quoted_commands() -> Iterator[Command]:
    """Commands of lifrac in running text: `lifrac run llzo_holds`."""
    for page in pages():
        for number, line in prose(page):
            for code in CODE.findall(line):
                if re.match(r"lifrac [a-z]", code):
                    yield Command(f"{page}:{number}", code, tuple(shlex.split(code)))


def tables() -> Iterator[Table]:
    """Runs of lines that begin with a bar."""
    for page in pages():
        rows: list[str] = []
        start = 0
        for number, line in [*prose(page), (-1, "")]:
            if line.startswith("|"):
                start = start if rows else number
                rows.append(line)
            elif rows:
                yield Table(f"{page}:{start}", tuple(rows))
                rows = []


def links() -> Iterator[tuple[str, str, str]]:
    """Page, line and target of every link and picture."""
    for page in pages():
        for number, line in prose(page):
            for target in LINK.findall(CODE.sub("", line)):
                yield page, f"{page}:{number}", target


def anchors(page: str) -> set[str]:
    """Anchors that a renderer gives the headings of a page."""
    found = (text.lstrip("#").strip() for _, text in prose(page) if text.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}
