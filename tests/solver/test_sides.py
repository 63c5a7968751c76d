"""Sides that stay plane and move together: between held and free ones, and exact where stress is uniform."""

import numpy as np
import pytest
from lifrac.solver.model.loads import Loads
from lifrac.solver.physics.elasticity import through_thickness_modulus
from lifrac.solver.plane.bulk import Bulk
from support.plane_cell import LLZO, bulk, response, slab, surface

E, NU = LLZO.youngs_modulus, LLZO.poisson_ratio
WIDTH, THICKNESS = 60.0, 60.0


def test_they_take_no_force_in_the_mean() -> None:
    """Stack pressure puts no stress on the plane of the flaw, lateral stress all of its own; a parted body slides."""
    plate = response("plate")
    assert np.abs(plate.load_stack).max() < 1e-10
    assert plate.load_lateral.sum() == pytest.approx(THICKNESS, rel=1e-10)
    one = np.ones(len(plate.load_stack))
    assert np.abs(plate.stiffness @ one).max() < 1e-10 * np.abs(plate.stiffness).max()


def test_their_stiffness_is_between_held_and_free() -> None:
    """Each constraint less makes the body softer, whatever the crack does."""
    die, plate, free = (response(lateral).stiffness for lateral in ("die", "plate", "free"))
    scale = np.abs(die).max()
    for stiffer, softer in ((die, plate), (plate, free)):
        least, *_, most = np.linalg.eigvalsh(stiffer - softer)
        assert least > -1e-10 * scale
        assert most > 1e-3 * scale


def test_fields_of_uniform_stress() -> None:
    """Under P and s, with the crack closed: u_x = (nu (1 + nu) P + (1 - nu^2) s) x/E, and the sides stay plane."""
    loads = Loads(10.0, "plate", 7.0)
    body = Bulk(slab(), surface(), NU, loads)
    u = body.recover_displacement(np.zeros(len(surface().crack)), E, loads.stack_pressure)
    x = u.function_space.tabulate_dof_coordinates()
    strain = (NU * (1.0 + NU) * 10.0 + (1.0 - NU**2) * 7.0) / E
    assert u.x.array[0::2] == pytest.approx(strain * x[:, 0], abs=1e-9 * strain * WIDTH)
    along = -(7.0 * NU * (1.0 + NU) + 10.0 * (1.0 - NU**2)) / E
    assert u.x.array[1::2] == pytest.approx(along * (x[:, 1] - THICKNESS), abs=1e-9 * abs(along) * THICKNESS)


def test_fields_of_an_open_crack_agree_with_its_condensed_forces() -> None:
    """The nodal forces work as much as strain energy is stored; sides stay plane, and their force is zero."""
    body, opened = bulk("plate"), 0.01 * np.linspace(1.0, 0.0, len(surface().crack))
    order = np.argsort(surface().x[surface().crack, 1])
    opening = np.empty_like(opened)
    opening[order] = opened
    u = body.recover_displacement(opening, E, 0.0)
    force = u.x.petsc_vec.duplicate()
    body.stiffness_matrix.mult(u.x.petsc_vec, force)
    energy = u.x.petsc_vec.dot(force)
    half = 0.5 * opening
    assert half @ response("plate").stiffness @ half == pytest.approx(energy, rel=1e-10)
    x = u.function_space.tabulate_dof_coordinates()
    side = np.isclose(x[:, 0], WIDTH)
    moved = u.x.array[0::2][side]
    assert moved == pytest.approx(moved[0], rel=1e-10)
    assert abs(force.array[0::2][side].sum()) < 1e-9 * np.abs(force.array).max()


def test_they_give_way_under_the_stack_as_free_ones() -> None:
    assert through_thickness_modulus(E, NU, "plate") == pytest.approx(E / (1.0 - NU**2))
    assert through_thickness_modulus(E, NU, "die") > through_thickness_modulus(E, NU, "plate")
