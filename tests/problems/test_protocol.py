"""A protocol of the field's words becomes steps that are computed, or is refused."""

from pathlib import Path

import pytest
from lifrac.problems.case.case import load_case
from lifrac.problems.cli.main import main
from lifrac.problems.run.summary import cycles_completed, level_survived
from lifrac.solver.model.control import ConstantCurrent, ConstantVoltage, Rest
from lifrac.solver.model.loads import Spring
from lifrac.solver.model.protocol import ProtocolStep, StopRules
from lifrac.solver.physics.uniform_cell import voltage_at

HEAD = """
[electrolyte]
material = "LLZO"
thickness = "200 um"
[defect]
length = "20 um"
aperture = "20 nm"
"""
CC = "constant_current"
RAMP = """
type = "ramp"
current_density = "0.1 mA/cm^2"
current_step = "0.1 mA/cm^2"
current_max = "0.3 mA/cm^2"
"""
CYCLE = """
type = "cycle"
current_density = "0.5 mA/cm^2"
areal_capacity = "0.1 mAh/cm^2"
cycles = 2
"""


def steps_of(tmp_path: Path, *tables: str, protocol: str = "") -> tuple[ProtocolStep, ...]:
    path = tmp_path / "case.toml"
    steps = "".join(f"[[protocol.steps]]\n{table}\n" for table in tables)
    path.write_text(f"{HEAD}\n[protocol]\n{protocol}\n{steps}")
    return load_case(path).engine_model().protocol


def test_ramp_at_fixed_capacity(tmp_path: Path) -> None:
    """0.05 mAh/cm2 are 1800 C/m2; 0.3 is reached in spite of 0.1 + 0.1 + 0.1 > 0.3."""
    found = steps_of(tmp_path, RAMP + 'areal_capacity = "0.05 mAh/cm^2"\nvoltage_limit = "1 V"')
    expected = [(sign * level, level) for level in (1, 2, 3) for sign in (1.0, -1.0)]
    assert [s.current_density for s in found] == pytest.approx([e[0] for e in expected])
    assert [s.level for s in found] == [e[1] for e in expected]
    assert {(s.control.name, s.capacity, s.duration, s.voltage_limit) for s in found} == {
        ("constant current", 1800.0, None, 1.0)
    }
    assert [s.cycle for s in found] == [1, 1, 2, 2, 3, 3]


def test_ramp_at_fixed_time_in_one_direction(tmp_path: Path) -> None:
    found = steps_of(tmp_path, RAMP + 'duration = "30 min"\nalternate = false\nrest = "1 min"')
    assert [bool(s.control.direction) for s in found] == [True, False, True, False, True]
    assert [s.current_density for s in found] == pytest.approx([1.0, 0.0, 2.0, 0.0, 3.0])
    assert [s.duration for s in found] == [1800.0, 60.0, 1800.0, 60.0, 1800.0]
    assert [s.level for s in found] == [1, 1, 2, 2, 3]
    assert {s.cycle for s in found} == {0}
    assert {s.capacity for s in found} == {None}


def test_ramp_does_not_pass_its_largest_current(tmp_path: Path) -> None:
    found = steps_of(tmp_path, RAMP.replace("0.3", "0.29") + 'duration = "1 h"')
    assert max(s.current_density for s in found) == pytest.approx(2.0)


def test_ramp_that_strips_first(tmp_path: Path) -> None:
    found = steps_of(tmp_path, RAMP.replace('density = "0.1', 'density = "-0.1') + 'duration = "1 h"')
    assert [s.current_density for s in found] == pytest.approx([-1.0, 1.0, -2.0, 2.0, -3.0, 3.0])


def test_cycles(tmp_path: Path) -> None:
    found = steps_of(tmp_path, CYCLE + 'rest = "10 s"\nstripping_current_density = "-0.25 mA/cm^2"')
    assert [s.current_density for s in found] == [5.0, 0.0, -2.5, 0.0, 5.0, 0.0, -2.5]
    assert [s.cycle for s in found] == [1, 1, 1, 1, 2, 2, 2]
    assert {s.capacity for s in found if s.control.direction} == {3600.0}
    assert {s.level for s in found} == {0}


def test_cycles_are_counted_through_the_whole_protocol(tmp_path: Path) -> None:
    found = steps_of(tmp_path, CYCLE, 'type = "rest"\nduration = "1 h"', RAMP + 'duration = "1 h"', CYCLE)
    assert [s.cycle for s in found] == [1, 1, 2, 2, 0, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]


def test_limits_of_a_single_step(tmp_path: Path) -> None:
    limits = 'current_density = "1 mA/cm^2"\nduration = "1 h"\nvoltage_limit = "0.2 V"'
    found = steps_of(tmp_path, f'type = "{CC}"\n{limits}')
    assert found == (ProtocolStep(ConstantCurrent(10.0), duration=3600.0, voltage_limit=0.2),)


def test_stop_rules(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    contact = '[electrodes.contact]\nvoid_height = "20 um"\ncritical_current = "0.2 mA/cm^2"\n'
    rules = 'voltage_drop = 0.5\ntime_limit = "2 h"\non_contact_lost = "next_step"\n'
    path.write_text(f"{HEAD}{contact}[protocol]\n{rules}[[protocol.steps]]\n{CYCLE}")
    stop = load_case(path).engine_model().stop
    assert stop == StopRules(voltage_drop=0.5, time_limit=7200.0, at_contact_lost=False)


def test_many_cycles_are_cheap_to_state_and_have_steps_to_spend(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(f"{HEAD}[[protocol.steps]]\n{CYCLE.replace('cycles = 2', 'cycles = 1000')}")
    model = load_case(path).engine_model()
    assert (len(model.protocol), model.protocol[-1].cycle) == (2000, 1000)
    assert model.control.max_steps == 400000
    assert load_case(path, ["solver.max_steps=7"]).engine_model().control.max_steps == 7


def test_the_resolved_case_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(f'{HEAD}[[protocol.steps]]\n{CYCLE}[[protocol.steps]]\n{RAMP}duration = "1 h"\nalternate = false\n')
    case = load_case(path)
    again = tmp_path / "again.toml"
    again.write_text(case.resolved_toml())
    assert load_case(again).engine_model() == case.engine_model()


def test_check_lists_few_of_many_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "case.toml"
    path.write_text(f"{HEAD}[[protocol.steps]]\n{CYCLE.replace('cycles = 2', 'cycles = 1000')}")
    assert main(["check", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "2000 steps" in shown
    assert shown.count("protocol step") < 20


HOUR = 'duration = "1 h"'
HOLD = 'type = "constant_voltage"\nvoltage = "50 mV"\n'


def test_constant_voltage(tmp_path: Path) -> None:
    """The current to be expected is that of the uniform cell: V = j L/kappa + two faces."""
    stated = HOLD + 'cutoff_current_density = "0.1 mA/cm^2"\nareal_capacity = "0.1 mAh/cm^2"\nduration = "1 h"'
    plating, stripping = steps_of(tmp_path, stated, stated.replace("50 mV", "-50 mV"))
    hold = plating.control
    assert isinstance(hold, ConstantVoltage)
    assert (hold.voltage, hold.cutoff_current_density, plating.capacity, plating.duration) == (
        0.05,
        1.0,
        3600.0,
        3600.0,
    )
    model = load_case(tmp_path / "case.toml").engine_model()
    kappa = model.electrolyte.conductivity
    assert voltage_at(model.anode, model.counter, 200.0, kappa, hold.expected_current_density) == pytest.approx(0.05)
    assert stripping.current_density == pytest.approx(-plating.current_density)
    assert plating.longest == 3600.0


def test_pressure_of_steps(tmp_path: Path) -> None:
    """The first half-step sets it; where one states it the others have that of `operation`, 1 MPa."""
    pressed = CYCLE + 'stack_pressure = "5 MPa"\nstack_pressure_ramp = "1 min"'
    found = steps_of(tmp_path, HOLD + HOUR, pressed, HOLD + HOUR)
    assert [s.stack_pressure for s in found] == [1.0, 5.0, None, None, None, 1.0]
    assert [s.pressure_ramp for s in found] == [0.0, 60.0, 0.0, 0.0, 0.0, 0.0]
    assert {s.stack_pressure for s in steps_of(tmp_path, CYCLE, HOLD + HOUR)} == {None}


def test_a_fixture_is_left_alone_by_steps_that_state_no_pressure(tmp_path: Path) -> None:
    fixture = '[operation.fixture]\ntype = "spring"\nstiffness = "200 kPa/um"\ncounter_volume_change = 0.3\n'
    path = tmp_path / "case.toml"
    steps = "".join(f"[[protocol.steps]]\n{step}\n" for step in (HOLD + HOUR, CYCLE + 'stack_pressure = "5 MPa"'))
    path.write_text(f"{HEAD}{fixture}{steps}")
    model = load_case(path).engine_model()
    assert [s.stack_pressure for s in model.protocol] == [None, 5.0, None, None, None]
    assert (model.loads.fixture, model.loads.counter_volume) == (Spring(0.2), 0.3)
    again = tmp_path / "again.toml"
    again.write_text(load_case(path).resolved_toml())
    assert load_case(again).engine_model() == model


def test_check_tells_of_held_voltages_and_fixtures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0.2 MPa/um in series with 800 MPa/um of LLZO; 2 times 0.1 mAh/cm2 of 4.85 um per mAh/cm2 stay plated."""
    path = tmp_path / "case.toml"
    charge = 'areal_capacity = "0.1 mAh/cm^2"\nstack_pressure = "5 MPa"\nstack_pressure_ramp = "1 h"\n'
    fixture = '[operation.fixture]\ntype = "spring"\nstiffness = "0.2 MPa/um"\n'
    steps = f"[[protocol.steps]]\n{HOLD}{charge}[[protocol.steps]]\n{HOLD}{charge}"
    path.write_text(f"{HEAD}{fixture}{steps}")
    assert main(["check", str(path)]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "constant voltage, 0.05 V, about" in shown
    assert "stack pressure set to 5 MPa over 1 h" in shown
    assert "0.194 MPa" in shown


FIXTURES = [
    ('type = "spring"', "stiffness", 'stiffness = "0.05 MPa/um"'),
    ('type = "spring"\nstiffness = "5 MPa"', "stiffness", "0.05 MPa/um"),
    ('type = "spring"\nstiffness = "-5 MPa/um"', "stiffness", "at least 0"),
    ('type = "fixed_gap"\nstiffness = "5 MPa/um"', "stiffness", "belongs to spring"),
    ('type = "constant_pressure"\ncounter_volume_change = 1', "counter_volume_change", "spring or fixed_gap"),
    ('type = "fixed_gap"\ncounter_volume_change = 2', "counter_volume_change", "at most 1"),
    ('type = "bolts"', "type", "constant_pressure"),
    ('stiffness = "5 MPa/um"', "type", "Add type"),
]


@pytest.mark.parametrize(("table", "key", "remedy"), FIXTURES)
def test_refused_fixtures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, key: str, remedy: str
) -> None:
    path = tmp_path / "case.toml"
    path.write_text(f"{HEAD}\n[operation.fixture]\n{table}\n[[protocol.steps]]\n{CYCLE}\n")
    assert main(["check", str(path)]) == 2
    told = capsys.readouterr().err
    assert f"operation.fixture.{key}" in told
    assert remedy in told


BARE_RAMP = 'type = "ramp"\ncurrent_density = "1 mA/cm^2"\nduration = "1 h"'


def test_a_protocol_that_empties_the_flaw_is_warned_of(tmp_path: Path) -> None:
    """20 nm hold F w0/(2 Omega) = 74.2 C/m2, 0.1 mAh/cm2 are 3600 C/m2: 49 times as much."""
    path = tmp_path / "case.toml"
    path.write_text(f"{HEAD}[[protocol.steps]]\n{CYCLE}")
    (told,) = [text for text in load_case(path).warnings if "hardly fills" in text]
    assert "stripping 49 times" in told
    less, once = "protocol.steps[0].areal_capacity=0.003 mAh/cm^2", "protocol.steps[0].cycles=1"
    for change in ("defect.residual=0.05", less, once):
        assert not any("hardly fills" in text for text in load_case(path, [change]).warnings)


def step(current: float, cycle: int = 0, level: int = 0) -> ProtocolStep:
    control = ConstantCurrent(current) if current else Rest()
    return ProtocolStep(control, duration=1.0, cycle=cycle, level=level)


def test_cycles_completed_and_level_survived() -> None:
    """A cycle, or level, counts when both halves have ended, whether or not its rest has."""
    ramp = [step(sign * j, n, n) for n, j in ((1, 1.0), (2, 2.0)) for sign in (1.0, 0.0, -1.0, 0.0)]
    assert [cycles_completed(ramp, n) for n in range(9)] == [0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert [level_survived(ramp, n) for n in range(9)] == [None, None, None, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0]
    one_way = [step(1.0, level=1), step(0.0, level=1), step(2.0, level=2), step(0.0)]
    assert [level_survived(one_way, n) for n in range(5)] == [None, 1.0, 1.0, 2.0, 2.0]
    assert cycles_completed(one_way, 4) == 0


REFUSED = [
    # steps, more in [protocol], key and part of the remedy
    (RAMP, "", "[0].areal_capacity", "Add areal_capacity or duration"),
    (RAMP + HOUR + '\nareal_capacity = "1 mAh/cm^2"', "", "[0].duration", "Remove it or areal_capacity"),
    (BARE_RAMP, "", "[0].current_step", "Add current_step"),
    (BARE_RAMP, "", "[0].current_max", "Add current_max"),
    (RAMP.replace('density = "0.1', 'density = "0') + HOUR, "", "[0].current_density", "rest"),
    (RAMP.replace('density = "0.1', 'density = "-0.4') + HOUR, "", "[0].current_max", "larger"),
    (RAMP.replace('step = "0.1', 'step = "1e-6') + HOUR, "", "[0].current_step", "at most 10000"),
    (RAMP.replace('step = "0.1', 'step = "-0.1') + HOUR, "", "[0].current_step", "above 0"),
    (RAMP + 'duration = "1 h"\ncycles = 3', "", "[0].cycles", "belongs to cycle"),
    (CYCLE.replace("cycles = 2", ""), "", "[0].cycles", "Add cycles = 10"),
    (CYCLE.replace("cycles = 2", "cycles = 0"), "", "[0].cycles", "docs/cases.md"),
    (CYCLE.replace("cycles = 2", "cycles = 100000"), "", "[0].cycles", "docs/cases.md"),
    (CYCLE + "alternate = true", "", "[0].alternate", "belongs to ramp"),
    (CYCLE + 'current_max = "1 mA/cm^2"', "", "[0].current_max", "belongs to ramp"),
    (CYCLE + 'stripping_current_density = "1 mA/cm^2"', "", "[0].stripping_current_density", "sign"),
    (CYCLE.replace('"0.5', '"-0.5') + 'stripping_current_density = "-1 mA/cm^2"', "", "[0].current_density", "sign"),
    (CYCLE + 'rest = "0 s"', "", "[0].rest", "above 0 s"),
    (
        'type = "rest"\nduration = "1 h"\nvoltage_limit = "1 V"',
        "",
        "[0].voltage_limit",
        "constant_current or ramp or cycle",
    ),
    ('type = "rest"\nduration = "1 h"\nrest = "1 h"', "", "[0].rest", "ramp or cycle"),
    (CYCLE + 'voltage_limit = "1 V"', 'voltage_limit = "1 V"', "[0].voltage_limit", "smaller"),
    (HOLD, "", "[0].areal_capacity", "Add areal_capacity or duration"),
    (HOLD.replace("50", "0") + HOUR, "", "[0].voltage", "rest"),
    (HOLD.replace('voltage = "50 mV"', "") + HOUR, "", "[0].voltage", 'voltage = "50 mV"'),
    (HOLD.replace("mV", "mA") + HOUR, "", "[0].voltage", "0.5 V"),
    (HOLD + HOUR + '\ncurrent_density = "1 mA/cm^2"', "", "[0].current_density", "belongs to constant_current"),
    (HOLD + HOUR + '\nvoltage_limit = "1 V"', "", "[0].voltage_limit", "belongs to constant_current"),
    (HOLD + HOUR + '\ncutoff_current_density = "0 mA/cm^2"', "", "[0].cutoff_current_density", "above 0"),
    (HOLD + HOUR, 'voltage_limit = "50 mV"', "[0].voltage", "protocol.voltage_limit larger"),
    (CYCLE + 'stack_pressure_ramp = "1 h"', "", "[0].stack_pressure_ramp", "Add stack_pressure"),
    (CYCLE + 'stack_pressure = "-1 MPa"', "", "[0].stack_pressure", "at least 0"),
    (CYCLE + 'voltage = "1 V"', "", "[0].voltage", "belongs to constant_voltage"),
    (CYCLE, "voltage_drop = 1.0", "protocol.voltage_drop", "below 1"),
    (CYCLE, "voltage_drop = 0", "protocol.voltage_drop", "above 0"),
    (CYCLE, 'time_limit = "0 h"', "protocol.time_limit", "above 0"),
    (CYCLE, 'on_contact_lost = "next"', "protocol.on_contact_lost", "next_step"),
    (CYCLE, 'on_contact_lost = "next_step"', "protocol.on_contact_lost", "[electrodes.contact]"),
]


@pytest.mark.parametrize(("step", "protocol", "key", "remedy"), REFUSED)
def test_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str, protocol: str, key: str, remedy: str
) -> None:
    path = tmp_path / "case.toml"
    path.write_text(f"{HEAD}\n[protocol]\n{protocol}\n[[protocol.steps]]\n{step}\n")
    assert main(["run", str(path), "--out", str(tmp_path / "run")]) == 2
    message = capsys.readouterr().err
    assert all(words in message for words in ("case.toml", key, remedy)), message
    assert not (tmp_path / "run").exists()
