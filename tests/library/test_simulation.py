"""The library: a simulation from a case or from a model, its steps, fields, history, folder and failures."""

import subprocess
import sys
from pathlib import Path

import lifrac
import numpy as np
import pytest
from lifrac.meshes.geometries.slabs import SlabEdgeFlaw
from lifrac.problems.case.case import Case
from lifrac.quantities import HISTORY_COLUMNS as COLUMNS
from lifrac.solver.model.cell_model import CellModel
from support.mpi import PATIENCE

SHORT = {"crack_size": "2 um", "path_size": "10 um", "max_steps": 8}
SLAB = SlabEdgeFlaw(thickness=60, half_width=60, flaw_length=10, crack_size=1.0, far_size=6, path_growth=0.1)


def short(**keys: object) -> Case:
    """A ready case that ends after a few steps."""
    return lifrac.load_case("llzo_holds", **(SHORT | keys))


def model(charge: float = 20.0, **changes: object) -> lifrac.PlaneModel:
    """A cell stated in Python."""
    face = lifrac.Kinetics(exchange_current=51.0, temperature=298.15)
    return lifrac.PlaneModel(
        electrolyte=lifrac.Electrolyte(5.0e4, 150.0e3, 0.26, 6.0),
        anode=face,
        counter=face,
        creep=lifrac.Creep(prefactor=7.7e-3, exponent=6.56),
        flaw=lifrac.Flaw(10.0, 0.02),
        loads=lifrac.Loads(1.0, lateral="free"),
        protocol=(lifrac.ProtocolStep(lifrac.ConstantCurrent(20.0), charge),),
        **changes,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "order",
    ["import dolfinx, lifrac", "import lifrac, dolfinx", "from petsc4py import PETSc; import lifrac, dolfinx"],
)
def test_any_order_of_imports(order: str) -> None:
    """Forms are compiled under lifrac's lock whichever comes first."""
    code = f"{order}; import dolfinx.jit; import lifrac.simulation; print(dolfinx.jit.ffcx_jit.__module__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout.strip() == "lifrac.parallel.compiling", done.stderr


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, lifrac; print(sorted({'numpy', 'dolfinx', 'pandas', 'mpi4py', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    for name in lifrac.__all__:
        assert getattr(lifrac, name) is not None
    assert lifrac.__version__
    with pytest.raises(AttributeError, match="no attribute 'Simulatoin'"):
        _ = lifrac.Simulatoin


def test_keys_by_name() -> None:
    case = lifrac.load_case(
        "llzo_holds", temperature="60 degC", operation__stack_pressure="5 MPa", max_steps=np.int64(7)
    )
    assert case.temperature == pytest.approx(333.15)
    assert case.cell().loads.stack_pressure == pytest.approx(5.0)
    assert case.cell().control.max_steps == 7


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"properties": {}}, "electrolyte__properties, electrodes__properties"),
        ({"temperatur": "1 K"}, "Did you mean temperature"),
        ({"stack_pressure": "-5 MPa"}, "operation.stack_pressure = '-5 MPa'"),
    ],
)
def test_keys_that_cannot_be_used(keys: dict[str, object], words: str) -> None:
    with pytest.raises(lifrac.InputError, match=r"llzo_holds\.toml") as refused:
        short(**keys)
    assert words in str(refused.value)


def test_steps_and_history() -> None:
    simulation = lifrac.Simulation(short())
    steps = list(simulation.steps())
    assert [step.number for step in steps] == list(range(1, 9))
    table = simulation.history
    assert set(table.columns) == {*COLUMNS, "stress_intensity_MPa_sqrt_m"}
    assert len(table) == 9
    assert table["time_s"].iloc[-1] == steps[-1].time == steps[-1]["time_s"] == steps[-1]["time"]
    assert steps[-1]["crack_tip"] == table["crack_tip_um"].iloc[-1]
    assert steps[-1].voltage == table["cell_voltage_V"].iloc[-1] > 0.0
    with pytest.raises(KeyError, match="crack_tip_um"):
        _ = steps[-1]["crack_tp_um"]
    assert simulation.termination == "max_steps"
    balances = simulation.balances
    assert max(balances["charge_balance_error"], balances["lithium_balance_error"]) < 1.0e-9
    assert 0.0 < balances["energy_balance_error"] < 1.0e-3
    with pytest.raises(RuntimeError, match="has begun already"):
        next(simulation.steps())


def test_whoever_leaves_the_loop_may_go_on() -> None:
    simulation, whole = lifrac.Simulation(short()), lifrac.Simulation(short())
    whole.run(check=False)
    stepping = simulation.steps()
    for step in stepping:
        if step.number == 3:
            break
    assert len(simulation.history) == 4
    assert simulation.outcome == "unfinished"
    for _ in stepping:
        pass
    assert simulation.history.equals(whole.history)


def test_fields_of_the_plane_engine() -> None:
    """The potential falls to zero at the anode, but for what charge transfer takes; the flaw opens."""
    simulation = lifrac.Simulation.from_model(model(), SLAB)
    simulation.run()
    fields = simulation.fields
    assert {"potential", "displacement", "damage", "aperture", "lithium_pressure"} <= set(fields)
    phi, y = fields["potential"], fields["potential"].function_space.tabulate_dof_coordinates()[:, 1]
    drop = phi.x.array[y > 59.9].mean() - phi.x.array[(y < 0.1)].mean()
    assert drop == pytest.approx(20.0 * 60.0 / 5.0e4, rel=0.02)
    aperture = fields["aperture"]
    mouth = np.linalg.norm(aperture.function_space.tabulate_dof_coordinates(), axis=1).argmin()
    opening = simulation.history["mouth_opening_um"].iloc[-1]
    assert aperture.x.array[mouth] == pytest.approx(opening, rel=1e-12)
    pressure = simulation.history["max_lithium_pressure_MPa"].iloc[-1]
    assert fields["lithium_pressure"].x.array.max() == pytest.approx(pressure, rel=1e-12)


def test_a_model_runs_like_its_case(tmp_path: Path) -> None:
    case = short(max_steps=5)
    by_case, by_model = lifrac.Simulation(case), lifrac.Simulation.from_model(case.engine_model(), case.geometry())
    for simulation in (by_case, by_model):
        simulation.run(check=False)
    assert by_case.history.equals(by_model.history)


def test_run_folder_and_resume(tmp_path: Path) -> None:
    case = short(max_steps=20000, areal_capacity="0.005 mAh/cm^2", plots=False)
    whole = lifrac.Simulation(case)
    assert whole.run(tmp_path / "whole").code == 0
    stopped = lifrac.Simulation(case)
    for step in stopped.steps(tmp_path / "run", stopping=lambda: _asks(stopped, 4)):
        assert step.number <= 4
    assert stopped.termination == "asked_to_stop"
    resumed = lifrac.Simulation.resume(tmp_path / "run")
    assert resumed.run().code == 0
    result, before = lifrac.RunResult.load(tmp_path / "run"), lifrac.RunResult.load(tmp_path / "whole")
    np.testing.assert_allclose(result.history.iloc[:, :17], before.history.iloc[:, :17], rtol=1e-9, atol=1e-12)
    again = lifrac.Simulation.resume(tmp_path / "run")
    end = again.run()
    assert (end.code, end.termination, again.outcome) == (0, "protocol_end", result.outcome)


class _asks:
    """Asks to stop after a number of steps."""

    def __init__(self, simulation: lifrac.Simulation, after: int) -> None:
        self.simulation, self.after = simulation, after

    def __enter__(self) -> "_asks":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __bool__(self) -> bool:
        return len(self.simulation.history) > self.after


def test_a_model_in_a_folder_goes_on_from_there(tmp_path: Path) -> None:
    cell: CellModel = model(10.0)
    first = lifrac.Simulation.from_model(cell, SLAB)
    for _ in first.steps(tmp_path / "run", stopping=lambda: _asks(first, 3)):
        pass
    assert first.termination == "asked_to_stop"
    other = lifrac.Simulation.from_model(model(11.0), SLAB)
    with pytest.raises(lifrac.InputError, match="the case is not the one"):
        other.run(tmp_path / "run", resume=True)
    assert lifrac.Simulation.from_model(cell, SLAB).run(tmp_path / "run", resume=True).termination == "protocol_end"


def test_failures_are_exceptions(tmp_path: Path) -> None:
    with pytest.raises(lifrac.NumericalFailure, match=r"solver.max_steps = 2 is used up"):
        lifrac.Simulation(short(max_steps=2)).run(tmp_path / "run")
    assert lifrac.RunResult.load(tmp_path / "run").summary["termination"] == "max_steps"
    with pytest.raises(lifrac.InputError, match="holds a run already"):
        lifrac.Simulation(short(max_steps=2)).run(tmp_path / "run")
    with pytest.raises(lifrac.InputError, match="no engine computes"):
        lifrac.Simulation.from_model(CellModel(**vars_of(model())), SLAB).run()


def vars_of(cell: CellModel) -> dict[str, object]:
    """Return the fields that every model has, without those of an engine."""
    return {name: getattr(cell, name) for name in CellModel.__dataclass_fields__}
