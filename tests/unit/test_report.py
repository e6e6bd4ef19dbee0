"""Pictures that can be read and a report that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from twinpipe import plots, report, wording
from twinpipe.body import load_body
from twinpipe.intervention import SuperGreenhouseGasFactory
from twinpipe.layout import run_layout
from twinpipe.measures import Outcome
from twinpipe.physics.plants import PLANTS
from twinpipe.physics.substances import GASES
from twinpipe.plan import make_plan
from twinpipe.result import build_result
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec
from twinpipe.tree import to_tree

Case = tuple[xr.DataTree, RunSpec, dict[str, Any]]
EVENTS = (
    *("triple_point_pressure", "armstrong_limit", "co2_caps_depleted", "warming_10K"),
    *("oxygen_threshold_reached", "first_rain_at_the_equator", "dust_storms_cease", "lichen_spreads"),
)


def a_run(years: int, scenario: Scenario | None = None, grid: str = "12x24") -> Case:
    """Tree, spec and result of a run in memory."""
    body = load_body("mars")
    scenario = scenario or load_pattern("mars_terraform").scenario(body)
    spec = RunSpec(body=body, scenario=scenario, years=years, grid=grid, spin_up_orbits=3)
    plan = make_plan((spec,))
    now, initial = start(plan, plan.blocks[0])
    parts, errors = [], {}
    for segment in plan.segments:
        output = run_segment(plan, plan.blocks[0], segment, now)
        now, errors = output.state, {k: x[0] for k, x in output.record.items()}
        parts.append(output.arrays)
    arrays = {n: np.concatenate([p[n] for p in parts], axis=1) for n in parts[0]}
    own = {n: a[0] for n, a in arrays.items()}
    before = {n.removeprefix("initial_"): a[0] for n, a in initial.items()}
    outcome = Outcome(
        *(plan, spec, own, before, own, before, {n: a[-24:] for n, a in own.items() if n.startswith("zonal")}),
        {g: float(m) for g, m in zip(GASES, now.gas[0], strict=True) if m > 0},
        {
            "imported_kg": {"N2": 1.2e18},
            "escaped_kg": {"O2": 3.6e9},
            "decayed_kg": 0.0,
            "reacted_mol": dict(zip(PLANTS, now.reacted[0].tolist(), strict=True)),
            "seconds_at_full_rate": now.control[0, :, 1].tolist(),
            **errors,
        },
    )
    result = build_result(outcome)
    result["performance_data"] |= {"seconds": 3.217, "store_bytes": 12_345_678, "versions": {"zarr": "3.1"}}
    return to_tree(run_layout(plan, {}), arrays | initial), spec, result


@pytest.fixture(scope="module")
def default() -> Case:
    return a_run(100)


def renamed(spec: RunSpec) -> RunSpec:
    return spec.model_copy(update={"body": spec.body.model_copy(update={"name": "<b>Mars</b> & co"})})


@pytest.fixture(scope="module")
def written(default: Case, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Path]]:
    """HTML of a report with hostile names, and its pictures."""
    tree, spec, result = default
    folder = tmp_path_factory.mktemp("report")
    pictures = plots.draw(tree, spec, result["key_events"], folder)
    spec = renamed(spec)
    facts = {"twin": 'a "twin" <script>alert(1)</script>', "run": "run 7"}
    path = report.write_report(folder, spec=spec, result=result, facts=facts, pictures=pictures)
    return path.read_text(encoding="utf-8"), pictures


# Pictures


def texts(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[Text]:
    """What a figure really writes when it is drawn."""
    drawn: list[Text] = []
    original = Text.draw

    def draw(self: Text, renderer: RendererAgg) -> None:
        if self.get_visible() and self.get_text().strip():
            drawn.append(self)
        original(self, renderer)

    with monkeypatch.context() as patch:
        patch.setattr(Text, "draw", draw)
        figure.canvas.draw()
    return drawn


def overlaps(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that touch each other or leave the figure."""
    boxes = [(t.get_text(), Text.get_window_extent(t)) for t in texts(figure, monkeypatch)]
    assert len(boxes) > 8
    wrong = [f"{a} | {b}" for (a, x), (b, y) in combinations(boxes, 2) if x.overlaps(y)]
    edge = figure.bbox
    outside = (x.x0 < 0 or x.y0 < 0 or x.x1 > edge.x1 or x.y1 > edge.y1 for _, x in boxes)
    return wrong + [f"{a} leaves the figure" for (a, _), out in zip(boxes, outside, strict=True) if out]


def crowd(years: int) -> list[dict[str, Any]]:
    """Events of every kind within one year, some of them twice, near the middle and near the end."""
    middle = [{"year": 0.5 * years + i / 9, "event": e} for i, e in enumerate(EVENTS)]
    return middle + [{"year": years - i / 40, "event": f"{e}_again"} for i, e in enumerate(EVENTS)]


def spread(years: int) -> list[dict[str, Any]]:
    return [{"year": years * (i + 0.5) / len(EVENTS), "event": e} for i, e in enumerate(EVENTS)] * 2


def many() -> Scenario:
    item = SuperGreenhouseGasFactory(rate_kg_s=1.0)
    return Scenario(interventions=(item,) * 15)


@pytest.mark.parametrize(
    ("years", "scenario"),
    [(100, None), (1, None), (1000, None), (30, Scenario()), (5, many())],
    ids=["default", "one year", "a thousand years", "control", "many interventions"],
)
def test_no_text_overlaps(years: int, scenario: Scenario | None, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, spec, result = a_run(years, scenario)
    assert overlaps(plots.maps_figure(tree, spec), monkeypatch) == []
    for events in (result["key_events"], spread(years), crowd(years)):
        assert overlaps(plots.series_figure(tree, spec, events), monkeypatch) == []
        assert overlaps(plots.hero_figure(tree, spec, events), monkeypatch) == []


def test_pictures_have_their_size_and_are_not_blank(written: tuple[str, dict[str, Path]]) -> None:
    assert list(written[1]) == ["maps", "series", "hero"]
    for name, path in written[1].items():
        pixels = matplotlib.image.imread(path)[..., :3]
        assert pixels.shape[1] == 1200
        assert 700 <= pixels.shape[0] < 1400
        assert pixels.shape[0] == 700 or name != "hero"
        colours = np.unique((pixels * 255).astype(int).reshape(-1, 3), axis=0)
        assert len(colours) > 200
        assert 0.05 < float((pixels.min(axis=-1) < 0.9).mean()) < 0.8


def test_every_event_is_marked_even_where_there_is_no_room_for_its_label(default: Case) -> None:
    tree, spec, _ = default
    years = [50 + i / 30 for i in range(30)]
    events = [{"year": year, "event": f"event_{i}"} for i, year in enumerate(years)]
    figure = plots.series_figure(tree, spec, events)
    written = " ".join(t.get_text() for t in [*figure.texts, *figure.axes[0].texts])
    assert "event 29, year 51.0" in written
    assert "Lines without a label: 18 more events" in written
    for panel in figure.axes:
        marked = [x[0] for line in panel.lines if len(x := np.asarray(line.get_xdata())) == 2 and x[0] == x[1]]
        assert set(years) <= set(marked)


def test_series_end_where_the_tree_ends(default: Case) -> None:
    tree, spec, _ = default
    figure = plots.series_figure(tree, spec, [])
    data = tree["simulation_state"].to_dataset()
    thin, bold = figure.axes[0].lines
    assert float(np.asarray(thin.get_ydata())[-1]) == float(data["global_surface_temperature"][0, -1])
    last = data["global_surface_temperature"][0, -spec.steps_per_orbit :].mean()
    assert float(np.asarray(bold.get_ydata())[-1]) == pytest.approx(float(last), rel=1e-12)
    before = data["initial_global_surface_temperature"][0].mean()
    assert float(np.asarray(bold.get_ydata())[0]) == pytest.approx(float(before), rel=1e-12)


# Report


class Page(HTMLParser):
    """Tags with attributes, the cells of tables and the words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.words = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag in ("td", "dd"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside != "style":
            self.words += data
        if self._inside in ("td", "dd"):
            self.cells[-1] += data


def test_the_report_needs_nothing_else(written: tuple[str, dict[str, Path]]) -> None:
    html, pictures = written
    page = Page(html)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "base", "form", "svg"}
    for _, attributes in page.tags:
        assert not [a for a in attributes if a.startswith("on")]
        for name in ("src", "href", "srcset", "action", "background", "poster"):
            assert (attributes.get(name) or "data:image/png;base64,").startswith("data:image/png;base64,")
    assert re.search(r"https?:|url\(|@import", re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)) is None
    images = [a for tag, a in page.tags if tag == "img"]
    assert len(images) == len(pictures)
    assert all(len(a["alt"] or "") > 40 for a in images)


def test_names_are_escaped(written: tuple[str, dict[str, Path]]) -> None:
    html, _ = written
    page = Page(html)
    assert "<script" not in html
    assert "<b>Mars" not in html
    assert "<b>Mars</b> & co" in page.words
    assert 'a "twin" <script>alert(1)</script>' in page.cells


NUMBER = r"-?\d[\d,]*(\.\d+)?(×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?"
UNIT = r"( [a-zA-ZµJWP%]|°| (kg|m|J|W|K|Pa|GCC|years|steps|orbits|latitudes|s|bytes|of)\b)"


def test_every_number_has_a_unit(written: tuple[str, dict[str, Path]]) -> None:
    cells = Page(written[0]).cells
    numbers = [c for c in cells if re.match(NUMBER, c)]
    assert len(numbers) > 60
    digests = re.compile("[0-9a-f]{64}")
    bare = [c for c in numbers if not re.match(f"({NUMBER})({UNIT})", c) and not digests.fullmatch(c)]
    assert bare == []
    assert [c for c in cells if re.search(r"\d\.\d{7}|\bnan\b|inf\b|None", c)] == []


def test_the_report_holds_what_it_is_asked_for(default: Case, written: tuple[str, dict[str, Path]]) -> None:
    _, spec, result = default
    words = " ".join(Page(written[0]).words.split())
    start, end = result["start_state"]["atmosphere"], result["end_state"]["atmosphere"]
    for value in (start["surface_temperature_k"], end["surface_temperature_k"]):
        assert wording.quantity(value, "K") in words
    assert result["key_events"]
    for event in result["key_events"]:
        assert wording.formula(event["description"]) in words
    for goal in result["success_metrics"]["goals"]:
        assert goal["id"].replace("_", " ") in words
    for text in (renamed(spec).body.digest, "Habitability", "Total", "Mass", "C₃F₈", "2×10¹¹ m²", "75° S", "12.35 MB"):
        assert text in words


def test_a_long_story_is_thinned(default: Case) -> None:
    _, spec, result = default
    row = {"surface_temperature_k": 210.0, "surface_pressure_pa": 610.0, "co2_ice_kg": 3e15}
    told = result["performance_data"] | {"story": [{"year": y, **row} for y in range(101)]}
    summary = report.markdown_summary(spec=spec, result=result | {"performance_data": told}, facts={})
    lines = [line for line in summary.splitlines() if line.endswith("| 210 K | 610 Pa | 3×10¹⁵ kg |")]
    assert len(lines) == report.MAX_STORY
    assert lines[0].startswith("| year 0 ")
    assert lines[-1].startswith("| year 100 ")


def test_short_runs_warn_about_the_seasons() -> None:
    tree, spec, result = a_run(1)
    summary = report.markdown_summary(spec=spec, result=result, facts={})
    assert "less than the 1.881 years of an orbit of Mars" in summary
    assert "In 1 year Mars" in summary
    assert "part of an orbit" in " ".join(t.get_text() for t in plots.maps_figure(tree, spec).texts)


def test_a_control_run_has_a_report(tmp_path: Path) -> None:
    _, spec, result = a_run(4, Scenario())
    result["performance_data"].pop("story")
    path = report.write_report(tmp_path, spec=spec, result=result, facts={}, pictures={})
    words = Page(path.read_text(encoding="utf-8")).words
    for text in ("control run", "No event happened", "None: the planet was left to itself", "sets no goals"):
        assert text in words


def test_markdown_is_escaped_and_carries_its_picture(default: Case, written: tuple[str, dict[str, Path]]) -> None:
    _, spec, result = default
    facts = {"twin": "a | <b>twin</b> [x](y)"}
    summary = report.markdown_summary(spec=spec, result=result, facts=facts, picture=written[1]["hero"])
    assert "![Surface temperature" in summary
    assert "(data:image/png;base64,iVBOR" in summary
    assert r"a \| &lt;b&gt;twin&lt;/b&gt; \[x\](y)" in summary
    for line in summary.splitlines():
        if line.startswith("|"):
            assert len(re.split(r"(?<!\\)\|", line)) >= 4


# Words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.0, "kg", "0 kg"),
        (239.64, "K", "239.6 K"),
        (7889.0, "Pa", "7,889 Pa"),
        (94166.9, "Pa", "94.17 kPa"),
        (999999.0, "Pa", "1 MPa"),
        (1.2e8, "kg/s", "1.2×10⁸ kg/s"),
        (1.43e21, "J", "1.43 ZJ"),
        (5e40, "J", "5×10⁴⁰ J"),
        (6.21e10, "GCC", "62.1 billion GCC"),
        (400_412.3, "GCC", "400,400 GCC"),
        (5e-4, "GCC/kg", "5×10⁻⁴ GCC/kg"),
        (44.26, "year", "year 44.26"),
        (-75.0, "°", "-75°"),
        (None, "K", "–"),
        (float("nan"), "K", "–"),
    ],
)
def test_quantities(value: float | None, unit: str, words: str) -> None:
    assert wording.quantity(value, unit) == words


def numbers() -> Iterator[float]:
    generator = np.random.default_rng(0)
    yield from 10.0 ** generator.uniform(-30, 30, 2000) * generator.choice([-1, 1], 2000)


def test_numbers_are_read_back_as_they_were() -> None:
    raised = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    for value in numbers():
        text = wording.number(value).replace(",", "").translate(raised).replace("×10", "e")
        assert float(text) == pytest.approx(value, rel=5.1e-4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C3F8", "C₃F₈"),
        ("CO2 ice", "CO₂ ice"),
        ("co2 ice", "CO₂ ice"),
        ("N2 + H2O", "N₂ + H₂O"),
        ("year 12", "year 12"),
        ("S37 and D3", "S37 and D3"),
        ("C2F6, SF6, Ar", "C₂F₆, SF₆, Ar"),
    ],
)
def test_formulas(text: str, words: str) -> None:
    assert wording.formula(text) == words


def test_prose_has_no_references() -> None:
    assert wording.prose("6e6..3e7, [S12b, S37]") == "6e6..3e7"
    assert wording.prose("energy to smelt; D3") == "energy to smelt"
    assert wording.prose("depths of CO2; B3.3 (d)") == "depths of CO₂"
