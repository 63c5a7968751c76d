"""Material cards: complete, cited, and giving the known figures."""

from pathlib import Path

import pytest
from lifrac.errors import InputError
from lifrac.problems.materials.card_files import CARDS, card_names
from lifrac.problems.materials.cards import ElectrolyteCard, LithiumCard, load_card, override
from lifrac.problems.materials.properties import ElectrolyteProperties, LithiumProperties

ROOM = 298.15
OMEGA = 13.0e-6


def electrolyte(name: str) -> ElectrolyteCard:
    card = load_card(name)
    assert isinstance(card, ElectrolyteCard)
    return card


def lithium() -> LithiumCard:
    card = load_card("lithium")
    assert isinstance(card, LithiumCard)
    return card


def changed(card: ElectrolyteCard, **changes: object) -> ElectrolyteCard:
    properties = ElectrolyteProperties.model_validate(changes)
    return override(card, properties, "case.toml", "electrolyte.properties")


def test_all_cards_are_there() -> None:
    assert list(card_names()) == [
        "LATP",
        "LLZO",
        "Li10GeP2S12",
        "Li3PS4_glass",
        "Li6PS5Cl",
        "LiPON",
        "lithium",
    ]


@pytest.mark.parametrize("name", card_names())
def test_every_number_is_cited_and_marked(name: str) -> None:
    card = load_card(name)
    assert card.name == name
    for key, entry in card.entries.items():
        assert entry.source, key
        assert entry.confidence in ("checked", "high", "medium", "low"), key
        assert not entry.source.startswith("["), f"{key}: a citation, not a tag"


@pytest.mark.parametrize("name", [name for name, kind in card_names().items() if kind == "electrolyte"])
def test_electrolytes_conduct_better_when_hot(name: str) -> None:
    card = electrolyte(name)
    cold, hot = card.evaluate(ROOM), card.evaluate(333.15)
    assert hot.conductivity > 2.0 * cold.conductivity
    assert card.kinetics(333.15, molar_volume=OMEGA).exchange_current > card.exchange_current(ROOM)


@pytest.mark.parametrize(
    ("celsius", "factor"), [(-30, 0.034), (0, 0.255), (30, 1.28), (60, 4.80), (80, 10.2), (100, 20.1)]
)
def test_creep_of_lithium_against_temperature(celsius: float, factor: float) -> None:
    """Q = 37 kJ/mol (LePage et al. 2019); factors to 3 digits."""
    ratio = lithium().evaluate(celsius + 273.15).prefactor / 7.7e-3
    assert ratio == pytest.approx(factor, rel=6e-3)


def test_lithium_at_room_temperature() -> None:
    creep = lithium().evaluate(ROOM)
    assert (creep.prefactor, creep.exponent) == (7.7e-3, 6.56)
    assert (creep.linear_viscosity, creep.stress_cap, creep.size_exponent) == (None, None, 0.0)
    assert lithium().molar_volume(ROOM) == OMEGA
    assert lithium().melting_temperature == 453.7


@pytest.mark.parametrize(("name", "energy"), [("LLZO", 6.224), ("Li6PS5Cl", 2.075), ("Li3PS4_glass", 2.585)])
def test_fracture_energy_from_toughness(name: str, energy: float) -> None:
    """Gc = K_Ic^2 (1 - nu^2)/E: LLZO 1 MPa m^0.5, 149.8 GPa, 0.26; sulfides 0.23 MPa m^0.5."""
    assert electrolyte(name).evaluate(ROOM).fracture_energy == pytest.approx(energy, rel=1e-3)


def test_exchange_current_from_resistance() -> None:
    """RT/(F 5 ohm cm2) = 5.14 mA/cm2 at 25 degC."""
    assert electrolyte("LLZO").exchange_current(ROOM) == pytest.approx(51.38, rel=1e-3)


def test_conductivity_times_temperature_follows_arrhenius() -> None:
    card = electrolyte("LLZO")
    ratio = card.evaluate(333.15).conductivity * 333.15 / (card.evaluate(ROOM).conductivity * ROOM)
    assert ratio == pytest.approx(2.71828 ** (0.34 / 8.617333e-5 * (1 / ROOM - 1 / 333.15)), rel=1e-5)


def test_override_keeps_the_temperature_law() -> None:
    plain, own = electrolyte("LLZO"), changed(electrolyte("LLZO"), conductivity="0.92 mS/cm")
    assert own.evaluate(ROOM).conductivity == pytest.approx(2 * plain.evaluate(ROOM).conductivity, rel=1e-14)
    assert own.evaluate(350.0).conductivity == pytest.approx(2 * plain.evaluate(350.0).conductivity, rel=1e-14)
    assert own.entries["conductivity"].confidence == "user"


def test_override_of_a_law() -> None:
    card = changed(electrolyte("LLZO"), conductivity={"value": "1 mS/cm", "law": "constant"})
    assert card.evaluate(350.0).conductivity == card.evaluate(ROOM).conductivity == 1.0e5


def test_override_displaces_the_alternative() -> None:
    card = changed(electrolyte("LLZO"), fracture_energy="6 J/m^2", exchange_current_density="5.1 mA/cm^2")
    assert card.evaluate(ROOM).fracture_energy == 6.0
    assert card.exchange_current(ROOM) == pytest.approx(51.0, rel=1e-15)
    assert card.exchange_current(333.15) / 51.0 == pytest.approx(5.802, rel=1e-3), "keeps 0.43 eV"
    assert "fracture_toughness" not in card.entries


def test_toughness_override_uses_the_own_modulus() -> None:
    card = changed(electrolyte("LLZO"), fracture_toughness="2 MPa*m^0.5", youngs_modulus="100 GPa")
    assert card.evaluate(ROOM).fracture_energy == pytest.approx(4.0e6 * (1 - 0.26**2) / 100.0e3)


def test_both_alternatives_are_refused() -> None:
    with pytest.raises(InputError, match=r"fracture_energy.*fracture_toughness"):
        changed(electrolyte("LLZO"), fracture_energy="6 J/m^2", fracture_toughness="1 MPa*m^0.5")


def test_incomplete_law_is_refused() -> None:
    with pytest.raises(InputError, match=r"electrolyte\.properties\.youngs_modulus\.activation_energy"):
        changed(electrolyte("LLZO"), youngs_modulus={"law": "arrhenius", "reference_temperature": "25 degC"})


def test_optional_mechanisms_of_lithium() -> None:
    properties = LithiumProperties.model_validate(
        {"linear_viscosity": "1e4 MPa*s", "stress_cap": "3 MPa", "size_length": "1 um", "size_exponent": 1}
    )
    creep = override(lithium(), properties, "case.toml", "electrodes.properties").evaluate(ROOM)
    assert (creep.linear_viscosity, creep.stress_cap, creep.size_length, creep.size_exponent) == (
        1e4,
        3.0,
        1.0,
        1.0,
    )


def test_warnings_outside_the_measured_range() -> None:
    assert lithium().warnings(ROOM, {"stack pressure": 1.0}) == []
    hot, pressed = lithium().warnings(420.0), lithium().warnings(ROOM, {"stack pressure": 25.0})
    assert "125 degC" in hot[0]
    assert "stack pressure is 25 MPa" in pressed[0]


def test_unknown_material_suggests() -> None:
    with pytest.raises(InputError, match='Did you mean "LLZO"'):
        load_card("LZO")


def test_own_card_by_path(tmp_path: Path) -> None:
    text = (CARDS / "LLZO.toml").read_text().replace('"0.46 mS/cm"', '"0.3 mS/cm"')
    (tmp_path / "own.toml").write_text(text)
    card = load_card("own.toml", tmp_path)
    assert isinstance(card, ElectrolyteCard)
    assert card.evaluate(ROOM).conductivity == 3.0e4


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('value = "0.46 mS/cm"', "value = 0.46", ["properties.conductivity.value", "0.46 mS/cm"]),
        ('value = "0.46 mS/cm"', 'valu = "0.46 mS/cm"', ["properties.conductivity.valu", "Did you mean"]),
        ('kind = "electrolyte"', 'kind = "ceramic"', ["kind", "metal"]),
        ("[properties.youngs_modulus]", "[properties.thermal_expansivity]", ["unknown key"]),
        ('confidence = "high"', 'confidence = "hgih"', ['Did you mean "high"']),
        (
            'law = "arrhenius_resistance"',
            'law = "arrhenius"',
            ["interface_resistance", "arrhenius_resistance"],
        ),
    ],
)
def test_malformed_card(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    text = (CARDS / "LLZO.toml").read_text()
    assert old in text
    (tmp_path / "own.toml").write_text(text.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_card("own.toml", tmp_path)
    for word in [*words, "own.toml"]:
        assert word in str(caught.value)
