/* The core's own multiply-add peak: a chain of independent a = a * x + y in registers.
 * Compiled by peak.py with -DTYPE=double|float -DVECTOR_BYTES=16|32|64. Prints 1e9 operations a second. */
#include <stdio.h>
#include <time.h>

typedef TYPE vec __attribute__((vector_size(VECTOR_BYTES)));

enum { LANES = VECTOR_BYTES / sizeof(TYPE), CHAINS = 12, ROUNDS = 5 };

/* Twelve chains hide the latency of two units of four cycles and leave registers free on AVX2. */
#define EACH(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11)
#define DECLARE(i) vec a##i = start + (TYPE)i;
#define STEP(i) a##i = a##i * x + y;
#define SUM(i) total += a##i;

static volatile vec sink; /* keeps the loop from being removed */

static double seconds_of(long steps) {
    volatile TYPE half = (TYPE)0.5;
    vec start = {0}, total = {0}, x = start + half, y = start + half;
    EACH(DECLARE)
    clock_t before = clock();
    for (long i = 0; i < steps; ++i) {
        EACH(STEP)
    }
    clock_t after = clock();
    EACH(SUM)
    sink = total;
    return (double)(after - before) / CLOCKS_PER_SEC;
}

int main(void) {
    long steps = 1000000;
    while (seconds_of(steps) < 0.1) steps *= 2;
    double best = 1e30;
    for (int i = 0; i < ROUNDS; ++i) {
        double seconds = seconds_of(steps);
        if (seconds < best) best = seconds;
    }
    printf("%.3f\n", 2.0 * LANES * CHAINS * (double)steps / best / 1e9);
    return 0;
}
