"""The step in numpy, batched over members and written straight from the equations of physics.md."""

from __future__ import annotations

import numpy as np

from tests.bench.yardsticks.job import N_FLOWS, N_MAPS, ZONAL_EVERY, Result
from twinpipe.grid import Array
from twinpipe.physics import emissivity
from twinpipe.physics.model import Model
from twinpipe.physics.records import State

SIGMA, GAS_CONSTANT = 5.670374e-8, 8.314462
LARGEST_SHARE, COLDEST = 0.5, 1.0  # of a CO2 column that condenses in a step; K


def member_first(a: Array, members: int) -> Array:
    """(member, ..., row, longitude) of (..., row, cell)."""
    return np.ascontiguousarray(np.moveaxis(a.reshape(*a.shape[:-1], -1, members), -1, 0))


def member_last(a: Array) -> Array:
    """(..., row, cell) of (member, ..., row, longitude)."""
    moved = np.moveaxis(a, 0, -1)
    return moved.reshape(*moved.shape[:-2], -1)


def solve_lat(a: Array, rhs: Array, D: Array, north: Array, south: Array) -> Array:
    """x of (A - L_lat) x = rhs, (member, row, longitude), by Thomas' algorithm; D (member, 1)."""
    n = a.shape[1]
    upper, x = np.empty_like(a), np.empty_like(a)
    leak = before = 0.0
    for i in range(n):
        own = a[:, i] + D * south[i] * leak
        inverse = 1 / (own + D * north[i])
        upper[:, i] = D * north[i] * inverse
        leak = own * inverse
        x[:, i] = before = (rhs[:, i] + D * south[i] * before) * inverse
    for i in range(n - 2, -1, -1):
        x[:, i] += upper[:, i] * x[:, i + 1]
    return x


def solve_lon(a: Array, rhs: Array, e: Array) -> Array:
    """x of (A - L_lon) x = rhs, cyclic, (member, row, longitude), by elimination of the corner; e = D east (member,
    row)."""
    last = a.shape[2] - 1
    upper, corner, leak, x = (np.empty_like(a) for _ in range(4))
    inverse = 1 / (a[..., 0] + 2 * e)
    upper[..., 0] = corner[..., 0] = e * inverse
    leak[..., 0] = a[..., 0] * inverse
    x[..., 0] = rhs[..., 0] * inverse
    for j in range(1, last):
        own, carried = a[..., j] + e * leak[..., j - 1], e * corner[..., j - 1]
        inverse = 1 / (own + carried + e)
        upper[..., j], corner[..., j], leak[..., j] = e * inverse, carried * inverse, own * inverse
        x[..., j] = (rhs[..., j] + e * x[..., j - 1]) * inverse
    corner[..., last - 1] += upper[..., last - 1]
    for j in range(last - 2, -1, -1):
        for line in (x, corner, leak):
            line[..., j] += upper[..., j] * line[..., j + 1]
    own = a[..., last] + e * (leak[..., last - 1] + leak[..., 0])
    x[..., last] = (rhs[..., last] + e * (x[..., last - 1] + x[..., 0])) / own
    x[..., :last] += corner[..., :last] * x[..., last:]
    return x


def inverse_emissivity(table: Array, log_p_eff: Array, T: Array) -> Array:
    """1/eps of CO2, bilinear in ln p_eff and T; B3.3."""
    rows, columns = emissivity.LOG_PRESSURE_NODES, emissivity.TEMPERATURE_NODES
    x = np.clip((log_p_eff - emissivity.LOG_PRESSURE_0) / emissivity.LOG_PRESSURE_STEP, 0, rows - 1.001)
    y = np.clip(T - emissivity.TEMPERATURE_0, 0, columns - 1.001)
    i, j = x.astype(np.int64), y.astype(np.int64)
    u, v, place = x - i, y - j, i * columns + j
    low = table[place] + v * (table[place + 1] - table[place])
    place = place + columns
    high = table[place] + v * (table[place + 1] - table[place])
    return np.asarray(low + u * (high - low))


def newton(stiff: Array, drive: Array, k: Array, T: Array) -> tuple[Array, Array, Array]:
    """T' of stiff T' + k T'^4 = drive after two of Newton's iterations from T, OLR, and where its tangent was taken;
    iterations go on where T' is far from that; B8."""
    q3 = k * T**3
    tangent = (drive + 3 * q3 * T) / (stiff + 4 * q3)
    q3 = k * tangent**3
    new = (drive + 3 * q3 * tangent) / (stiff + 4 * q3)
    while (far := (drive > 0) & ~((0.8 * tangent <= new) & (new <= 2 * tangent))).any():
        tangent = np.where(far, new, tangent)
        q3 = k * tangent**3
        new = np.where(far, (drive + 3 * q3 * tangent) / (stiff + 4 * q3), new)
    olr = k * tangent**3 * (4 * new - 3 * tangent)
    return np.where(drive > 0, new, COLDEST), np.where(drive > 0, olr, drive - stiff * COLDEST), tangent


class InNumpy:
    """The step in numpy, (member, row, longitude)."""

    def __init__(self, model: Model, start: State) -> None:
        st, members = model.static, model.n_members
        self.model, self.step = model, 0
        self.altitude, self.ground, self.inertia, self.bottom_heat = (
            member_first(a, members) for a in (st.altitude, st.ground_albedo, st.inertia, st.bottom_heat)
        )
        self.T = np.ascontiguousarray(np.moveaxis(member_first(start.T, members), 1, 0))  # (layer, member, row, lon)
        self.ice, self.p = member_first(start.ice, members), member_first(start.p, members)
        self.gas, self.mean_temperature = start.gas.copy(), start.mean_temperature.copy()
        self.energy, self.condensed = np.zeros((N_FLOWS, members)), np.zeros(members)
        self.sums = np.zeros((N_MAPS, *self.ice.shape))
        north = np.arange(model.grid.n_lat)[:, None] >= model.grid.n_lat // 2
        m = model.members
        self.frost_albedo = np.where(north, m.frost_albedo[1, :, None, None], m.frost_albedo[0, :, None, None])
        self.frost_emissivity = np.where(
            north, m.frost_emissivity[1, :, None, None], m.frost_emissivity[0, :, None, None]
        )
        self.north = north[:, 0]

    def mean(self, field: Array) -> Array:
        """(member) mean over the sphere."""
        return np.asarray(field.sum(axis=2) @ self.model.static.weight)

    def advance(self, n: int) -> None:
        self.series: list[list[Array]] = []
        self.zonals: list[list[Array]] = []
        for _ in range(n):
            self._step()
            self.step += 1

    def _step(self) -> None:
        st, o, m = self.model.static, self.model.options, self.model.members
        T, calendar = self.T[0], self.step % len(st.insolation)

        def wide(member: Array) -> Array:
            return member[:, None, None]

        # the mixed air
        mass, moles = self.gas.sum(axis=0), (self.gas / st.molar_mass[:, None]).sum(axis=0)
        mean_p = mass * o.gravity / o.area
        share = self.gas[0] / st.molar_mass[0] / moles
        excess = 0.05 * (np.minimum(mean_p, 5e5) / 1e5) ** 0.7
        r = wide(excess / (0.5625 + 0.25 * excess))
        ratio = mean_p / o.reference_pressure
        D = np.minimum(m.diffusivity * ratio * (m.reference_molar_mass * moles / mass) ** 2, 1e3)
        coupling = wide(m.coupling * np.sqrt(ratio))
        height = wide(GAS_CONSTANT * self.mean_temperature / (mass / moles * o.gravity))

        # pressure, and what the air's change of mass brings
        scale = mean_p / self.mean(np.exp(-self.altitude / height))
        log_p = wide(np.log(scale)) - self.altitude / height
        p = np.exp(log_p)
        gained = self.mean(o.cp / o.gravity * (p - self.p) * T)
        self.p = p
        capacity = (o.cp / o.gravity * p + st.layer_capacity[0] * self.inertia) / o.dt

        # sunlight
        frost_point = 3182.48 / (23.3494 - (log_p + wide(np.log(share)) - np.log(100.0)))
        cover = self.ice / (self.ice + wide(m.half_cover))
        albedo = self.ground + cover * (self.frost_albedo - self.ground)
        emitting = 1 + cover * (self.frost_emissivity - 1)
        coalbedo = 1 - np.clip(r + (1 - r) ** 2 * albedo / (1 - r * albedo) + wide(m.cloud_albedo), 0, 1)
        absorbed = coalbedo * st.insolation[calendar][:, None] * wide(m.solar_constant)

        # longwave, OLR = K T^4
        eps = 1 / inverse_emissivity(st.table, log_p + 0.5 * wide(np.log(share)), T)
        skin, y = self.inertia * o.skin_root, 4 * SIGMA * eps * T**3
        drive = wide(m.diurnal_factor * m.solar_constant * np.exp(-mean_p / 2e4)) * coalbedo
        drive = drive * st.harmonic[calendar][:, None]
        amplitude2 = np.minimum(drive**2 / (skin**2 + y * (np.sqrt(2) * skin + y)), T**2)
        K = SIGMA * wide(m.emissivity_factor) * emitting * eps * (1 + np.where(self.ice > 0, 0, 3 * amplitude2 / T**2))

        # soil from below, and the balance without transport
        n = len(self.T)
        beta = [np.zeros_like(T)] * n
        beta[n - 1] = st.own[n - 1] * self.T[n - 1] + st.heat[n - 1] * self.bottom_heat
        for layer in range(n - 2, 0, -1):
            beta[layer] = st.own[layer] * self.T[layer] + st.below[layer] * beta[layer + 1]
        below = st.layer_conductance[0] * self.inertia
        stiff = capacity + below * (1 - st.alpha[1])
        base = capacity * T + below * beta[1] + absorbed
        A = stiff + 4 * K * T**3
        driven = base + 3 * K * T**4
        frosty = (self.ice > 0) | (driven < frost_point * A)
        conducts = np.where(frosty, np.minimum(coupling, A), coupling * A / (A + coupling))
        target = np.where(frosty, frost_point, driven / A)

        # transport
        x = solve_lat(conducts, conducts * target, D[:, None], st.north, st.south)
        flow = st.north[:-1, None] * D[:, None, None] * (x[:, 1:] - x[:, :-1])
        source = np.zeros_like(x)
        source[:, :-1] += flow
        source[:, 1:] -= flow * (st.south[1:] / st.north[:-1])[:, None]
        e = D[:, None] * st.east
        x = solve_lon(conducts, conducts * x, e)
        source += e[..., None] * (np.roll(x, -1, axis=2) - 2 * x + np.roll(x, 1, axis=2))

        # new surface and CO2 ice
        drive = base + source
        new, olr, _ = newton(stiff, drive, K, T)
        icy = (self.ice > 0) | (new < frost_point)
        held = K * frost_point**4
        freezing = (stiff * frost_point + held - drive) * o.dt / o.latent
        column = p / o.gravity * wide(share)
        dm = np.where(icy, np.minimum(np.maximum(freezing, -self.ice), LARGEST_SHARE * column), 0.0)
        rest = drive + dm * o.latent / o.dt
        slope = 4 * K * frost_point**3
        free, free_olr, _ = newton(stiff, rest, K, (rest + 0.75 * slope * frost_point) / (stiff + slope))
        cut = dm != freezing
        T = np.where(icy, np.where(cut, free, frost_point), new)
        olr = np.where(icy, np.where(cut, free_olr, held), olr)
        self.ice = self.ice + dm
        self.T[0] = T
        for layer in range(1, n):
            self.T[layer] = st.alpha[layer] * self.T[layer - 1] + beta[layer]
        amplitude = np.where(self.ice > 0, 0.0, np.sqrt(amplitude2))

        # sums, series and books
        for total, field in zip(self.sums, (T, p, self.ice, absorbed, olr, T + amplitude), strict=True):
            total += field
        if (self.step + 1) % ZONAL_EVERY == 0:
            self.zonals.append([field.mean(axis=2).T for field in (T, self.ice, amplitude)])
        asr, out, brought, frozen = (self.mean(a) for a in (absorbed, olr, source, dm))
        none = np.zeros_like(asr)
        flows = [asr * o.dt, out * o.dt, none + o.geothermal * o.dt, none, gained, brought * o.dt]
        self.energy += np.array(flows)
        self.gas[0] -= frozen * o.area
        self.condensed += frozen * o.area
        self.mean_temperature = self.mean(T)
        mean_p = self.gas.sum(axis=0) * o.gravity / o.area
        parts = self.gas / st.molar_mass[:, None]
        parts *= mean_p / parts.sum(axis=0)
        ice_north, ice_south = self.mean(self.ice * self.north[:, None]), self.mean(self.ice * ~self.north[:, None])
        coldest = T.min(axis=(1, 2))
        row = [self.mean_temperature, mean_p, ice_north * o.area, ice_south * o.area, asr, out, none]
        self.series.append([*row, parts[2], parts[0], coldest])

    def result(self) -> Result:
        fields = [member_last(np.moveaxis(a, 1, 0)) for a in (self.T, self.sums)]
        own = (fields[0], member_last(self.ice), member_last(self.p), self.gas, self.mean_temperature)
        series, zonals = np.array(self.series), np.array(self.zonals)
        return Result(
            *own, self.energy, self.condensed, fields[1], series.transpose(1, 0, 2), zonals.transpose(1, 0, 2, 3)
        )
