"""What is refused: one sentence on standard error, an exit code that says whose fault it is, and no traces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.pipeline.terminal import Said, Terminal

from twinpipe.settings import Settings

TOY = {"identifier": "MARS-01", "name": "Mars", "mass": 6.4e23, "radius": 3.4e6}


@pytest.fixture(scope="module")
def twin(terminal: Terminal) -> str:
    """Id of a small twin of Mars with one completed run, 1."""
    number = str(terminal("twin", "create", "mars", "--grid", "6x8", "--json").json["id"])
    assert terminal("run", number, "--years", "1", "--json").code == 0
    return number


def refuse(terminal: Terminal, *arguments: str | Path, code: int = 2, **settings: str) -> str:
    """The sentence of a refusal that leaves no traces."""
    before = terminal.traces()
    said: Said = terminal(*arguments, **settings)
    assert terminal.traces() == before
    return said.refusal(code)


@pytest.mark.parametrize("years", ["0", "1001", "2.5", "x", "", "1e2", "nan"])
@pytest.mark.parametrize("command", ["run", "demo"])
def test_years_are_whole_and_1_to_1000(terminal: Terminal, twin: str, years: str, command: str) -> None:
    said = refuse(terminal, command, *([twin] if command == "run" else []), "--years", years)
    assert "it is a whole number of years from 1 to 1000" in said


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--pattern", "mars_teraform", "no pattern named 'mars_teraform'; known: "),
        ("--set", "miror_area=5", "no parameter of pattern mars_terraform named 'miror_area'; known: "),
        ("--set", "mirror_area=5 parsec", "mirror_area: '5 parsec'"),
        ("--set", "mirror_area=5 blorps", "mirror_area: '5 blorps'"),
        ("--set", "mirror_area=5 km^2 /", "mirror_area: '5 km^2 /'"),
        ("--set", "mirror_area=nan", "finite"),
        ("--set", "mirror_area=1e99", "mirror_area: '1e99'"),
        ("--set", "mirror_area=-1", "mirror_area: '-1'"),
        ("--set", "mirror_area", "key=value"),
        ("--set", "=5", "key=value"),
        ("--set", "mirror_area=", "key=value"),
        ("--grid", "6by8", "grid: '6by8'"),
        ("--grid", "2x8", "from 4x1 to 720x1440"),
        ("--grid", "9999x9999", "from 4x1 to 720x1440"),
        ("--grid", "-6x8", "grid: '-6x8'"),
        ("--seed", "-1", "--seed"),
        ("--seed", "99999999999999999999", "--seed"),
        ("--scenario", "/nowhere/at/all.toml", "scenario file: '/nowhere/at/all.toml'"),
    ],
)
def test_a_run_names_the_option_that_is_wrong(
    terminal: Terminal, twin: str, option: str, value: str, part: str
) -> None:
    assert part in refuse(terminal, "run", twin, option, value)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("run", "999"), "no twin named 999"),
        (("twin", "show", "999"), "no twin named 999"),
        (("twin", "show", "99999999999999999999"), "TWIN"),
        (("twin", "show", "0"), "TWIN"),
        (("twin", "show", "first"), "TWIN"),
        (("result", "show", "999"), "no result of run named 999"),
        (("result", "show", "x"), "RUN"),
        (("plot", "999"), "no result of run named 999"),
        (("body", "show", "vulcan"), "no body named 'vulcan'; known: earth, europa, luna, mars, titan, venus"),
        (("body", "show", "nowhere.toml"), "nowhere.toml"),
        (("twin", "create", "vulcan"), "no body named 'vulcan'; known: earth, europa, luna, mars, titan, venus"),
        (("twin", "create", "mars", "--grid", "3"), "grid: '3'"),
        (("twin", "create", "mars", "--ttl", "soon"), "ttl: 'soon'"),
        (("twin", "create", "mars", "--ttl", "-3"), "ttl: '-3'"),
        (("twin", "create", "mars", "--ttl", "1.5 d"), "ttl: '1.5 d'"),
        (("twin", "create", "mars", "--ttl", "1e9"), "ttl: '1e9'"),
        (("twin", "create", "mars", "--ttl", "5 km"), "ttl: '5 km'"),
        (("twin", "create", "mars", "--name", ""), "1 to 200 characters"),
        (("twin", "create", "mars", "--name", "x" * 201), "1 to 200 characters"),
        (("twin", "create", "mars", "--name", "\udcff"), "it must be UTF-8 text"),
        (("twin", "create", "mars", "--from", "/nowhere.json"), "/nowhere.json"),
        (("demo", "--grid", "x"), "grid: 'x'"),
        (("run",), "missing argument 'TWIN'"),
        (("body", "show"), "missing argument 'NAME'"),
        (("twin", "list", "--jsn"), "no such option: --jsn"),
        (("terraform",), "no such command 'terraform'"),
        (("cleanup", "--as-of", "0001-01-01"), "as-of: '0001-01-01' is not allowed; its year is from 2000 to 2200"),
        (("twin",), "missing command"),
        (("db", "migrate", "now"), "unexpected extra argument"),
        (("run", "1", "--years"), "--years"),
    ],
)
def test_a_request_that_is_wrong_is_refused(
    terminal: Terminal, twin: str, arguments: tuple[str, ...], part: str
) -> None:
    assert part in refuse(terminal, *arguments)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (json.dumps({"celestial_bodies": [TOY]})[:-30], "cut off"),
        ("Mars is red", "complete JSON"),
        ("", "complete JSON"),
        ("[]", "celestial_bodies"),
        (json.dumps({"celestial_bodies": []}), "at least one body"),
        (json.dumps({"celestial_bodies": [{k: v for k, v in TOY.items() if k != "mass"}]}), "MARS-01.mass"),
        (json.dumps({"celestial_bodies": [TOY | {"mass": float("nan")}]}), "MARS-01.mass"),
        (json.dumps({"celestial_bodies": [TOY | {"radius": -3.4e6}]}), "MARS-01.radius"),
        (json.dumps({"celestial_bodies": [TOY | {"radius": "wide"}]}), "MARS-01.radius"),
        (json.dumps({"celestial_bodies": [TOY, TOY]}), "unique"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_a_game_file_that_is_damaged_is_refused(
    terminal: Terminal, twin: str, tmp_path: Path, content: str, part: str
) -> None:
    path = tmp_path / "game.json"
    path.write_text(content, encoding="utf-8")
    assert part in refuse(terminal, "body", "import", path)
    assert part in refuse(terminal, "twin", "create", "MARS-01", "--from", path)


def test_a_game_file_that_is_missing_or_without_the_body_is_refused(
    terminal: Terminal, twin: str, tmp_path: Path
) -> None:
    assert "No such file" in refuse(terminal, "body", "import", tmp_path / "none.json")
    assert "game file" in refuse(terminal, "body", "import", tmp_path)
    path = tmp_path / "game.json"
    path.write_text(json.dumps({"celestial_bodies": [TOY]}), encoding="utf-8")
    assert "no body named 'EARTH-01'; known: MARS-01" in refuse(terminal, "body", "import", path, "--body", "EARTH-01")


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("s.toml", "interventions = [", "readable TOML or JSON"),
        ("s.json", "{", "readable TOML or JSON"),
        ("s.json", "[" * 100_000, "readable TOML or JSON"),
        ("s.json", "[]", "it must be a table"),
        ("s.json", '{"interventions": [{"kind": "magic"}]}', "magic"),
        ("s.json", '{"interventions": [{"kind": "orbital_mirror"}]}', "area_m2"),
        ("s.json", '{"interventions": [{"kind": "orbital_mirror", "area_m2": -1}]}', "area_m2: -1"),
        ("s.json", '{"interventions": [{"kind": "orbital_mirror", "area_m2": NaN}]}', "area_m2: nan"),
        ("s.json", '{"interventions": [{"kind": "orbital_mirror", "area_km2": 1, "area_m2": 1}]}', "area_km2"),
        ("s.toml", 'pattern = "pluto"', "pluto"),
    ],
)
def test_a_scenario_file_that_is_wrong_is_refused(
    terminal: Terminal, twin: str, tmp_path: Path, name: str, content: str, part: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert part in refuse(terminal, "run", twin, "--scenario", path)


def test_parameters_of_a_pattern_do_not_go_with_a_scenario_file(terminal: Terminal, twin: str, tmp_path: Path) -> None:
    path = tmp_path / "calm.toml"
    path.write_text("", encoding="utf-8")
    assert "--set" in refuse(terminal, "run", twin, "--scenario", path, "--set", "mirror_area=5")


@pytest.mark.parametrize(
    ("name", "value", "code", "part"),
    [
        ("WORKERS", "many", 2, "TWINPIPE_WORKERS: 'many'"),
        ("WORKERS", "-1", 2, "TWINPIPE_WORKERS: '-1'"),
        ("LOG_LEVEL", "loud", 2, "TWINPIPE_LOG_LEVEL"),
        ("TWIN_TTL", "1000000", 2, "TWINPIPE_TWIN_TTL"),
        ("RETENTION_RESULTS", "9999999999", 2, "TWINPIPE_RETENTION_RESULTS"),
        ("RETENTION_RUNS", "36526", 2, "TWINPIPE_RETENTION_RUNS"),
        ("RETENTION_TWINS", "36526", 2, "TWINPIPE_RETENTION_TWINS"),
        (
            "RETENTION_RESULTS",
            "30",
            2,
            "TWINPIPE_RETENTION_RUNS: 365 is not allowed; it is at most TWINPIPE_RETENTION_RESULTS, which is 30",
        ),
        ("STORE_URL", "ftp://host/stores", 2, "TWINPIPE_STORE_URL"),
        ("STORE_URL", "/etc/hostname/stores", 1, "/etc/hostname/stores"),
        ("DATABASE_URL", "nonsense", 2, "it is postgresql://user:password@host:port/database"),
        ("DATABASE_URL", "sqlite:///file.db", 2, "TWINPIPE_DATABASE_URL: 'sqlite'"),
        ("DATABASE_URL", "postgresql://x:hush@127.0.0.1:9/z", 1, "database 'z' at 127.0.0.1:9 does not answer"),
        ("DASK_SCHEDULER", "tcp://127.0.0.1:9", 1, "the Dask scheduler at tcp://127.0.0.1:9 does not answer"),
        ("DASK_SCHEDULER", "over there", 2, "it is tls:// or tcp://, a host and a port"),
        ("DASK_SCHEDULER", "tcp://192.0.2.1:8786", 2, "it is tls:// unless on this machine"),
        ("DASK_TLS_KEY", "/nowhere/key.pem", 2, "TWINPIPE_DASK_TLS_KEY: '/nowhere/key.pem'"),
    ],
)
def test_a_setting_that_is_wrong_is_refused(
    terminal: Terminal, twin: str, name: str, value: str, code: int, part: str
) -> None:
    said = refuse(terminal, "run", twin, "--years", "7", code=code, **{f"TWINPIPE_{name}": value})
    assert part in said
    assert "hush" not in said


@pytest.mark.parametrize("name", ["DASK_SCHEDULER", "DATABASE_URL"])
def test_a_demo_whose_servers_do_not_answer_ends_before_it_begins(terminal: Terminal, twin: str, name: str) -> None:
    value = {"DASK_SCHEDULER": "tcp://127.0.0.1:9", "DATABASE_URL": "postgresql://x:hush@127.0.0.1:9/z"}[name]
    assert "does not answer" in refuse(terminal, "demo", code=1, **{f"TWINPIPE_{name}": value})


def test_the_installed_command_refuses_in_one_sentence_too(terminal: Terminal, twin: str) -> None:
    assert "no such option: --yeers" in terminal.spawn("run", twin, "--yeers", "3").refusal(2)
    assert "does not answer" in terminal.spawn(
        "twin", "list", TWINPIPE_DATABASE_URL="postgresql://x@127.0.0.1:9/z"
    ).refusal(1)


def test_an_empty_setting_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "STORE_URL", "DASK_SCHEDULER", "WORKERS", "HOME"):
        monkeypatch.setenv(f"TWINPIPE_{name}", "")
    assert Settings().database_url is None
    assert Settings().workers == 0
    assert Settings().home != Path.cwd()


def test_places_do_not_depend_on_the_folder_of_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings(home=Path("here")).store_path == tmp_path / "here" / "stores"
    assert Settings(store_url="there").store_path == tmp_path / "there"
    assert Settings(store_url="file:///srv/stores").store_path == Path("/srv/stores")
    assert "hush" not in repr(Settings(database_url=SecretStr("postgresql://x:hush@y/z")))
