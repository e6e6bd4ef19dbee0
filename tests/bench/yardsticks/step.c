/* The step of the yardsticks' job (job.py) in C: what the machine can do, to compare the kernel with.
 *
 * Members innermost as in the kernel, eight of them: a cell of all members is one vector, so that what is a member's
 * own stays in registers.  A step goes over the rows three times, up, up and down, and does all it can with a row
 * while that is in the cache:
 *
 *     weights   barometric weights w and their mean, with which ln p = ln s - z / H
 *     up        pressure, frost point, sunlight, longwave, soil from below, and the elimination along latitude
 *     down      its back-substitution, transport along longitude, new surface, CO2 ice, soil, and sums
 *
 * The overdraft of physics/overdraft.py is looked for and counted, not mended: this job never has one, and the caller
 * asserts that.
 *
 * Operations of a cell and step on bare ground, counted in brackets below: additions, multiplications, divisions and
 * square roots one each; comparisons, minima, choices and table places none; nor what is done twice to keep it out of
 * memory, nor what is the same for a row.
 */
#include <stddef.h>

#include "lanes.h"
#include "frost.h"

#define LAYERS 6   /* of soil */
#define STRETCH 12 /* cells of a row that short loops go over one after the other, for their chains to overlap */
#define ABREAST 3  /* rows whose chains of dependent operations run side by side along longitude */

struct job {
    long n_lat, n_lon, orbit, zonal_every; /* orbit: steps */
    double dt, area, gravity, cp, skin_root, geothermal, latent, reference_pressure;
    const double *weight, *north, *south, *east;    /* (row) */
    const double *insolation, *harmonic;            /* (step of orbit, row) */
    const double *table;                            /* 1/eps_CO2 */
    const double *capacity, *conductance, *alpha, *own, *below, *heat; /* (layer) */
    const v *altitude, *albedo, *inertia, *bottom_heat;                /* (row, longitude, member) */
    const v *diffusivity, *coupling, *emissivity_factor, *diurnal_factor, *solar_constant, *half_cover; /* (member) */
    const v *frost_albedo, *frost_emissivity;       /* (2, member) south, north */
    const v *depth, *aerosol_albedo, *reference_molar_mass; /* (member); optical depth of other gases and particles */
    const double *molar_mass;                       /* (gas) */
    long n_gases;
    v *T, *ice, *p, *gas, *mean_temperature;        /* state */
    v *energy, *condensed;                          /* ledger: six flows; kg */
    v *sums, *zonals, *series;                      /* as records.Outputs, one window; series of the first 10 fields */
    v *fields;                                      /* (9, row, longitude, member) scratch */
    v *lines;                                       /* (5 * ABREAST, longitude, member) scratch */
    const long *place;                              /* of log-pressure and temperature nodes: counts */
    const double *grid;                             /* ln p of the first node, step, T of the first node */
};

#ifdef __AVX512F__
const long WIDE = 1;
#else
const long WIDE = 0; /* right all the same, but no measure of the machine */
#endif
const long OPERATIONS = 36 + (37 + 16 + 25 + 22 + 23) + 8 + 25 + (23 + 1 + 10 + 13);
static const double SIGMA = 5.670374e-8;

/* 1/eps of CO2, bilinear in ln p_eff and T [14] */
static inline v inverse_emissivity(const struct job *g, v log_p_eff, v T) {
    const int columns = (int)g->place[1];
    v x = (log_p_eff - g->grid[0]) * (1.0 / g->grid[1]), y = T - g->grid[2];
    x = least(most(x, same(0.0)), same(g->place[0] - 1.001));
    y = least(most(y, same(0.0)), same(columns - 1.001));
    places ix = __builtin_convertvector(x, places), iy = __builtin_convertvector(y, places);
    v u = x - __builtin_convertvector(ix, v), w = y - __builtin_convertvector(iy, v);
    places k = ix * columns + iy;
    v a, b, c, d;
    pairs(g->table, k, &a, &b);
    pairs(g->table + columns, k, &c, &d);
    v lower = a + w * (b - a), upper = c + w * (d - c);
    return lower + u * (upper - lower);
}

/* What the mixed air sets for a step, by member */
struct air { v inverse_height, scale, log_scale, log_co2, share, reflectance, sunlight, diurnal, D, coupling; };

static void mix(const struct job *g, v *weights, struct air *air) {
    v mean_p;
    for (int m = 0; m < B; m++) {
        double mass = 0.0, moles = 0.0;
        for (long q = 0; q < g->n_gases; q++) {
            mass += g->gas[q][m];
            moles += g->gas[q][m] / g->molar_mass[q];
        }
        double p = mass * g->gravity / g->area, share = g->gas[0][m] / g->molar_mass[0] / moles;
        double excess = 0.05 * pow((p < 5e5 ? p : 5e5) / 1e5, 0.7), ratio = p / g->reference_pressure;
        double lightness = g->reference_molar_mass[0][m] * moles / mass;
        double carried = g->diffusivity[0][m] * ratio * lightness * lightness;
        mean_p[m] = p;
        air->inverse_height[m] = mass / moles * g->gravity / (8.314462 * g->mean_temperature[0][m]);
        air->share[m] = share;
        air->log_co2[m] = log(share);
        air->reflectance[m] = excess / (0.5625 + 0.25 * excess);
        air->sunlight[m] = g->solar_constant[0][m];
        air->diurnal[m] = g->diurnal_factor[0][m] * g->solar_constant[0][m] * exp(-p / 2e4);
        air->D[m] = carried < 1e3 ? carried : 1e3;
        air->coupling[m] = g->coupling[0][m] * sqrt(ratio);
    }
    v mean = same(0.0);
    for (long i = 0; i < g->n_lat; i++) {
        v row = same(0.0);
        for (long j = 0; j < g->n_lon; j++) {
            long c = i * g->n_lon + j;
            weights[c] = exponential(-g->altitude[c] * air->inverse_height); /* [1 + 34] */
            row += weights[c];                                               /* [1] */
        }
        mean += g->weight[i] * row;
    }
    air->scale = mean_p / mean;
    for (int m = 0; m < B; m++) air->log_scale[m] = log(air->scale[m]);
}

enum { WEIGHT, ABSORBED, K, AMPLITUDE2, FROST, BASE, A, RHS, UPPER };

/* One row on the way up: its balance without transport, and its elimination along latitude */
static void up(const struct job *g, const struct air *air, long i, long calendar, v *leaks, v *gained) {
    const long w = g->n_lon, cells = g->n_lat * w, first = i * w;
    const int north = i >= g->n_lat / 2;
    const double q0 = g->insolation[calendar * g->n_lat + i], q1 = g->harmonic[calendar * g->n_lat + i];
    const double cp_g = g->cp / g->gravity, inverse_dt = 1.0 / g->dt;
    const double conduction = g->conductance[0] * (1.0 - g->alpha[1]);
    const v ice_albedo = g->frost_albedo[north], ice_emissivity = g->frost_emissivity[north], half = *g->half_cover;
    const v cn = air->D * g->north[i], cs = air->D * g->south[i], r = air->reflectance;
    const v one_r2 = (1.0 - r) * (1.0 - r), light = q0 * air->sunlight, daily = air->diurnal * q1;
    const v log_co2 = air->log_co2, factor = SIGMA * *g->emissivity_factor, coupling = air->coupling;
    const v ih = air->inverse_height, scale = air->scale, log_scale = air->log_scale, aerosol = *g->aerosol_albedo;
    const v depth = 0.75 * *g->depth, point = 23.3494 + 4.605170185988092 - log_co2, half_log = 0.5 * log_co2;
    v *f = g->fields, gain = same(0.0);
    v log_ps[STRETCH], capacities[STRETCH], emits[STRETCH], coalbedos[STRETCH], inverses[STRETCH], stiffs[STRETCH];
    v *bases = f + BASE * cells, *ks = f + K * cells, *frosts = f + FROST * cells;
    for (long from = first; from < first + w; from += STRETCH) {
        const long size = from + STRETCH < first + w ? STRETCH : first + w - from;
        for (long n = 0; n < size; n++) { /* pressure, heat of the air [11], frost point and sunlight [26] */
            const long c = from + n;
            const v t = g->T[c], ice = g->ice[c];
            v log_p = log_ps[n] = log_scale - g->altitude[c] * ih, p = scale * f[WEIGHT * cells + c];
            gain += cp_g * (p - g->p[c]) * t;
            g->p[c] = p;
            capacities[n] = (cp_g * p + g->capacity[0] * g->inertia[c]) * inverse_dt;
            /* one division for frost point, share under frost and albedo of ground and air */
            v x = point - log_p, y = ice + half;
            v covered = ice * (ice_albedo - g->albedo[c]), a = g->albedo[c] * y + covered, z = y - r * a;
            v over = 1.0 / (x * y * z);
            frosts[c] = 3182.48 * (y * z) * over;
            emits[n] = 1.0 + ice * (ice_emissivity - 1.0) * (x * z) * over;
            v planetary = r + one_r2 * a * (x * y) * over + aerosol;
            coalbedos[n] = 1.0 - least(most(planetary, same(0.0)), same(1.0));
            f[ABSORBED * cells + c] = coalbedos[n] * light;
        }
        for (long n = 0; n < size; n++) /* [2 + 14] */
            inverses[n] = inverse_emissivity(g, log_ps[n] + half_log, g->T[from + n]) + depth;
        for (long n = 0; n < size; n++) { /* amplitude of the daily cycle, and K of OLR = K T^4 [25] */
            const long c = from + n;
            const v t = g->T[c], e = inverses[n], t2 = t * t, y = (4.0 * SIGMA) * t2 * t, s = g->skin_root * g->inertia[c] * e;
            const v drive = daily * coalbedos[n] * e;
            /* one division for 1/eps and for A_d^2 / T^2 = drive^2 / ((s^2 + y (sqrt 2 s + y)) T^2), both times e^2 */
            v below = (s * s + y * (1.4142135623730951 * s + y)) * t2, over = 1.0 / (below * e);
            v relative = least(drive * drive * (over * e), same(1.0));
            f[AMPLITUDE2 * cells + c] = relative * t2;
            relative = choose(g->ice[c] > 0.0, same(0.0), relative);
            ks[c] = factor * emits[n] * (over * below) * (1.0 + 3.0 * relative);
        }
        for (long n = 0; n < size; n++) { /* soil from below [15], and balance without transport [7] */
            const long c = from + n;
            const v t = g->T[c], inertia = g->inertia[c];
            v beta = g->own[5] * g->T[5 * cells + c] + g->heat[5] * g->bottom_heat[c];
            for (int l = 4; l > 0; l--) beta = g->own[l] * g->T[l * cells + c] + g->below[l] * beta;
            bases[c] = capacities[n] * t + g->conductance[0] * inertia * beta + f[ABSORBED * cells + c];
            stiffs[n] = capacities[n] + conduction * inertia;
        }
        for (long n = 0; n < size; n++) { /* through the air that carries heat [14]; elimination along latitude [9] */
            const long c = from + n;
            const v t = g->T[c], tf = frosts[c], slope = 4.0 * ks[c] * t * t * t;
            const v stiff = stiffs[n] + slope, driven = bases[c] + 0.75 * slope * t;
            iv held = (g->ice[c] > 0.0) | (driven < tf * stiff);
            v through = coupling / (stiff + coupling);
            v conducts = choose(held, least(coupling, stiff), through * stiff);
            v rhs = choose(held, conducts * tf, driven * through);
            f[A * cells + c] = conducts;
            v own = conducts;
            if (i > 0) {
                own += cs * leaks[c - first];
                rhs += cs * f[RHS * cells + c - w];
            }
            v inverse = 1.0 / (own + cn);
            f[UPPER * cells + c] = cn * inverse;
            leaks[c - first] = own * inverse;
            f[RHS * cells + c] = rhs * inverse;
        }
    }
    *gained += g->weight[i] * gain;
}

struct totals { v absorbed, olr, source, change, T, ice[2], coldest; long overdrawn; };

/* Transport along longitude of rows side by side, in place of rhs; source gets its divergence [25] */
static inline __attribute__((always_inline)) void along(
    const struct job *g, v D, long i, const int rows, v *restrict rhs, v *restrict upper, v *restrict corner,
    v *restrict leak, v *restrict source) {
    const long w = g->n_lon, last = w - 1;
    const v *A_ = g->fields + A * g->n_lat * w + i * w;
    v e[rows], before_leak[rows], before_corner[rows], before[rows];
    for (int n = 0; n < rows; n++) {
        e[n] = D * g->east[i + n];
        v inverse = 1.0 / (A_[n * w] + 2.0 * e[n]);
        upper[n * w] = before_corner[n] = corner[n * w] = e[n] * inverse;
        leak[n * w] = before_leak[n] = A_[n * w] * inverse;
        rhs[n * w] = before[n] = rhs[n * w] * inverse;
    }
    for (long j = 1; j < last; j++)
        for (int n = 0; n < rows; n++) { /* [12] */
            const long c = n * w + j;
            v own = A_[c] + e[n] * before_leak[n], carried = e[n] * before_corner[n];
            v inverse = 1.0 / (own + carried + e[n]);
            leak[c] = before_leak[n] = own * inverse;
            upper[c] = e[n] * inverse;
            corner[c] = before_corner[n] = carried * inverse;
            rhs[c] = before[n] = (rhs[c] + e[n] * before[n]) * inverse;
        }
    for (int n = 0; n < rows; n++) {
        const long c = n * w + last - 1;
        corner[c] = before_corner[n] = corner[c] + upper[c];
        before_leak[n] = leak[c];
        before[n] = rhs[c];
    }
    for (long j = last - 2; j >= 0; j--)
        for (int n = 0; n < rows; n++) { /* [6] */
            const long c = n * w + j;
            rhs[c] = before[n] = rhs[c] + upper[c] * before[n];
            corner[c] = before_corner[n] = corner[c] + upper[c] * before_corner[n];
            before_leak[n] = leak[c] + upper[c] * before_leak[n];
        }
    for (int n = 0; n < rows; n++) {
        v *x = rhs + n * w, *from = source + n * w, *c = corner + n * w;
        v own = A_[n * w + last] + e[n] * leak[n * w + last - 1] + e[n] * before_leak[n];
        v end = (x[last] + e[n] * (x[last - 1] + x[0])) / own;
        x[last] = end;
        v west = end, here = x[0] + c[0] * end;
        for (long j = 0; j < last; j++) { /* [7] */
            v next = j + 1 < last ? x[j + 1] + c[j + 1] * end : end;
            from[j] += e[n] * (next - 2.0 * here + west);
            west = here;
            here = next;
        }
        from[last] += e[n] * (x[0] + c[0] * end - 2.0 * end + west);
    }
}

/* One row once its transport is known: new surface, CO2 ice and soil, and what sums take of it */
static void settle(
    const struct job *g, const struct air *air, long i, const v *restrict source, v *zonal, struct totals *totals) {
    const long w = g->n_lon, cells = g->n_lat * w, first = i * w;
    const double cp_g = g->cp / g->gravity, inverse_dt = 1.0 / g->dt;
    const double conduction = g->conductance[0] * (1.0 - g->alpha[1]);
    const v share = air->share * (1.0 / g->gravity), *f = g->fields;
    v absorbed_sum = same(0.0), olr_sum = same(0.0), source_sum = same(0.0), change_sum = same(0.0), T_sum = same(0.0);
    v ice_sum = same(0.0), coldest = totals->coldest, amplitude_sum = same(0.0);
    iv overdrawn = {0};
    for (long j = 0; j < w; j++) {
        const long c = first + j;
        const v inertia = g->inertia[c], p = g->p[c], k = f[K * cells + c], absorbed = f[ABSORBED * cells + c];
        const v old = g->T[c], tf = f[FROST * cells + c], heat = source[j];
        v ice = g->ice[c];
        /* balance [23]; the stiffness again, which is as cheap as to keep it */
        v stiff = (cp_g * p + g->capacity[0] * inertia) * inverse_dt + conduction * inertia;
        v drive = f[BASE * cells + c] + heat;
        overdrawn |= drive <= 0.0;
        v q3 = k * old * old * old;
        v t1 = (drive + 3.0 * q3 * old) / (stiff + 4.0 * q3);
        q3 = k * t1 * t1 * t1;
        v t = (drive + 3.0 * q3 * t1) / (stiff + 4.0 * q3), olr = q3 * (4.0 * t - 3.0 * t1);
        iv icy = (ice > 0.0) | (t < tf);
        if (any(icy | far(t, t1))) {
            v change = frost(g->latent / g->dt, icy, tf, stiff, drive, k, ice, p * share, t1, &t, &olr);
            ice += change;
            g->ice[c] = ice;
            change_sum += change;
        }
        v amplitude = choose(ice > 0.0, same(0.0), root(f[AMPLITUDE2 * cells + c])); /* [1] */
        g->T[c] = t;
        /* soil from below again, and down [10] */
        v beta[LAYERS];
        beta[5] = g->own[5] * g->T[5 * cells + c] + g->heat[5] * g->bottom_heat[c];
        for (int n = 4; n > 0; n--) beta[n] = g->own[n] * g->T[n * cells + c] + g->below[n] * beta[n + 1];
        v above = t;
        for (int n = 1; n < LAYERS; n++) g->T[n * cells + c] = above = g->alpha[n] * above + beta[n];
        /* sums [13] */
        absorbed_sum += absorbed, olr_sum += olr, source_sum += heat, T_sum += t, ice_sum += ice;
        coldest = least(t, coldest);
        amplitude_sum += amplitude;
        v *sums = g->sums + c;
        sums[0] += t;
        sums[cells] += p;
        sums[2 * cells] += ice;
        sums[3 * cells] += absorbed;
        sums[4 * cells] += olr;
        sums[5 * cells] += t + amplitude;
    }
    const double weight = g->weight[i];
    totals->absorbed += weight * absorbed_sum;
    totals->olr += weight * olr_sum;
    totals->source += weight * source_sum;
    totals->change += weight * change_sum;
    totals->T += weight * T_sum;
    totals->ice[i >= g->n_lat / 2] += weight * ice_sum;
    totals->coldest = coldest;
    totals->overdrawn |= any(overdrawn);
    if (zonal) {
        zonal[i] = T_sum * (1.0 / w);
        zonal[g->n_lat + i] = ice_sum * (1.0 / w);
        zonal[2 * g->n_lat + i] = amplitude_sum * (1.0 / w);
    }
}

/* Rows from i on, on the way down: latitude's back-substitution and divergence [8], then the rest of the step */
static inline __attribute__((always_inline)) void down(
    const struct job *g, const struct air *air, long i, const int rows, v *zonal, struct totals *totals) {
    const long w = g->n_lon, cells = g->n_lat * w;
    v *x = g->fields + RHS * cells, *u = g->fields + UPPER * cells, *A_ = g->fields + A * cells;
    v *rhs = g->lines, *source = rhs + rows * w, *upper = source + rows * w, *corner = upper + rows * w;
    for (int n = rows - 1; n >= 0; n--) {
        const long row = i + n, up_ = row + 1 < g->n_lat ? w : 0, down_ = row > 0 ? w : 0;
        const v cn = air->D * g->north[row], cs = air->D * g->south[row];
        for (long j = 0; j < w; j++) {
            const long c = row * w + j;
            v here = x[c], below = here;
            if (down_) x[c - w] = below = x[c - w] + u[c - w] * here;
            source[n * w + j] = cn * (x[c + up_] - here) - cs * (here - below);
            rhs[n * w + j] = here * A_[c];
        }
    }
    along(g, air->D, i, rows, rhs, upper, corner, corner + rows * w, source);
    for (int n = rows - 1; n >= 0; n--) settle(g, air, i + n, source + n * w, zonal, totals);
}

/* Advance n steps from the first; 1 if some cell gave more heat than it had, else 0. */
long advance(const struct job *g, long first, long n) {
    const long w = g->n_lon, cells = g->n_lat * w;
    long overdrawn = 0, time = 0;
    for (long k = 0; k < n; k++) {
        struct air air;
        mix(g, g->fields + WEIGHT * cells, &air);
        v gained = same(0.0);
        for (long i = 0; i < g->n_lat; i++) up(g, &air, i, (first + k) % g->orbit, g->lines, &gained);
        struct totals t = {.coldest = same(1e30)};
        v *zonal = NULL;
        if ((first + k + 1) % g->zonal_every == 0) zonal = g->zonals + 3 * g->n_lat * time++;
        long i = g->n_lat;
        for (; i >= ABREAST; i -= ABREAST) down(g, &air, i - ABREAST, ABREAST, zonal, &t);
        for (; i >= 1; i--) down(g, &air, i - 1, 1, zonal, &t);
        overdrawn |= t.overdrawn;
        v frozen = t.change * g->area, mass = same(0.0), moles = same(0.0);
        g->gas[0] -= frozen;
        *g->condensed += frozen;
        *g->mean_temperature = t.T;
        g->energy[0] += t.absorbed * g->dt;
        g->energy[1] += t.olr * g->dt;
        g->energy[2] += g->geothermal * g->dt;
        g->energy[4] += gained;
        g->energy[5] += t.source * g->dt;
        for (long q = 0; q < g->n_gases; q++) {
            mass += g->gas[q];
            moles += g->gas[q] / g->molar_mass[q];
        }
        v mean_p = mass * (g->gravity / g->area), per_mole = mean_p / moles, *s = g->series + 10 * k;
        s[0] = t.T, s[1] = mean_p, s[2] = t.ice[1] * g->area, s[3] = t.ice[0] * g->area;
        s[4] = t.absorbed, s[5] = t.olr, s[6] = same(0.0);
        s[7] = g->gas[2] / g->molar_mass[2] * per_mole, s[8] = g->gas[0] / g->molar_mass[0] * per_mole;
        s[9] = t.coldest;
    }
    return overdrawn;
}
