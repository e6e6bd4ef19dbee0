"""Surface balance with condensation and sublimation of CO2, energy closed exactly; B8."""

from __future__ import annotations

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, inlined

LARGEST_SHARE = 0.5  # of the CO2 column that may condense in one step, so that the gas cannot run out
LEAST, MOST = 0.8, 2.0  # of a temperature, between which the tangent of OLR there is followed: down to half of OLR
COLDEST = 1.0  # K, at which a run has left its range
ITERATIONS = 100  # of Newton's method at most; from any start each but the first takes a quarter off, or converges


@compiled
def frost_point(log_p: Array, log_share: Array, out: Array) -> None:
    """T_f = 3182.48 / (23.3494 - ln(p_CO2 / 100 Pa)) of a row, with ln p_CO2 = ln p + ln x_CO2; B8 [S19]."""
    for j in range(log_p.size):
        out[j] = 3182.48 / (23.3494 + 4.605170185988092 - log_p[j] - log_share[j])


# Vapour pressure of CO2 over ice, ln(p / bar) = sum A_i / T^i, below and above 194.7 K (Fray and Schmitt) [S19], and
# over liquid, ln(p / p_c) = (T_c / T) sum a_i (1 - T/T_c)^n_i (Span and Wagner 1996, doi:10.1063/1.555991); B8.
_COLD_ICE = (14.76, -2571.0, -7.781e4, 4.325e6, -1.207e8, 1.350e9)
_WARM_ICE = (18.61, -4154.0, 1.041e5)
_LIQUID = ((-7.0602087, 1.0), (1.9391218, 1.5), (-1.6463597, 2.0), (-3.2995634, 4.0))
ICE_CHANGE, TRIPLE_POINT = 194.7, 216.58  # K
CRITICAL_POINT, CRITICAL_PRESSURE = 304.1282, 7.3773e6  # K, Pa


def vapour_pressure(T: Array) -> Array:
    """Pressure (Pa) of CO2 vapour over its ice or liquid at 40 to 304.13 K; B8."""
    T = np.asarray(T, dtype=np.float64)
    cold = 1e5 * np.exp(sum(a / T**i for i, a in enumerate(_COLD_ICE)))
    warm = 1e5 * np.exp(sum(a / T**i for i, a in enumerate(_WARM_ICE)))
    below = np.maximum(1 - T / CRITICAL_POINT, 0.0)
    liquid = CRITICAL_PRESSURE * np.exp(CRITICAL_POINT / T * sum(a * below**n for a, n in _LIQUID))
    return np.asarray(np.where(T < ICE_CHANGE, cold, np.where(T < TRIPLE_POINT, warm, liquid)))


# Temperatures (K) at uniform distances in ln p up to the critical point, which is the last node.
_LOG_PRESSURE_STEP, _NODES = 0.02, 3300
_LOG_PRESSURE_0 = float(np.log(CRITICAL_PRESSURE)) - _LOG_PRESSURE_STEP * (_NODES - 1)
_TEMPERATURES = np.linspace(40.0, CRITICAL_POINT, 20_001)
_POINTS = np.interp(
    _LOG_PRESSURE_0 + _LOG_PRESSURE_STEP * np.arange(_NODES),
    np.maximum.accumulate(np.log(vapour_pressure(_TEMPERATURES))),
    _TEMPERATURES,
)


@compiled
def condensation_point(log_p: Array, log_share: Array, out: Array) -> None:
    """Temperature (K) below which CO2 of ln p_CO2 = ln p + ln x_CO2 condenses to ice or liquid, in a row; B8.

    At most the critical point: denser CO2 that is warmer is no liquid.
    """
    for j in range(log_p.size):
        x = (log_p[j] + log_share[j] - _LOG_PRESSURE_0) / _LOG_PRESSURE_STEP
        x = x if x > 0.0 else 0.0  # of what is no number too, which would be no place in the table
        x = x if x < _NODES - 1.0 else _NODES - 1.0
        i = np.int32(min(x, _NODES - 2.0))
        out[j] = _POINTS[i] + (x - i) * (_POINTS[i + 1] - _POINTS[i])


@compiled
def linearise(
    T: Array,
    k: Array,
    a: float,
    b: float,
    linear: bool,
    capacity: Array,
    conduction: float,
    inertia: Array,
    below: Array,
    absorbed: Array,
    extra: Array,
    base: Array,
    A: Array,
    drive: Array,
) -> None:
    """Coefficients of the surface balance of a row: A T' = drive + s, without frost.

    (C/dt + G)(T') = C/dt T + G beta + ASR + extra - OLR(T') + s, with OLR linearised about T:
    base = C/dt T + G beta + ASR + extra, A = C/dt + G (1 - alpha) + dOLR/dT.
    capacity is C/dt (W m-2 K-1), below is G beta (W m-2).
    """
    for j in range(T.size):
        t = T[j]
        if linear:
            slope = b
            excess = 273.15 * b - a  # slope T - OLR(T)
        else:
            slope = 4.0 * k[j] * t * t * t
            excess = 0.75 * slope * t
        stiff = capacity[j] + conduction * inertia[j]
        base[j] = capacity[j] * t + below[j] + absorbed[j] + extra[j]
        A[j] = stiff + slope
        drive[j] = base[j] + excess


@compiled
def couple_air(ice: Array, frost: Array, coupling: Array, frosty: bool, A: Array, drive: Array) -> None:
    """Turn A and drive of a row from those of the ground into those of the air that carries heat over it.

    The air gains D's divergence and loses k (T_a - T'); with A T' = drive + s it follows (K - L) T_a = K T*,
    K = k A / (A + k), T* = drive / A.  Where k is 0 the ground itself diffuses: K = A.  Ground with ice, or
    that would cool below the frost point, holds the frost point: T* = T_f, K = k but at most A, since beyond
    that ground whose ice does not last the step would warm past T_a, and the next step swing back; B6.
    """
    for j in range(ice.size):
        k = coupling[j]
        a = A[j]
        if frosty and (ice[j] > 0.0 or drive[j] < frost[j] * a):
            if 0.0 < k < a:
                A[j] = k
            drive[j] = A[j] * frost[j]
        elif k > 0.0:
            A[j] = k * a / (a + k)
            drive[j] = drive[j] * k / (a + k)


@inlined
def over_frosty_ground(
    t: float, k: float, stiff: float, base: float, icy: bool, frost: float, coupling: float
) -> tuple[float, float]:
    """A and drive of a cell: OLR k T^4 along its tangent at t, then through the air as couple_air does."""
    slope = 4.0 * k * t * t * t
    a = stiff + slope
    drive = base + 0.75 * slope * t
    held = icy | (drive < frost * a)
    through = coupling / (a + coupling) if coupling > 0.0 else 1.0
    most = min(coupling, a) if coupling > 0.0 else a
    own = most if held else through * a
    return own, own * frost if held else drive * through


@compiled
def balance_with_air(
    T: Array,
    k: Array,
    capacity: Array,
    conduction: float,
    inertia: Array,
    top: float,
    beta: Array,
    absorbed: Array,
    extra: Array,
    ice: Array,
    frost: Array,
    coupling: Array,
    base: Array,
    A: Array,
    drive: Array,
) -> None:
    """What linearise and couple_air do for a body with CO2 frost, in one loop; top beta I is the heat from below."""
    for j in range(T.size):
        base[j] = capacity[j] * T[j] + top * beta[j] * inertia[j] + absorbed[j] + extra[j]
        stiff, held = capacity[j] + conduction * inertia[j], ice[j] > 0.0
        A[j], drive[j] = over_frosty_ground(T[j], k[j], stiff, base[j], held, frost[j], coupling[j])


@inlined
def follow(t: float, tangent: float, stiff: float, drive: float, k: float) -> float:
    """The last point (K) at which to take the tangent of k T^4 in stiff T + k T^4 = drive; B8.

    t is the root with the tangent at a first point.  Where that is too far for the tangent to hold, Newton's
    iterations go on from t; they come down to the root, so that the flux along the tangent is never negative.
    """
    for _ in range(ITERATIONS):
        if LEAST * tangent <= t <= MOST * tangent:
            break
        tangent = t
        q3 = k * t * t * t
        t = (drive + 3.0 * q3 * t) / (stiff + 4.0 * q3)
    return tangent


@inlined
def settled(t: float, tangent: float, stiff: float, drive: float, k: float) -> tuple[float, float]:
    """Root (K) of stiff T + k T^4 = drive and OLR (W m-2), along the last tangent that follow takes from t.

    Ground from which more is taken than it gets has no root: it is at COLDEST, where runs end.
    """
    if drive <= 0.0:
        return COLDEST, drive - stiff * COLDEST
    if not LEAST * tangent <= t <= MOST * tangent:
        tangent = follow(t, tangent, stiff, drive, k)
        q3 = k * tangent * tangent * tangent
        t = (drive + 3.0 * q3 * tangent) / (stiff + 4.0 * q3)
    return t, k * tangent * tangent * tangent * (4.0 * t - 3.0 * tangent)


@compiled
def surface_balance(
    T: Array,
    ice: Array,
    frost: Array,
    k: Array,
    a: float,
    b: float,
    linear: bool,
    capacity: Array,
    conduction: float,
    inertia: Array,
    base: Array,
    source: Array,
    column: Array,
    latent: float,
    dt: float,
    tangent: Array,
    olr: Array,
    change: Array,
) -> None:
    """New surface temperature and CO2 ice of a row, in place; B8 step algorithm.

    Without frost: two Newton iterations on (C/dt + G) T' + OLR(T') = base + s.  Where that is below the
    frost point, or ice lies: T' = T_f and dm = -(surplus) dt / L; if more ice would go than there is, or more
    CO2 condense than LARGEST_SHARE of the column (kg m-2), dm is cut and the rest of the energy sets T'.
    Iterations go on where T' is far from where OLR was linearised (follow), as it is once all CO2 has frozen.
    olr is the flux that was applied, change the dm (kg m-2) of this step; latent is L (J kg-1); tangent is scratch.
    """
    found = 0  # cells that need more than the tangent
    for j in range(T.size):  # bare ground, all cells side by side
        stiff = capacity[j] + conduction * inertia[j]
        drive = base[j] + source[j]
        change[j] = 0.0
        if linear:
            tangent[j] = (drive - a + b * 273.15) / (stiff + b)
            T[j] = tangent[j]
            olr[j] = a + b * (T[j] - 273.15)
        else:
            q3 = k[j] * T[j] * T[j] * T[j]
            t1 = (drive + 3.0 * q3 * T[j]) / (stiff + 4.0 * q3)
            q3 = k[j] * t1 * t1 * t1
            tangent[j] = t1
            T[j] = (drive + 3.0 * q3 * t1) / (stiff + 4.0 * q3)
            olr[j] = q3 * (4.0 * T[j] - 3.0 * t1)
        near = (tangent[j] > 0.0) & (LEAST * tangent[j] <= T[j]) & (T[j] <= MOST * tangent[j])
        found += 0 if near & (ice[j] <= 0.0) & (T[j] >= frost[j]) else 1
    if found == 0:
        return
    far = 0  # cells that need more than two tangents
    for j in range(T.size):  # ground with frost, all cells side by side
        stiff = capacity[j] + conduction * inertia[j]
        drive = base[j] + source[j]
        tf, kj, t0 = frost[j], k[j], tangent[j]
        near = (t0 > 0.0) & (LEAST * t0 <= T[j]) & (T[j] <= MOST * t0)
        icy = (ice[j] > 0.0) | (T[j] < tf)
        slope = 4.0 * kj * tf * tf * tf
        held = 0.25 * slope * tf
        dm = (stiff * tf + held - drive) * dt / latent
        allowed = min(max(dm, -ice[j]), LARGEST_SHARE * column[j])
        rest = drive + allowed * latent / dt
        t1 = (rest + slope * tf - held) / (stiff + slope)
        q3 = kj * t1 * t1 * t1
        t2 = (rest + 3.0 * q3 * t1) / (stiff + 4.0 * q3)
        q3 = kj * t2 * t2 * t2
        t3 = (rest + 3.0 * q3 * t2) / (stiff + 4.0 * q3)
        flux = q3 * (4.0 * t3 - 3.0 * t2)
        cut = allowed != dm
        good = near & ((not icy) | (not cut) | ((rest > 0.0) & (LEAST * t2 <= t3) & (t3 <= MOST * t2)))
        good = good & (not linear)
        far += 0 if good else 1
        new = t3 if cut else tf
        out = flux if cut else held
        write = good & icy
        T[j] = new if write else T[j]
        olr[j] = out if write else olr[j]
        ice[j] = ice[j] + allowed if write else ice[j]
        change[j] = allowed if write else (0.0 if good else np.inf)  # infinite: not done yet
    if far == 0:
        return
    for j in range(T.size):  # the few that iterate on
        if change[j] != np.inf:
            continue
        near = tangent[j] > 0.0 and LEAST * tangent[j] <= T[j] <= MOST * tangent[j]
        if near and ice[j] <= 0.0 and T[j] >= frost[j]:
            change[j] = 0.0
            continue
        stiff = capacity[j] + conduction * inertia[j]
        drive = base[j] + source[j]
        t, flux, dm = T[j], olr[j], 0.0
        if not linear and not near:
            t, flux = settled(t, tangent[j], stiff, drive, k[j])
        if ice[j] > 0.0 or t < frost[j]:
            tf = frost[j]
            slope = b if linear else 4.0 * k[j] * tf * tf * tf
            flux = a + b * (tf - 273.15) if linear else 0.25 * slope * tf
            t = tf
            dm = (stiff * tf + flux - drive) * dt / latent
            allowed = min(max(dm, -ice[j]), LARGEST_SHARE * column[j])
            if allowed != dm:
                dm = allowed
                rest = drive + dm * latent / dt
                t = (rest + slope * tf - flux) / (stiff + slope)
                flux += slope * (t - tf)
                if not linear:  # the slope at the frost point is far too flat for ground that the ice has left
                    t1 = t
                    for _ in range(2):
                        q3 = k[j] * t * t * t
                        t1 = t
                        t = (rest + 3.0 * q3 * t1) / (stiff + 4.0 * q3)
                    t, flux = settled(t, t1, stiff, rest, k[j])
        T[j] = t
        ice[j] += dm
        olr[j] = flux
        change[j] = dm


def frost_point_of(pressure_pa: float) -> float:
    """Frost point (K) of CO2 at a partial pressure (Pa); B8 [S19]."""
    return float(3182.48 / (23.3494 - np.log(pressure_pa / 100)))
