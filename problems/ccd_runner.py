"""A study of the critical current density: constant-current runs on one condensation, bracketed and refined.

All ranks mesh and condense together, once; rank 0 then does all the runs, since the surface problem is small.
"""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lifrac.meshes.collective import on_root
from lifrac.solver.bulk import Bulk, Response
from lifrac.solver.errors import NumericalFailure
from lifrac.solver.parameters import PlaneModel
from lifrac.solver.plane.engine import PlaneEngine
from lifrac.solver.plane.problem import SurfaceProblem
from lifrac.solver.surface import SurfaceMesh, gather_surface
from mpi4py import MPI

from . import units as u
from .case import Case
from .ccd import Trial, bracket, refinement, violations
from .run_folder import capacity
from .runner import ASKED_TO_STOP, DONE, NUMERICAL_FAILURE, draw_plots, heeding_signals, make_mesh
from .study import Study
from .study_folder import Row, StudyFolder

LOG = logging.getLogger("lifrac")
EVENTS = {
    "fracture": "capacity_at_fracture_mAh_per_cm2",
    "crack_through": "capacity_at_crack_through_mAh_per_cm2",
    "short_circuit": "capacity_at_short_mAh_per_cm2",
}
"""Events that can be the failure, and the columns of their capacities."""
TROUBLE = (NumericalFailure, ArithmeticError, np.linalg.LinAlgError)
"""What a run may end in without saying anything about the cell."""


def run_study(study: Study, out: Path, comm: MPI.Comm = MPI.COMM_WORLD) -> int:
    """Compute a study, or what is left of it, and write its folder (collective).

    Returns
    -------
    int
        Exit code: 0 done, 3 if the numerics failed in every run, 4 asked to stop (finished runs are kept).

    Raises
    ------
    InputError
        On every rank alike, before anything is computed, for a folder or mesh that cannot be used.
    """
    with heeding_signals() as asked:
        return _run(study, out, comm, asked)


def _run(study: Study, out: Path, comm: MPI.Comm, asked: list[int]) -> int:
    folder = on_root(comm, lambda: StudyFolder(out, study))
    case = study.cases[0]
    tagged = make_mesh(case, comm)
    surface = gather_surface(tagged)
    responses: dict[float, Response] = {}
    for model in (case.model() for case in study.cases):
        nu = model.electrolyte.poisson_ratio
        if nu not in responses:
            bulk = Bulk(tagged, surface, nu, model.loads, case.bulk_solver)  # type: ignore[arg-type]
            responses[nu] = bulk.response()
    work = None if folder is None else _Driver(study, folder, surface, responses, asked).run
    code: int = comm.bcast(on_root(comm, work or (lambda: DONE)), root=0)
    return code


class _Driver:
    """Rank 0's part of a study."""

    def __init__(
        self,
        study: Study,
        folder: StudyFolder,
        surface: SurfaceMesh,
        responses: dict[float, Response],
        asked: list[int],
    ) -> None:
        self.study = study
        self.folder = folder
        self.surface = surface
        self.responses = responses
        self.asked = asked
        self.computed = 0
        self.table: list[dict[str, Any]] = []
        self.failed: list[str] = []
        self.runs = 0

    def run(self) -> int:
        """All conditions; returns the exit code."""
        conditions = list(self.study.conditions())
        if self.folder.finished:
            LOG.info("%s: %d finished runs are taken over", self.study.name, len(self.folder.finished))
        for number, (case, pressure) in enumerate(conditions, 1):
            LOG.info("%s: condition %d of %d, %s", self.study.name, number, len(conditions), _name(case, pressure))
            try:
                self._condition(case, pressure)
            except _Stopped:
                LOG.warning("asked to stop; the same command goes on from %s", self.folder.path)
                return ASKED_TO_STOP
            self.folder.write_ccd(self.table)
        draw_plots(self.folder.path)
        name, path = self.study.name, self.folder.path
        LOG.info("%s: %d runs, %d of them computed now; %s", name, self.runs, self.computed, path)
        for line in self.failed:
            LOG.warning("not a failure of the cell but of the numerics, left out: %s", line)
        return NUMERICAL_FAILURE if len(self.failed) == self.runs else DONE

    def _condition(self, case: Case, pressure: u.Quantity) -> None:
        """All currents at one temperature and pressure, and their rows of the table."""
        study = self.study
        capacities = [capacity(float(value)) for value in study.grids.areal_capacities]
        runs = self._runs(case, pressure, study.currents)
        for _ in range(study.grids.refinements):
            currents = refinement([tested for tested, _ in runs], capacities)
            runs += self._runs(case, pressure, currents)
        tested = [run for run, _ in runs]
        self._report(case, pressure, tested)
        for value in capacities:
            found = bracket(tested, value)
            row = {
                "temperature_C": celsius(case.temperature),
                "stack_pressure_MPa": float(pressure),
                "areal_capacity_mAh_per_cm2": value,
                "ccd_lower_mA_per_cm2": found.lower / 10.0,
                "ccd_upper_mA_per_cm2": None if found.upper is None else found.upper / 10.0,
                "failure_mode": next((r["outcome"] for run, r in runs if run.current == found.upper), None),
            }
            self.table.append(row)
            upper = "any tried" if found.upper is None else f"{found.upper / 10.0:.4g}"
            LOG.info("  CCD at %.4g mAh/cm2: %.4g to %s mA/cm2", value, found.lower / 10.0, upper)

    def _report(self, case: Case, pressure: u.Quantity, tested: Sequence[Trial]) -> None:
        """Failed points by reason, and where the capacity at failure does not fall with the current."""
        where = _name(case, pressure)
        self.failed += [f"{where}, {run.current / 10.0:.4g} mA/cm2: {run.numerical}" for run in tested if run.numerical]
        for found in violations(tested):
            LOG.warning(
                "not monotone at %s: fails at %.4g mAh/cm2 with %.4g mA/cm2, but at %.4g with %.4g; the lower decides",
                where, found.smaller.capacity, found.smaller.current / 10.0, found.larger.capacity,
                found.larger.current / 10.0,
            )  # fmt: skip

    def _runs(self, case: Case, pressure: u.Quantity, currents: Sequence[float]) -> list[tuple[Trial, Row]]:
        return [self._one(case, pressure, current) for current in currents]

    def _one(self, case: Case, pressure: u.Quantity, current: float) -> tuple[Trial, Row]:
        """A run, or its row where it was finished before."""
        point = self.study.point(case, pressure, current)
        key = point.content_hash()[:16]
        row = self.folder.finished.get(key)
        if row is None:
            model = point.model()
            values = self._compute(model)
            where = {
                "temperature_C": celsius(case.temperature),
                "stack_pressure_MPa": float(pressure),
                "current_density_mA_per_cm2": current / 10.0,
                "point": key,
            }
            row = self.folder.add(where | values)
            self.computed += 1
            LOG.info("  %.4g mA/cm2: %s", current / 10.0, self._words(row))
        self.runs += 1
        return self._trial(current, row), row

    def _trial(self, current: float, row: Row) -> Trial:
        failed_at = row[EVENTS[self.study.grids.failure]]
        if failed_at:
            return Trial(current, float(failed_at))
        if row["reason"] or row["termination"] == "protocol_end":
            return Trial(current, None, row["reason"])
        return Trial(current, float(row["charge_mAh_per_cm2"]))  # the cell ended in another way, such as contact lost

    def _words(self, row: Row) -> str:
        at = float(row["charge_mAh_per_cm2"])
        if row["reason"]:
            return f"the numerics failed at {at:.4g} mAh/cm2: {row['reason']}"
        verb = "holds" if row["termination"] == "protocol_end" else "fails"
        return f"{verb}, {row['outcome']} at {at:.4g} mAh/cm2 ({float(row['wall_time_s']):.1f} s)"

    def _compute(self, model: PlaneModel) -> dict[str, Any]:
        """One constant-current run without a run folder; a failure of the numerics is a reason, no error."""
        begun = time.monotonic()
        engine, reason = None, ""
        try:
            response = self.responses[model.electrolyte.poisson_ratio]
            engine = PlaneEngine(SurfaceProblem(self.surface, response, model))
            for _ in engine.run():
                if self.asked:
                    raise _Stopped
        except TROUBLE as error:
            reason = str(error) or type(error).__name__
        if engine is not None and engine.termination == "max_steps":
            reason = f"solver.max_steps = {model.control.max_steps} is used up"
        happened = {} if engine is None else engine.counters.happened
        values: dict[str, Any] = {
            column: capacity(happened[name].charge) if name in happened else None for name, column in EVENTS.items()
        }
        return values | {
            "outcome": "unfinished" if engine is None else engine.outcome,
            "charge_mAh_per_cm2": 0.0 if engine is None else capacity(engine.state.charge),
            "termination": "numerical_failure" if reason or engine is None else engine.termination,
            "steps": 0 if engine is None else engine.counters.steps,
            "wall_time_s": round(time.monotonic() - begun, 3),
            "reason": reason,
        }


class _Stopped(Exception):
    """Somebody asked the study to stop: the present run is given up, finished ones are kept."""


def celsius(kelvin: float) -> float:
    """[degC] without the rounding noise of the subtraction."""
    return round(kelvin - 273.15, 9)


def _name(case: Case, pressure: u.Quantity) -> str:
    return f"{celsius(case.temperature):g} degC, {float(pressure):g} MPa"
