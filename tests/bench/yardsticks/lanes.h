/* Eight numbers at once, one for each member, and what a step does with them. */
#ifdef __AVX512F__
#include <immintrin.h>
#endif
#include <math.h>

#define B 8 /* members */

typedef double v __attribute__((vector_size(8 * B)));
typedef long iv __attribute__((vector_size(8 * B)));
typedef int places __attribute__((vector_size(4 * B)));

static inline v same(double x) { return (v){x, x, x, x, x, x, x, x}; }
static inline v choose(iv mask, v a, v b) { return (v)((mask & (iv)a) | (~mask & (iv)b)); }
static inline v least(v a, v b) { return choose(a < b, a, b); }
static inline v most(v a, v b) { return choose(a > b, a, b); }
static inline int any(iv mask) {
#ifdef __AVX512DQ__
    return _mm512_movepi64_mask((__m512i)mask) != 0;
#else
    long found = 0;
    for (int m = 0; m < B; m++) found |= mask[m];
    return found != 0;
#endif
}
/* table[k] and table[k + 1] of each member's k: pairs are loaded whole, which is quicker than to gather them */
static inline void pairs(const double *table, places k, v *first, v *second) {
#ifdef __AVX512F__
    __m512d low = _mm512_castpd128_pd512(_mm_loadu_pd(table + k[0])), high;
    low = _mm512_insertf64x2(low, _mm_loadu_pd(table + k[1]), 1);
    low = _mm512_insertf64x2(low, _mm_loadu_pd(table + k[2]), 2);
    low = _mm512_insertf64x2(low, _mm_loadu_pd(table + k[3]), 3);
    high = _mm512_castpd128_pd512(_mm_loadu_pd(table + k[4]));
    high = _mm512_insertf64x2(high, _mm_loadu_pd(table + k[5]), 1);
    high = _mm512_insertf64x2(high, _mm_loadu_pd(table + k[6]), 2);
    high = _mm512_insertf64x2(high, _mm_loadu_pd(table + k[7]), 3);
    *first = (v)_mm512_permutex2var_pd(low, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), high);
    *second = (v)_mm512_permutex2var_pd(low, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), high);
#else
    for (int m = 0; m < B; m++) (*first)[m] = table[k[m]], (*second)[m] = table[k[m] + 1];
#endif
}
static inline v root(v x) {
    v r;
    for (int m = 0; m < B; m++) r[m] = sqrt(x[m]);
    return r;
}

/* e^x by range reduction and Taylor's series, as physics/elementary.py [34] */
static inline v exponential(v x) {
    const double round = 0x1.8p52, log2_e = 1.4426950408889634, high = 0x1.62e42fee00000p-1, low = 0x1.a39ef35793c76p-33;
    x = most(least(x, same(700.0)), same(-700.0));
    v shifted = x * log2_e + round;
    v n = shifted - round;
    v r = (x - n * high) - n * low, r2 = r * r, r4 = r2 * r2;
    v a = (1.0 + r) + r2 * (1.0 / 2 + (1.0 / 6) * r);
    v b = (1.0 / 24 + (1.0 / 120) * r) + r2 * (1.0 / 720 + (1.0 / 5040) * r);
    v c = (1.0 / 40320 + (1.0 / 362880) * r) + r2 * (1.0 / 3628800 + (1.0 / 39916800) * r)
        + r4 * (1.0 / 479001600 + (1.0 / 6227020800.0) * r);
    v series = a + r4 * (b + r4 * c);
    return (v)((iv)series + ((iv)shifted << 52));
}
