"""Pages keep what they promise: tables render, links lead somewhere, columns, keys, files and names exist."""

import json
import re
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
from lifrac.postprocess.read.run_result import RunResult
from lifrac.problems.case.case import READY_CASES
from lifrac.problems.case.schema import CaseFile
from lifrac.problems.case.schema_tools import find_field
from lifrac.problems.process.ending import BAD_INPUT
from lifrac.problems.run.loop import ASKED_TO_STOP, DONE, NUMERICAL_FAILURE
from lifrac.problems.studies.ccd.study import READY_STUDIES
from lifrac.problems.studies.ccd.study_file import StudyFile
from lifrac.problems.studies.ccd.tables import CCD_COLUMNS, RUN_COLUMNS
from lifrac.problems.studies.population.distribution import CURVE_COLUMNS, QUANTILE_COLUMNS
from lifrac.problems.studies.sweep.sweep import READY_SWEEPS, SweepFile
from lifrac.solver.protocol.events import GRAVEST
from support.pages import CODE, ROOT, Table, anchors, links, pages, prose, tables
from support.short_runs import short_run

FOLDERS = ("library", "meshes", "solver", "problems", "postprocess", "benchmarks", "tests", "tools", "docs")
PATH = re.compile(r"^[\w./-]+\.(py|md|toml|sh|csv|json|txt|png)$")
ALL_PAGES = sorted(pages())


def names(text: str) -> list[str]:
    """Names in code, split at commas."""
    return [name.strip() for code in CODE.findall(text) for name in code.split(",")]


def section(page: str, heading: str) -> str:
    """Running text and tables of a page below a heading, up to the next of its rank."""
    text = "\n".join(pages()[page])
    begin = text.index(f"{heading}\n")
    rank = heading.split(" ")[0]
    end = re.search(rf"^{rank} ", text[begin + len(heading) :], re.MULTILINE)
    return text[begin : begin + len(heading) + end.start()] if end else text[begin:]


def first_column(text: str) -> list[str]:
    return [name for line in text.splitlines() if line.startswith("|") for name in names(line.split("|")[1])]


# -- form -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", list(tables()), ids=lambda table: table.where)
def test_table_renders(table: Table) -> None:
    """A heading, a line of dashes below it, and the same number of cells in every row, without a gap."""
    assert len(table.rows) >= 2, "a table that a blank line has cut in two?"
    assert all(re.fullmatch(r":?-{3,}:?", cell) for cell in table.cells[1]), table.rows[1]
    assert {len(row) for row in table.cells} == {len(table.cells[0])}


@pytest.mark.parametrize("page", ALL_PAGES)
def test_links_and_pictures_lead_somewhere(page: str) -> None:
    for where, at, target in links():
        if where != page or re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        assert file.exists(), f"{at}: {target}"
        assert not anchor or anchor in anchors(str(file.resolve().relative_to(ROOT))), f"{at}: {target}"


@pytest.mark.parametrize("page", ALL_PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    """Paths into the tree, in code or in words: `solver/phase_field/fracture/refinement_rule.py`, docs/ccd.md."""
    for number, line in prose(page):
        words = chain(CODE.findall(line), re.findall(r"(?<![\w./`-])((?:docs|problems|benchmarks)/[\w./-]*\w)", line))
        for word in words:
            if word.split("/")[0] in FOLDERS and "/" in word and PATH.match(word):
                assert any((base / word).exists() for base in (ROOT, ROOT / "solver")), f"{page}:{number}: {word}"


@pytest.mark.parametrize("page", ALL_PAGES)
def test_modules_that_are_named_exist(page: str) -> None:
    """A bare `kinetics.py` is a module somewhere in the tree."""
    modules = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    for number, line in prose(page):
        for word in names(line):
            if re.fullmatch(r"\w+\.py", word):
                assert word in modules, f"{page}:{number}: {word}"


# -- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "heading", "folder"),
    [
        ("problems/README.md", "## Ready cases", READY_CASES),
        ("docs/ccd.md", "## Ready studies", READY_STUDIES),
        ("docs/sweep.md", "## Ready sweeps", READY_SWEEPS),
    ],
)
def test_every_ready_file_has_its_row(page: str, heading: str, folder: Path) -> None:
    assert {path.stem for path in folder.glob("*.toml")} <= set(first_column(section(page, heading)))


READY = {path.stem for folder in (READY_CASES, READY_STUDIES, READY_SWEEPS) for path in folder.glob("*.toml")}
TABLES = ("electrolyte", "defect", "electrodes", "operation", "protocol", "fracture", "mesh", "solver", "output")
KEY = re.compile(r"^(?:case\.)?((?:study|sweep|" + "|".join(TABLES) + r")(?:\.[a-z_]+(?:\[\d+\])?)+)(?: = .*)?$")
FILES = (".csv", ".json", ".toml", ".py", ".lock")


@pytest.mark.parametrize("page", ALL_PAGES)
def test_ready_files_and_keys_that_are_named_exist(page: str) -> None:
    """`llzo_holds` is ready; `mesh.crack_size = 0.4 um` and `study.ramp.refinements` are keys."""
    for number, line in prose(page):
        for word in CODE.findall(line):
            if re.fullmatch(r"(llzo|li6ps5cl)_\w+", word):
                assert word in READY, f"{page}:{number}: {word}"
            key = KEY.match(word)
            if key and not key[1].endswith(FILES):
                first = key[1].partition(".")[0]
                model = {"study": StudyFile, "sweep": SweepFile}.get(first, CaseFile)
                assert find_field(model, key[1]) is not None, f"{page}:{number}: {word}"


def test_keys_of_the_summary() -> None:
    """The page tells of what a run writes, neither more nor less."""
    summary = json.loads((short_run("llzo_holds") / "summary.json").read_text())
    assert set(first_column(section("docs/results.md", "## summary.json"))) == set(summary)


def test_outcomes_and_events() -> None:
    told = names(section("docs/results.md", "## summary.json"))
    assert {*GRAVEST, "completed", "unfinished"} <= set(told)
    order = [name for name in told if name in GRAVEST]
    assert tuple(dict.fromkeys(order)) == GRAVEST
    (events,) = re.findall(r'"event": "([^"]*)"', "\n".join(pages()["docs/architecture.md"]))
    assert set(events.split("|")) == {*GRAVEST, "protocol_step", "end"}


def test_columns_of_studies() -> None:
    """The tables of docs/ccd.md against the code; `runs.csv` is told of in words."""
    text = section("docs/ccd.md", "## The study folder").replace("\n", " ")
    ccd = text[text.index("`ccd.csv`: ") : text.index("`runs.csv`: ")]
    assert set(CCD_COLUMNS) <= set(names(ccd))
    runs = text[text.index("`runs.csv`: ") : text.index("`ccd_distribution.csv`: ")]
    own = [c for c in RUN_COLUMNS if not c.startswith("capacity_at")][6:]
    assert set(own) <= set(names(runs))
    distribution = names(text[text.index("`ccd_distribution.csv`: ") :])
    assert {*QUANTILE_COLUMNS, *CURVE_COLUMNS} <= set(distribution)


def test_arrays_of_fields() -> None:
    """The page tells of what runs of both engines store, neither more nor less."""
    plane, diffuse = section("docs/results.md", "## fields.vtkhdf in ParaView (5.12 or later)").split("### Runs of the")
    for text, name in ((plane, "llzo_holds"), (diffuse, "llzo_inclined")):
        stored = RunResult.load(short_run(name)).fields()
        assert stored is not None
        assert set(first_column(text)) - {"point array"} == set(stored.names)


def test_exit_codes() -> None:
    """Each page that states them states these."""
    assert (DONE, BAD_INPUT, NUMERICAL_FAILURE, ASKED_TO_STOP) == (0, 2, 3, 4)
    found = 0
    for page in ALL_PAGES:
        for text in re.findall(r"Exit codes: ([^.]*)", "\n".join(pages()[page])):
            found += 1
            codes = [int(code) for code in re.findall(r"(?:^|[,;] )\s*(\d) ", " ".join(text.split()))]
            assert codes == [0, 2, 3, 4], f"{page}: {text}"
            assert "2 bad input" in " ".join(text.split())
    assert found >= 3


def test_folders_of_the_readme() -> None:
    told = {name.rstrip("/") for name in first_column(section("README.md", "## Layout"))}
    assert told == {path.name for path in ROOT.iterdir() if path.is_dir() and path.name in FOLDERS} - {"tools", "docs"}


def test_no_module_name_stands_three_times() -> None:
    """Whoever looks a module up by its name finds it; only packages and pytest's settings share theirs."""
    paths = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "results" not in path.parts)
    found = Counter(path.name for path in paths)
    assert {name for name, count in found.items() if count > 2} <= {"__init__.py", "conftest.py"}
