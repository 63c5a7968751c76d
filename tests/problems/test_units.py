"""Quantity strings: exact conversion, spellings, refusals."""

import copy
import pickle

import pytest
from lifrac.problems.quantities import units as u


@pytest.mark.parametrize(
    ("dimension", "text", "internal"),
    [
        (u.LENGTH, "20 um", 20.0),
        (u.LENGTH, "20 nm", 0.02),
        (u.LENGTH, "0.2 mm", 200.0),
        (u.LENGTH, "20 µm", 20.0),
        (u.TIME, "1 h", 3600.0),
        (u.PRESSURE, "150 GPa", 150e3),
        (u.TEMPERATURE, "60 degC", 333.15),
        (u.TEMPERATURE, "-25 °C", 248.15),
        (u.TEMPERATURE, "333 K", 333.0),
        (u.CURRENT_DENSITY, "1 mA/cm^2", 10.0),
        (u.CURRENT_DENSITY, "-0.3 mA/cm2", -3.0),
        (u.CURRENT_DENSITY, "75 uA/cm**2", 0.75),
        (u.AREAL_CAPACITY, "1 mAh/cm^2", 3.6e4),
        (u.CONDUCTIVITY, "0.5 mS/cm", 5.0e4),
        (u.CONDUCTIVITY, "1 S/m", 1.0e6),
        (u.AREA_RESISTANCE, "5 ohm*cm^2", 5.0e-4),
        (u.AREA_RESISTANCE, "5 Ohm cm2", 5.0e-4),
        (u.FRACTURE_ENERGY, "6 J/m^2", 6.0),
        (u.TOUGHNESS, "1 MPa*m^0.5", 1000.0),
        (u.TOUGHNESS, "1 MPa*sqrt(m)", 1000.0),
        (u.TOUGHNESS, "1 MPa m^(1/2)", 1000.0),
        (u.VISCOSITY, "1e4 MPa*s", 1.0e4),
        (u.INTERFACE_VISCOSITY, "1 MPa*s/um", 1.0),
        (u.VOLTAGE, "500 mV", 0.5),
        (u.ACTIVATION_ENERGY, "37 kJ/mol", 37.0e3),
        (u.RATE, "7.7e-3 1/s", 7.7e-3),
        (u.MOLAR_VOLUME, "13.0 cm^3/mol", 13.0e-6),
        (u.NUMBER, "50 %", 0.5),
    ],
)
def test_conversion_is_exact(dimension: u.Dimension, text: str, internal: float) -> None:
    assert float(dimension(text)) == internal


def test_energy_per_particle() -> None:
    """1 eV = 96.48533212 kJ/mol (CODATA 2018)."""
    assert u.ACTIVATION_ENERGY("1 eV") == pytest.approx(96485.33212, rel=1e-10)


@pytest.mark.parametrize("value", [1 / 3, 200 / 450, 1e-17, 6.02e23, 0.1 + 0.2])
@pytest.mark.parametrize("dimension", [u.LENGTH, u.CONDUCTIVITY, u.TOUGHNESS, u.AREAL_CAPACITY, u.TEMPERATURE])
def test_internal_text_reads_back_to_the_bit(dimension: u.Dimension, value: float) -> None:
    everywhere = dimension.within(ge=0.0, le=1.0e30)
    assert float(everywhere(dimension.internal(value).text)) == value


def test_quantity_survives_copy_and_pickle() -> None:
    quantity = u.LENGTH("20 nm")
    for twin in (copy.deepcopy(quantity), pickle.loads(pickle.dumps(quantity))):
        assert twin == 0.02
        assert twin.text == "20 nm"


@pytest.mark.parametrize(
    ("dimension", "value", "remedy"),
    [
        (u.LENGTH, 20, '"20 um"'),
        (u.LENGTH, "20", '"20 um"'),
        (u.CURRENT_DENSITY, 2.0, '"2.0 mA/cm^2"'),
        (u.LENGTH, "5 MPa", '"20 um"'),
        (u.LENGTH, "nan um", '"20 um"'),
        (u.LENGTH, "inf um", '"20 um"'),
        (u.LENGTH, "1e999 um", '"20 um"'),
        (u.LENGTH, "1e9999999 um", '"20 um"'),
        (u.LENGTH, "20 foo", '"20 um"'),
        (u.LENGTH, "20 um)(", '"20 um"'),
        (u.LENGTH, "twenty um", '"20 um"'),
        (u.LENGTH, True, '"20 um"'),
        (u.LENGTH, ["20 um"], '"20 um"'),
        (u.LENGTH, float("inf"), '"20 um"'),
        (u.LENGTH.within(gt=0.0), "0 um", '"20 um"'),
        (u.TEMPERATURE, "60 C", '"60 degC"'),
        (u.TEMPERATURE, "-300 degC", '"60 degC"'),
        (u.ACTIVATION_ENERGY, "0.34 V", '"0.34 eV"'),
        (u.NUMBER, float("nan"), "plain number"),
        (u.NUMBER, "3 um", "Write 3"),
    ],
)
def test_refused_with_remedy(dimension: u.Dimension, value: object, remedy: str) -> None:
    with pytest.raises(u.QuantityError) as caught:
        dimension(value)
    assert remedy in str(caught.value.remedy)


def test_usual_units_for_people() -> None:
    assert u.show(20.0, u.CURRENT_DENSITY) == "2 mA/cm^2"
    assert u.show(333.15, u.TEMPERATURE) == "60 degC"
    assert u.show(1000.0, u.TOUGHNESS) == "1 MPa*m^0.5"
    assert u.show(u.ACTIVATION_ENERGY("0.34 eV"), u.ACTIVATION_ENERGY) == "0.34 eV"
