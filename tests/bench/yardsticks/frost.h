/* Ground with CO2 ice, and ground far from where its OLR was linearised: co2_ice.surface_balance. */

/* Newton's iterations of one cell of one member that go on: co2_ice.settled */
static void settle_on(double *t, double tangent, double stiff, double drive, double k, double *flux) {
    if (drive <= 0.0) {
        *t = 1.0;
        *flux = drive - stiff;
        return;
    }
    for (int n = 0; n < 100 && !(0.8 * tangent <= *t && *t <= 2.0 * tangent); n++) {
        tangent = *t;
        double q3 = k * tangent * tangent * tangent;
        *t = (drive + 3.0 * q3 * tangent) / (stiff + 4.0 * q3);
    }
    *flux = k * tangent * tangent * tangent * (4.0 * *t - 3.0 * tangent);
}

static inline iv far(v t, v tangent) { return ~((tangent > 0.0) & (0.8 * tangent <= t) & (t <= 2.0 * tangent)); }

static void settle_far(iv which, v *t, v tangent, v stiff, v drive, v k, v *flux) {
    for (int m = 0; m < B; m++)
        if (which[m]) {
            double a = (*t)[m], b = (*flux)[m];
            settle_on(&a, tangent[m], stiff[m], drive[m], k[m], &b);
            (*t)[m] = a, (*flux)[m] = b;
        }
}

/* Change of ice (kg m-2) of the few cells where CO2 condenses, lies or leaves, or OLR is curved, with their T and OLR in
 * place of those of bare ground; heat is L / dt, W kg-1. */
static __attribute__((noinline)) v frost(
    double heat, iv icy, v tf, v stiff, v drive, v k, v ice, v column, v tangent, v *t, v *olr) {
    iv beyond = far(*t, tangent);
    v now = *t, flux = *olr;
    if (any(beyond)) settle_far(beyond, &now, tangent, stiff, drive, k, &flux);
    icy |= now < tf;
    v slope = 4.0 * k * tf * tf * tf, held = 0.25 * slope * tf;
    v dm = (stiff * tf + held - drive) * (1.0 / heat);
    v allowed = least(most(dm, -ice), 0.5 * column);
    iv cut = icy & (allowed != dm);
    v cold = tf;
    if (any(cut)) {
        v rest = drive + allowed * heat, t1 = cold;
        v free = (rest + slope * tf - held) / (stiff + slope), given = same(0.0);
        for (int n = 0; n < 2; n++) {
            v q3 = k * free * free * free;
            t1 = free;
            free = (rest + 3.0 * q3 * t1) / (stiff + 4.0 * q3);
            given = q3 * (4.0 * free - 3.0 * t1);
        }
        iv again = cut & far(free, t1);
        if (any(again)) settle_far(again, &free, t1, stiff, rest, k, &given);
        cold = choose(cut, free, cold);
        held = choose(cut, given, held);
    }
    *t = choose(icy, cold, now);
    *olr = choose(icy, held, flux);
    return choose(icy, allowed, same(0.0));
}
