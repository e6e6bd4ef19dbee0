/* Limits of one core: fused multiply-adds out of registers, and copies and triads out of memory. */
#define LANES 8
#define CHAINS 12 /* independent, so that none waits for another */

typedef double v __attribute__((vector_size(8 * LANES)));

/* 2 LANES CHAINS n operations; the result keeps the compiler from leaving them out. */
double multiply_add(long n, double factor, double more) {
    v x[CHAINS], total = {0};
    for (int c = 0; c < CHAINS; c++)
        for (int m = 0; m < LANES; m++) x[c][m] = c + m;
    for (long k = 0; k < n; k++)
        for (int c = 0; c < CHAINS; c++) x[c] = x[c] * factor + more;
    double sum = 0.0;
    for (int c = 0; c < CHAINS; c++) total += x[c];
    for (int m = 0; m < LANES; m++) sum += total[m];
    return sum;
}

/* Moves 16 n bytes. */
void copy(double *restrict to, const double *restrict from, long n) {
    for (long k = 0; k < n; k++) to[k] = from[k];
}

/* Moves 24 n bytes. */
void triad(double *restrict to, const double *restrict a, const double *restrict b, double factor, long n) {
    for (long k = 0; k < n; k++) to[k] = a[k] + factor * b[k];
}
