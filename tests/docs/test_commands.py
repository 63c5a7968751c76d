"""Every command of the pages is parsed, and run in a short form where that is possible.

What is done in place of each, by `SHORT_FORMS`:

* `lifrac run` of the plane engine: computed coarse and for a few time steps, from the file or ready case that is named,
  with its own `--set`; of the phase field and with `--resume` (test_resume.py goes on for real): `lifrac check`
* `lifrac threshold`: `lifrac check`, of which it takes the same words
* `lifrac ccd`, `lifrac sweep`: `--dry-run`, which resolves and checks every run
* `lifrac verify`: the check that is named must exist; the book itself is `make verify`
* `lifrac plot`, `lifrac export`: a run cut short, or a study's tables, in the folder that is named
* `make TARGET`: the target must exist, by `make --dry-run`; `make demo` and `make test` take minutes
* `python -m pytest`: the tests that are named must exist
* `python benchmarks/....py`: the script must exist and take these arguments; they compute for minutes to hours
* `pip install`: extras and packages must be those of pyproject.toml; nothing is installed
"""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from lifrac.problems.case.case import READY_CASES, load_case
from lifrac.problems.cli.app import app, take_log_level
from lifrac.problems.cli.main import main
from lifrac.problems.studies.ccd.study import READY_STUDIES
from lifrac.problems.studies.ccd.tables import CCD_COLUMNS
from lifrac.problems.studies.executors.snakemake_engine import PROFILES
from lifrac.problems.studies.sweep.sweep import READY_SWEEPS
from support.mpi import PATIENCE
from support.pages import ROOT, Command, commands, quoted_commands, snippets
from support.short_runs import ENDS, short_run, shortening

PLACEHOLDERS = ("case.toml", "study.toml", "sweep.toml")
LAUNCHERS = {"mpiexec", ".venv/bin/mpiexec", "srun"}
SETTINGS = {"source", "export", "cd"}
ShortForm = Callable[[list[str], Path], None]


def plain(words: tuple[str, ...]) -> list[str]:
    """A command without settings before it, launcher, `exec`, and the folder of its environment."""
    left = [word for word in words if word != "exec"]
    while left and re.fullmatch(r"\w+=\S*", left[0]):
        left.pop(0)
    if left and left[0] in LAUNCHERS:
        assert left[1] == "-n", "the number of ranks"
        assert re.fullmatch(r"\d+|\$SLURM_NTASKS", left[2])
        left = left[3:]
    return [left[0].removeprefix(".venv/bin/"), *left[1:]] if left else []


def snippet_for(name: str) -> str:
    """Return what a page calls case.toml, study.toml or sweep.toml: the first whole file of the kind on the pages."""
    kind = name.removesuffix(".toml")
    for snippet in snippets():
        if snippet.kind == "toml":
            data = tomllib.loads(snippet.text)
            if kind == "case" and {"electrolyte", "defect", "operation", "protocol"} <= set(data):
                return snippet.text
            if kind in data and "case" in data[kind]:
                return snippet.text
    raise AssertionError(name)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader works in a folder with the files that commands name, and with none of their own profiles."""
    for name in PLACEHOLDERS:
        (tmp_path / name).write_text(snippet_for(name))
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCRATCH", str(tmp_path))
    return tmp_path


# -- lifrac ---------------------------------------------------------------------------------------------------


def without(words: list[str], *options: str, flags: tuple[str, ...] = ()) -> list[str]:
    """A command line without options that take a value, and without flags."""
    kept, skip = [], False
    for word in words:
        if skip or word in options:
            skip = not skip
        elif word not in flags:
            kept.append(word)
    return kept


def run(words: list[str], folder: Path) -> None:
    rest = without(words, "--out", flags=("--resume",))
    name = rest[0]
    if load_case(name).file.fracture.engine != "plane" or "--resume" in words:
        assert main(["check", *rest]) == 0
        return
    if len(rest) == 1 and name not in PLACEHOLDERS:
        assert (short_run(name) / "summary.json").is_file()
        return
    short = [word for text in shortening(name) for word in ("--set", text)]
    assert main(["run", *rest, *short, "--out", str(folder / "out")]) in ENDS


def dry_run(words: list[str], folder: Path) -> None:
    """Run the dry run of `ccd` or `sweep` on this computer: a profile must be ours, or told of on a page."""
    if "--profile" in words:
        profile = words[words.index("--profile") + 1]
        told = any(profile in "\n".join(lines) for lines in _yaml_pages())
        assert (PROFILES / profile).is_dir() or told
    assert main([*without(words, "--profile", "--cores", flags=("--dry-run", "--prepare")), "--dry-run"]) == 0


def _yaml_pages() -> list[list[str]]:
    from support.pages import pages

    return [pages()[snippet.page] for snippet in snippets() if snippet.kind == "yaml"]


def plot(words: list[str], folder: Path) -> None:
    place = folder / words[0]
    if "ccd" in place.name:
        place.mkdir(parents=True)
        numbers = dict.fromkeys(CCD_COLUMNS, "1.0") | {"failure_mode": "fracture", "half_cycle_at_failure": "plating"}
        (place / "ccd.csv").write_text(f"{','.join(numbers)}\n{','.join(numbers.values())}\n")
    else:
        shutil.copytree(short_run("llzo_holds"), place)
    assert main(["plot", str(place)]) == 0


def export(words: list[str], folder: Path) -> None:
    shutil.copytree(short_run("llzo_holds"), folder / words[0])
    assert main(["export", str(folder / words[0])]) == 0


def verify(words: list[str], folder: Path) -> None:
    from lifrac.verification.support.runner import load_checks, select

    parsed = without(words, "--out")
    only = parsed[parsed.index("--only") + 1] if "--only" in parsed else None
    assert select(load_checks(), "--quick" in parsed, only)


def as_it_stands(words: list[str], folder: Path) -> None:
    assert main(words) == 0


SHORT_FORMS: dict[str, ShortForm] = {
    "run": run,
    "plot": plot,
    "export": export,
    "verify": verify,
    "ccd": lambda words, folder: dry_run(["ccd", *words], folder),
    "sweep": lambda words, folder: dry_run(["sweep", *words], folder),
    "check": lambda words, folder: as_it_stands(["check", *words], folder),
    "mesh": lambda words, folder: as_it_stands(["mesh", *words], folder),
    "materials": lambda words, folder: as_it_stands(["materials", *words], folder),
    "threshold": lambda words, folder: as_it_stands(["check", *words], folder),
}


def lifrac(words: list[str], folder: Path) -> None:
    if words[0].startswith("-"):
        as_it_stands(words, folder)
        return
    _, words = take_log_level(words)
    app.parse_args(words, exit_on_error=False, print_error=False)  # every option exists, and takes this value
    SHORT_FORMS[words[0]](words[1:], folder)


# -- other programs -------------------------------------------------------------------------------------------


def make(words: list[str], folder: Path) -> None:
    listed = subprocess.run(
        ["make", "--dry-run", "--always-make", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr


def python(words: list[str], folder: Path) -> None:
    if words[:3] == ["-m", "pip", "install"]:
        _pip(words[3:])
        return
    if words[:2] == ["-m", "pytest"]:
        paths = [word for word in words[2:] if "/" in word]
        assert paths
        assert all((ROOT / path).exists() for path in paths)
        return
    script = ROOT / words[0]
    text = script.read_text()
    for word in words[1:]:
        word = word.strip("[]")
        folders = {path.name for path in script.parent.iterdir() if path.is_dir()}
        assert f'"{word}"' in text or f"def {word}(" in text or word in folders, f"{words[0]} does not know {word}"


def _pip(words: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    everything = chain(project["dependencies"], *extras.values())
    stated = {re.split(r"[=<>\[;]", text)[0] for text in everything}
    for word in without(words, "-c"):
        found = re.fullmatch(r"(?:\.|lifrac)(?:\[([\w,]+)\])?", word)
        if found:
            assert set((found[1] or "").split(",")) - {""} <= set(extras), word
        elif not word.startswith("--"):
            assert word in stated, word


def snakemake(words: list[str], folder: Path) -> None:
    parser = pytest.importorskip("snakemake.cli").get_argument_parser()
    parser.parse_args(words)


PROGRAMS: dict[str, ShortForm] = {"lifrac": lifrac, "make": make, "python": python, "snakemake": snakemake}


@pytest.mark.parametrize("command", list(commands()), ids=str)
def test_command(command: Command, folder: Path) -> None:
    words = plain(command.words)
    if not words or words[0] in SETTINGS:
        return
    PROGRAMS[words[0]](words[1:], folder)


def test_commands_are_found() -> None:
    """If pages were no longer read as they are written, nothing above would fail."""
    found = {plain(command.words)[1] for command in commands() if plain(command.words)[:1] == ["lifrac"]}
    assert {"run", "check", "ccd", "sweep", "plot", "verify", "materials", "--help"} <= found


@pytest.mark.parametrize("command", list(quoted_commands()), ids=str)
def test_command_in_running_text(command: Command, folder: Path) -> None:
    """Its subcommand and options exist, and what it names is ready, or stands for a file of the reader's."""
    words = list(command.words[1:])
    ready = {path.stem for place in (READY_CASES, READY_STUDIES, READY_SWEEPS) for path in place.glob("*.toml")}
    cards = {path.stem for path in (READY_CASES.parent / "cards").glob("*.toml")}
    if words[0] in SHORT_FORMS and len(words) > 1 and not words[1].startswith("-"):
        name = words[1]
        assert name in ready | cards or name.isupper() or name in PLACEHOLDERS, command.text
    for option in [word for word in words if word.startswith("--")]:
        assert option in _options(words[0]), command.text
    assert words[0] in SHORT_FORMS


def _options(subcommand: str) -> set[str]:
    arguments = app[subcommand].assemble_argument_collection()
    return {name for argument in arguments for name in argument.names}


# -- shell scripts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snippet", [s for s in snippets() if s.kind in ("bash", "sh")], ids=str)
def test_shell_accepts_the_script(snippet: object) -> None:
    done = subprocess.run(
        ["bash", "-n"],
        input=snippet.text,
        text=True,
        capture_output=True,  # type: ignore[attr-defined]
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
