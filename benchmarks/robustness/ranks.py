"""Failures of one rank in every collective stage, on 2 and 3 ranks: the job ends in time, with reason and exit code.

python benchmarks/robustness/ranks.py [--ranks 2 3] [--only WORD] [--out TABLE.csv]
"""

import argparse
import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lifrac.problems.process.launcher import find_mpiexec

INJECT = Path(__file__).with_name("inject.py")
LIMIT = 10.0
"""Time [s] from the failure to the end of the job."""
PATIENCE = 300.0
CODES = {"disk": 3, "numerics": 3, "bug": 1, "memory": 3, "kill": 9, "stop": 4}
"""Ends of each kind of failure; MPICH's mpiexec ends with the number of the signal that a rank died of."""
REASONS = {
    "disk": "o space left",
    "numerics": "numerical failure: injected",
    "bug": "KeyError: 'injected'",
    "memory": "not enough memory",
    "kill": "Killed",
    "stop": "asked",
}
CASE = """
[electrolyte]
material = "LLZO"
thickness = "40 um"
[electrolyte.properties]
fracture_energy = "6 J/m^2"
[defect]
length = "10 um"
aperture = "20 nm"
[operation]
temperature = "25 degC"
stack_pressure = "1 MPa"
[protocol]
current_density = "8 mA/cm^2"
areal_capacity = "0.012 mAh/cm^2"
[output]
fields = ["0.001 mAh/cm^2", "0.002 mAh/cm^2"]
plots = false
"""
PLANE = CASE + '[mesh]\ncrack_size = "1 um"\nfar_size = "8 um"\n'
FIELD = CASE + (
    '[fracture]\nengine = "phase_field"\nlength = "3 um"\n'
    '[mesh]\nband_size = "1 um"\nhalf_width = "40 um"\nreach = "2 um"\nadaptive = true\n'
)
SOLID = CASE.replace('length = "10 um"', 'type = "half_penny"\nlength = "10 um"') + (
    '[fracture]\nengine = "phase_field"\nlength = "6 um"\n'
    '[mesh]\nband_size = "2 um"\nhalf_width = "40 um"\nreach = "2 um"\ngrowth = 0.6\n'
)
STUDY = """
[study]
case = "plane.toml"
temperatures = ["25 degC"]
stack_pressures = ["1 MPa"]
areal_capacities = ["0.02 mAh/cm^2"]
current_min = "2 mA/cm^2"
current_max = "32 mA/cm^2"
currents = 4
failure = "crack_through"
refinements = 1
"""
SWEEP = '[sweep]\ncase = "plane.toml"\n[sweep.grid]\n"operation.stack_pressure" = ["1 MPa", "2 MPa"]\n'


@dataclass(frozen=True)
class Stage:
    """A place where a rank fails.

    Attributes
    ----------
    name : str
    kind : str
        Of the job: plane, field, solid, resume, mesh, ccd, job.
    where : str
        Function, below `lifrac`.
    rank, call : int
    failure : str
    """

    name: str
    kind: str
    where: str
    rank: int
    call: int
    failure: str


STAGES = (
    Stage("reading the case", "plane", "problems.cli.main:_load", 1, 1, "bug"),
    Stage("meshing, on rank 0", "plane", "meshes.builder:_mesh", 0, 1, "disk"),
    Stage("distributing the mesh", "plane", "meshes.builder:distribute", 1, 1, "memory"),
    Stage("compiling a form", "plane", "parallel.compiling:_await", 1, 1, "disk"),
    Stage("condensation", "plane", "solver.plane.bulk:Bulk.response", 1, 1, "numerics"),
    Stage("condensation killed", "plane", "solver.plane.bulk:Bulk.response", 1, 1, "kill"),
    Stage("opening the folder", "plane", "problems.run.run_folder:RunFolder.begin", 0, 1, "disk"),
    Stage("first step", "plane", "solver.cohesive.cohesive_engine:CohesiveEngine._attempt", 0, 1, "bug"),
    Stage("a step", "plane", "solver.cohesive.cohesive_engine:CohesiveEngine._attempt", 0, 6, "memory"),
    Stage("a row of the history", "plane", "problems.run.run_folder:RunFolder.add", 0, 4, "disk"),
    Stage("checkpoint", "plane", "problems.run.run_folder:RunFolder.checkpoint", 0, 2, "disk"),
    Stage("fields, on one rank", "plane", "solver.output.recorder:FieldRecorder.record", 1, 2, "disk"),
    Stage("fields, on rank 0", "plane", "solver.output.recorder:FieldRecorder.record", 0, 2, "bug"),
    Stage("gathering of fields", "plane", "solver.output.gather_nodes:NodeGather.rows", 1, 2, "memory"),
    Stage("rewinding", "resume", "problems.run.run_folder:RunFolder.rewind", 0, 1, "disk"),
    Stage("going on, on one rank", "resume", "problems.run.writer:Place.open", 1, 1, "disk"),
    Stage("summary", "plane", "problems.run.run_folder:RunFolder.summary", 0, 1, "disk"),
    Stage("a signal to one rank", "plane", "solver.cohesive.cohesive_engine:CohesiveEngine._attempt", 0, 4, "stop"),
    Stage("diffuse: assembly", "field", "solver.phase_field.problem:PhaseFieldProblem.__init__", 1, 1, "numerics"),
    Stage("diffuse: a sweep", "field", "solver.phase_field.lithium.diffuse_cell:Cell.solve", 1, 3, "numerics"),
    Stage("diffuse: a sweep, error", "field", "solver.phase_field.fracture.damage:DamageSolver.solve", 1, 4, "bug"),
    Stage("diffuse: a solver", "field", "solver.numerics.linear:LinearSolver.solve", 0, 5, "numerics"),
    Stage("diffuse: killed", "field", "solver.phase_field.lithium.diffuse_cell:Cell.solve", 1, 4, "kill"),
    Stage("diffuse: refinement", "field", "solver.numerics.adaptive:Adaptive._refine", 0, 1, "memory"),
    Stage("diffuse: new mesh", "field", "solver.numerics.adaptive:Adaptive._carry", 1, 1, "memory"),
    Stage("diffuse: gathering", "field", "solver.numerics.adaptive:gather_fields", 1, 2, "disk"),
    Stage("diffuse: fields", "field", "solver.output.recorder:FieldRecorder.record", 1, 1, "disk"),
    Stage("diffuse: checkpoint", "field", "problems.run.run_folder:RunFolder.checkpoint", 0, 1, "disk"),
    Stage("diffuse: a row", "field", "problems.run.run_folder:RunFolder.add", 0, 2, "disk"),
    Stage("3D: a sweep", "solid", "solver.phase_field.lithium.diffuse_cell:Cell.solve", 1, 2, "numerics"),
    Stage("3D: fields", "solid", "solver.output.recorder:FieldRecorder.record", 1, 1, "disk"),
    Stage("lifrac mesh: the mesh", "mesh", "problems.run.runner:make_mesh", 1, 1, "memory"),
    Stage("lifrac mesh: its file", "mesh", "meshes.builder:write_msh", 0, 1, "disk"),
    Stage("study: a point", "ccd", "problems.studies.executors.worker:compute", 1, 1, "bug"),
    Stage("study: end of a round", "ccd", "problems.studies.executors.ranks:_RanksRun._wait", 1, 1, "numerics"),
    Stage("study: its folder", "ccd", "problems.studies.study_folder:StudyFolder.__init__", 0, 1, "disk"),
    Stage("study: condensation", "ccd", "solver.plane.bulk:Bulk.response", 1, 1, "disk"),
    Stage("sweep: a point", "job", "problems.studies.executors.worker:full_run", 1, 2, "bug"),
    Stage("sweep: end of a point", "job", "problems.studies.point_folder:PointFolder.complete", 0, 1, "disk"),
)


def prepared(work: Path, kind: str, ranks: int) -> list[str]:
    """Return the arguments of a job, after what has to be there."""
    (work / "plane.toml").write_text(PLANE)
    (work / "field.toml").write_text(FIELD)
    (work / "solid.toml").write_text(SOLID)
    (work / "study.toml").write_text(STUDY)
    (work / "sweep.toml").write_text(SWEEP)
    out = ["--out", str(work / "out")]
    if kind == "ccd":
        return ["ccd", str(work / "study.toml"), *out]
    if kind == "job":
        command = [
            "-m",
            "lifrac.problems",
            "sweep",
            str(work / "sweep.toml"),
            *out,
            "--prepare",
            "--set",
            "sweep.points_per_job=2",
        ]
        subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=PATIENCE)
        return ["job", str(work / "out"), "job00001"]
    if kind == "mesh":
        return ["mesh", str(work / "plane.toml"), "--out", str(work / "own.msh")]
    run = ["run", str(work / f"{kind if kind in ('field', 'solid') else 'plane'}.toml"), *out]
    if kind != "resume":
        return run
    step = Stage("", "", "solver.cohesive.cohesive_engine:CohesiveEngine._attempt", 0, 5, "stop")
    assert launched(step, ranks, run, work)[0] == CODES["stop"]
    return [*run, "--resume"]


def launched(stage: Stage, ranks: int, arguments: list[str], work: Path) -> tuple[int | None, float, str]:
    """Exit code (None: it hangs), time from the failure to the end [s], and what was said."""
    injected = [str(stage.rank), f"lifrac.{stage.where}", str(stage.call), stage.failure]
    command = [find_mpiexec() or "mpiexec", "-n", str(ranks), sys.executable, str(INJECT), *injected, *arguments]
    mark = work / "injected"
    mark.unlink(missing_ok=True)
    surroundings = os.environ | {"INJECTED": str(mark), "OMP_NUM_THREADS": "1", "LIFRAC_CACHE": "off"}
    with subprocess.Popen(
        command,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, float("inf"), process.communicate()[0]
    ended = time.time()
    return process.returncode, ended - float(mark.read_text()) if mark.exists() else float("nan"), said


def verdict(stage: Stage, code: int | None, after: float, said: str, out: Path) -> str:
    """Return what is wrong, or nothing."""
    wrong = []
    if code != CODES[stage.failure]:
        wrong.append(f"exit code {code}, not {CODES[stage.failure]}")
    if not after <= LIMIT:
        wrong.append("too late" if after > LIMIT else "never failed")
    if said.count(REASONS[stage.failure]) != 1 and stage.failure != "stop":
        wrong.append(f"the reason is given {said.count(REASONS[stage.failure])} times")
    if said.count("Traceback (most") > (stage.failure == "bug"):
        wrong.append("tracebacks")
    if stage.failure != "stop" and (out / "summary.json").exists() and stage.kind != "resume":
        wrong.append("the run looks finished")
    return "; ".join(wrong)


def main() -> int:
    """Run all stages; the number of those that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=Path("ranks.csv"))
    options = parser.parse_args()
    rows = []
    for stage in STAGES:
        for ranks in options.ranks if options.only in f"{stage.name} {stage.kind}" else ():
            work = Path(tempfile.mkdtemp(prefix="lifrac_ranks_"))
            code, after, said = launched(stage, ranks, prepared(work, stage.kind, ranks), work)
            wrong = verdict(stage, code, after, said, work / "out")
            rows.append((stage.name, stage.where, stage.failure, ranks, code, f"{after:.1f}", wrong or "ok"))
            print(*rows[-1], sep=", ", flush=True)
            if wrong:
                print(said[-3000:])
            shutil.rmtree(work)
    with options.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("stage", "function", "failure", "ranks", "exit_code", "ends_after_s", "verdict"))
        writer.writerows(rows)
    return sum(row[-1] != "ok" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
