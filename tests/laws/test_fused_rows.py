"""What is fused or specialised for speed does what the plain loops do: to the bit where it says so; B18."""

from __future__ import annotations

import numpy as np
import pytest

from tests.laws.toy_bodies import clock_of
from twinpipe.block_state import join_members
from twinpipe.body import builtin_body
from twinpipe.grid import Array, Grid
from twinpipe.intervention import AlbedoPaint, Heater, OrbitalMirror, Region
from twinpipe.physics import co2_ice, longwave, rows, shortwave, soil, zonal
from twinpipe.physics.model import Model, build, empty_ledger, first_guess
from twinpipe.physics.records import State, aligned, zeros
from twinpipe.scenario import Scenario
from twinpipe.stepping import call

RANDOM = np.random.default_rng(18)
START = RANDOM.bit_generator.state
N = 90


@pytest.fixture(autouse=True)
def _same_numbers_in_any_order() -> None:
    RANDOM.bit_generator.state = START


def between(low: float, high: float, *shape: int) -> Array:
    return RANDOM.uniform(low, high, shape or (N,))


@pytest.mark.parametrize(("n_lat", "n_lon", "members"), [(4, 3, 1), (5, 7, 2), (3, 12, 8), (3, 2, 4), (3, 1, 2)])
def test_two_rows_at_once_are_two_rows(n_lat: int, n_lon: int, members: int) -> None:
    width = n_lon * members
    a, x = between(0.1, 50.0, n_lat, width), between(1.0, 300.0, n_lat, width)
    d, east = np.tile(between(0.01, 10.0, members), n_lon), between(1.0, 500.0, n_lat)
    expected, scratch = x.copy(), np.empty((6, width))
    for i in range(n_lat):
        zonal.solve_lon(a[i], expected[i], d, east[i], members, scratch[0], scratch[1], scratch[2])
    zonal.solve_lons(a, x, d, east, members, scratch)
    assert np.array_equal(x, expected)


def test_six_layers_in_one_loop_are_the_six_layers() -> None:
    T, heat = between(150.0, 300.0, 6, 2, N), between(0.0, 1e-3)
    alpha, own, below = between(0.1, 0.9, 6), between(0.1, 0.9, 6), between(0.1, 0.9, 6)
    expected, beta, top = T.copy(), np.zeros((6, N)), np.zeros(N)
    soil.eliminate(expected, 1, heat, own, below, 0.3, beta)
    soil.substitute(expected, 1, alpha, beta)
    soil.from_below(T, 1, heat, own, below, 0.3, top)
    assert np.array_equal(top, beta[1])
    soil.renew(T, 1, heat, alpha, own, below, 0.3)
    assert np.array_equal(T, expected)


def test_sums_of_a_row_do_not_depend_on_how_many_members_there_are() -> None:
    for n_lon in (1, 5, 8, 19, 72):
        row = between(-1.0, 1.0, n_lon, 8)
        together = np.full(8, 0.5)
        rows.add_row_sum(row.ravel(), 0.1, np.empty(rows.STRIPES * 8), together)
        for b in range(8):
            alone = np.full(1, 0.5)
            rows.add_row_sum(row[:, b].copy(), 0.1, np.empty(rows.STRIPES), alone)
            assert alone[0] == together[b]


def test_sunlight_on_frost_with_one_division() -> None:
    log_p, share = between(0.0, 12.0), between(-3.0, 0.0)
    ice, half = np.where(between(0.0, 1.0) > 0.5, between(0.0, 1e3), 0.0), between(1.0, 50.0)
    ground, bright, emissivity, paint = between(0.1, 0.5), between(0.3, 0.9), between(0.5, 1.0), between(-0.05, 0.05)
    reflectance, aerosol, sunlight, mirror = between(0.0, 0.2), between(0.0, 0.05), between(400.0, 700.0), between(0, 9)
    frost, albedo, emit, coalbedo, out = (np.empty(N) for _ in range(5))
    co2_ice.frost_point(log_p, share, frost)
    shortwave.frost_cover(ice, half, ground, bright, emissivity, albedo, emit)
    shortwave.absorbed(albedo + paint, reflectance, aerosol, sunlight, mirror, 0.4, coalbedo, out)
    fused = [np.empty(N) for _ in range(4)]
    shortwave.frosty_light(
        log_p, share, ice, half, ground, bright, emissivity, paint, reflectance, aerosol, sunlight, mirror, 0.4, *fused
    )
    for found, expected in zip(fused, (frost, emit, coalbedo, out), strict=True):
        assert found == pytest.approx(expected, rel=1e-13)


def test_outgoing_radiation_over_a_day_in_one_loop() -> None:
    T, eps, coalbedo = between(1.0, 300.0), between(0.3, 1.0), between(0.1, 0.9)
    factor, inertia = between(0.0, 700.0), between(20.0, 2000.0)
    emit, scale, ice = between(0.5, 1.0), between(0.9, 1.1), np.where(between(0.0, 1.0) > 0.5, 1.0, 0.0)
    amplitude2, k, amplitude2_fused, k_fused = (np.empty(N) for _ in range(4))
    longwave.diurnal_amplitude(T, eps, coalbedo, 0.3, factor, 0.01 * inertia, amplitude2)
    longwave.outgoing(T, eps, emit, amplitude2, 0.0, scale, ice, k)
    longwave.daily_outgoing(T, eps, coalbedo, 0.3, factor, 0.01, inertia, emit, scale, ice, amplitude2_fused, k_fused)
    assert amplitude2_fused == pytest.approx(amplitude2, rel=1e-13)
    assert k_fused == pytest.approx(k, rel=1e-13)


@pytest.mark.parametrize("coupling", [0.0, 0.3, 1e3])
def test_balance_with_air_in_one_loop(coupling: float) -> None:
    T, k, capacity, inertia = between(120.0, 260.0), between(2e-8, 5e-8), between(1.0, 9.0), between(20.0, 500.0)
    beta, absorbed, extra = between(100.0, 250.0), between(0.0, 200.0), between(0.0, 1.0)
    ice, frost, c = np.where(between(0.0, 1.0) > 0.5, 1.0, 0.0), between(140.0, 160.0), np.full(N, coupling)
    base, A, drive, base_fused, A_fused, drive_fused = (np.empty(N) for _ in range(6))
    below = 0.02 * beta * inertia
    co2_ice.linearise(T, k, 0.0, 0.0, False, capacity, 0.01, inertia, below, absorbed, extra, base, A, drive)
    co2_ice.couple_air(ice, frost, c, True, A, drive)
    co2_ice.balance_with_air(
        *(T, k, capacity, 0.01, inertia, 0.02, beta, absorbed, extra, ice, frost, c),
        *(base_fused, A_fused, drive_fused),
    )
    for found, expected in ((base_fused, base), (A_fused, A), (drive_fused, drive)):
        assert found == pytest.approx(expected, rel=1e-13)


def test_arrays_of_the_kernel_start_on_a_line_of_the_cache() -> None:
    for shape in ((3, 5), (0, 4), (2, 3, 8), (1000,)):
        made = zeros(*shape)
        assert made.shape == shape
        assert made.ctypes.data % 64 == 0 or made.size == 0
        assert np.array_equal(aligned(made + 1.0), np.ones(shape))


def patched(k: int) -> Scenario:
    target = Region(south_degree=-90, north_degree=0)
    mirror = OrbitalMirror(area_m2=1e12, target=target)
    heater, paint = Heater(power_w=1e14, target=target), AlbedoPaint(change=-0.05, target=target)
    return Scenario(interventions=(mirror, heater, paint)[:k])


def advanced(scenarios: tuple[Scenario, ...]) -> tuple[Model, State]:
    """Mars with its frost after a tenth of a year of such members."""
    mars = builtin_body("mars")
    grid, clock = Grid.parse("4x6"), clock_of(mars, 60)
    single = first_guess(build((mars,), (Scenario(),), grid, clock))
    model = build((mars,) * len(scenarios), scenarios, grid, clock)
    state = join_members([single] * len(scenarios))
    call(model, state, empty_ledger(len(scenarios)), 0, 20, zeros(1, model.n_maps, *state.ice.shape), 4)
    return model, state


def test_a_member_does_not_feel_the_mirrors_heaters_and_paint_of_its_neighbours() -> None:
    block = tuple(patched(k) for k in range(4))
    _, together = advanced(block)
    for b, scenario in enumerate(block):
        _, alone = advanced((scenario,))
        for name in ("T", "ice", "p", "gas"):
            assert np.array_equal(getattr(together, name)[..., b::4], getattr(alone, name)), (b, name)
    assert not np.array_equal(together.T[..., 0::4], together.T[..., 3::4])
