"""The game's interventions: all 39 ids make something or say why not, disasters follow from the seed; domain 3.1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories.outcomes import simulated

from twinpipe.assembly import body_values
from twinpipe.body import builtin_body
from twinpipe.disaster import strikes, uniform
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.events import key_events
from twinpipe.game.interventions import costs_told, expanded, find_intervention, game_interventions
from twinpipe.resources import resource_consumption
from twinpipe.running import read_scenario
from twinpipe.scenario import OF_ANY_PLAN, Scenario, load_pattern, scenario_of

MARS = builtin_body("mars")
IDS = [
    "atmo_thickening",
    "atmo_thinning",
    "oxygen_injection",
    "greenhouse_gases",
    "solar_shielding",
    "orbital_mirror",
    "ice_melting",
    "water_import",
    "desalination",
    "soil_amendment",
    "nutrient_addition",
    "microbe_introduction",
    "establish_outpost",
    "establish_colony",
    "establish_city",
    "build_habitat",
    "build_power",
    "build_transport",
    "mine_minerals",
    "extract_water",
    "harvest_energy",
    "gene_editing",
    "biosphere_enhancement",
    "hybridization",
    "adaptation_boost",
    "introduce_species",
    "create_habitats",
    "bio_engineering",
    "symbiosis_creation",
    "life_acceleration",
    "asteroid_impact",
    "plague_outbreak",
    "volcanic_eruption",
    "ice_age",
    "ozone_depletion",
    "acid_rain",
    "dust_storm",
    "invasive_species",
    "extinction_event",
]


def plan(*items: dict[str, Any], seed: int = 0, years: float = 100) -> Scenario:
    table = expanded({"interventions": list(items)}, years=years, seed=seed)
    return scenario_of(table, body_values(MARS), "plan")


def test_the_table_holds_the_39_ids_of_the_game() -> None:
    assert [name for name, entry in game_interventions().items() if entry.family != "project"] == IDS
    assert len(IDS) == 39


@pytest.mark.parametrize("name", list(game_interventions()))
def test_every_id_makes_a_scenario_or_says_why_the_physics_does_not_feel_it(name: str) -> None:
    entry = game_interventions()[name]
    made = plan({"id": name, **({"year": 5} if entry.disaster else {"start_year": 5})})
    assert bool(made.interventions) == (entry.booked is None)
    assert bool(made.undertakings) == (entry.booked is not None and not entry.disaster)
    assert bool(made.disasters) == entry.disaster
    assert all(i.schedule.start_year == 5 for i in made.interventions)
    assert all(p.minimum <= p.default <= p.maximum for p in entry.parameters.values())
    assert entry.does.endswith(".")
    assert entry.debits
    assert costs_told(entry)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("introduce_microbes", "microbe_introduction"),
        ("seed_ecosystem", "introduce_species"),
        ("build_infrastructure", "build_transport"),
        ("resource_extraction", "mine_minerals"),
        ("atmospheric_transfer", "atmo_thickening"),
        ("Orbital-Mirror", "orbital_mirror"),
    ],
)
def test_aliases_mean_their_ids(alias: str, name: str) -> None:
    assert find_intervention(alias)[0] == name


def test_an_unknown_id_is_refused_with_all_that_are_known() -> None:
    with pytest.raises(NotFound) as refused:
        plan({"id": "orbital_miror"})
    assert all(name in str(refused.value) for name in IDS)


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ({"id": "orbital_mirror", "radius": 5}, "orbital_mirror.radius: 5 is not allowed; orbital_mirror takes area"),
        ({"id": "greenhouse_gases", "rate": -1}, "greenhouse_gases.rate: -1"),
        ({"id": "greenhouse_gases", "rate": True}, "greenhouse_gases.rate"),
        ({"id": "greenhouse_gases", "gas": "CFC"}, "it is one of C3F8"),
        ({"id": "oxygen_injection", "start_year": 9, "end_year": 3}, "end_year 3 must come after start_year 9"),
        ({"id": "water_import", "target": {}}, "water_import takes"),
        ({"id": "water_import", "rate": 10**400}, "water_import.rate"),
        ({"id": "water_import", "schedule": 3}, "water_import.schedule"),
        ({"id": "asteroid_impact"}, "either a year or a number per_century"),
        ({"id": "asteroid_impact", "per_century": -2}, "a number from 0 to 1000"),
        ({"id": "establish_city", "phase": "later"}, "no phase named 'later'"),
    ],
)
def test_what_an_id_does_not_take_is_refused_by_name(item: dict[str, Any], complaint: str) -> None:
    with pytest.raises((InvalidInput, NotFound), match=complaint):
        plan(item)


def test_disasters_follow_from_the_seed_alone() -> None:
    storms = {"id": "dust_storm", "per_century": 20}
    first, again, other = (plan(storms, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first.disasters != other.disasters
    assert len(first.interventions) == len(first.disasters)
    assert [d.year for d in first.disasters] == sorted(d.year for d in first.disasters)
    assert plan(storms, storms, seed=1).disasters[len(first.disasters)].year != first.disasters[0].year


def test_more_disasters_than_a_run_may_have_are_refused_and_no_fewer_are_cut() -> None:
    storms = {"id": "dust_storm", "per_century": 1000}
    with pytest.raises(InvalidInput, match=r"dust_storm\.per_century: 1000\.0 is not allowed; .* 1000 .* have 1010"):
        plan(storms, years=101)
    counts = [len(strikes("x", 1000, 100, seed)) for seed in range(20)]
    assert max(counts) > 1000
    assert sum(counts) / 20 == pytest.approx(1000, abs=30)


def test_a_gas_is_taken_without_a_cap_unless_one_is_asked_for() -> None:
    controlled = {"shape": "feedback", "feedback": {"target": 200.0}}
    (export,) = plan({"id": "atmo_thinning", "schedule": controlled}).interventions
    assert export.kind == "gas_export"
    assert export.cap_kg is None
    (capped,) = plan({"id": "atmo_thinning", "cap": "1e15 kg"}).interventions
    assert capped.kind == "gas_export"
    assert capped.cap_kg == 1e15
    assert capped.capped
    with pytest.raises(InvalidInput, match="a cap goes with a schedule"):
        plan({"id": "atmo_thinning", "cap": 1e15, "schedule": controlled})


def test_disasters_are_as_many_as_they_are_said_to_be() -> None:
    counts = [len(strikes("x", 20, 1000, seed)) for seed in range(40)]
    assert sum(counts) / 40 == pytest.approx(200, abs=10)
    sizes = sorted(s for seed in range(40) for _, s in strikes("x", 20, 1000, seed))
    assert sizes[len(sizes) // 2] == pytest.approx(1.0, rel=0.05)


@given(st.integers(0, 2**63), st.text(max_size=5))
@settings(deadline=None, max_examples=50)
def test_random_numbers_lie_between_0_and_1(seed: int, key: str) -> None:
    assert 0 < uniform(seed, key) < 1


def test_the_random_numbers_are_written_down() -> None:
    """They must be the same in every version, or a run could not be verified."""
    assert uniform(7, "dust_storm", 0) == 0.6244737891653347


def test_a_scenario_file_may_use_ids_units_and_the_body(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(
        """
        events = ["disaster", "phase_started"]
        [[phases]]
        id = "lighting"
        start_year = 3
        end_year = 9
        [[interventions]]
        id = "orbital_mirror"
        area = "4.9e4 km**2"
        phase = "lighting"
        target = { south_degree = -90, north_degree = -75 }
        [[interventions]]
        kind = "gas_export"
        gas = "CO2"
        rate_kg_s = 1e6
        cap_kg = "0.01 * $body.CO2_kg"
        [[interventions]]
        id = "establish_outpost"
        count = 3
        start_year = 4
        """,
        encoding="utf-8",
    )
    made = read_scenario(path, MARS, years=20)
    mirror, export = made.interventions
    assert mirror.kind == "orbital_mirror"
    assert mirror.area_m2 == pytest.approx(4.9e10)
    assert (mirror.schedule.start_year, mirror.schedule.end_year) == (3, 9)
    assert export.kind == "gas_export"
    assert export.cap_kg == pytest.approx(2.65e14)
    assert [(u.id, u.count, u.start_year) for u in made.undertakings] == [("establish_outpost", 3, 4)]


def test_a_plan_that_lists_no_events_tells_the_usual_ones(tmp_path: Path) -> None:
    """The README's own plan, whose first interventions begin within a year."""
    text = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    path = tmp_path / "plan.toml"
    (plan,) = [block.split("```")[0] for block in text.split("```toml\n") if block.startswith("[[interventions]]")]
    path.write_text(plan, encoding="utf-8")
    made = read_scenario(path, MARS, years=2)
    assert set(made.events) >= {*load_pattern("custom").events, *OF_ANY_PLAN}
    outcome = simulated("mars", made, years=2, grid="6x8", spin_up_orbits=3)
    assert {"intervention_started"} <= {e["event"] for e in key_events(outcome, resource_consumption(outcome))}
    path.write_text("events = []\n" + plan, encoding="utf-8")
    assert read_scenario(path, MARS, years=2).events == ()


KEYS = st.sampled_from(
    [
        "id",
        "kind",
        "gas",
        "rate_kg_s",
        "rate",
        "year",
        "per_century",
        "schedule",
        "phase",
        "gated",
        "target",
        "start_year",
        "end_year",
        "cap_kg",
        "works",
        "count",
        "power_w",
        "composition",
        "wanted_kg",
        "origin",
        "measure",
        "planned_year",
        "product",
        "depth_m",
        "prices",
        "budget_gcc",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-5, 10**400) | st.floats() | st.sampled_from(
    ["$body.CO2_kg", "$x", "$body.pressure_pa * a", "orbital_mirror", "dust_storm", "gas_export", "heater", "CO2", "a"]
)  # fmt: skip
ENTRY = st.dictionaries(KEYS, SCALARS | st.dictionaries(KEYS, SCALARS, max_size=2), max_size=5)
LISTS = ("interventions", "undertakings", "disasters", "phases", "fleets", "goals")
TABLES = st.fixed_dictionaries(
    {},
    optional={
        **{key: st.lists(ENTRY, max_size=2) | SCALARS for key in LISTS},
        **dict.fromkeys(("shaft", "gate", "economy"), ENTRY | SCALARS),
    },
)


@given(TABLES)
@settings(deadline=None, max_examples=150)
def test_whatever_a_file_holds_is_a_plan_or_refused(table: dict[str, Any]) -> None:
    try:
        scenario_of(expanded(table, years=50, seed=0), body_values(MARS), "plan")
    except (InvalidInput, NotFound):
        return
