/* How long a word takes from one core to another: two threads hand a number to and fro. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static _Alignas(128) atomic_long word;
static long trips;

static void *answer(void *unused) {
    for (long i = 0; i < trips; ++i) {
        while (atomic_load_explicit(&word, memory_order_acquire) != 2 * i + 1) {
        }
        atomic_store_explicit(&word, 2 * i + 2, memory_order_release);
    }
    return unused;
}

/* Nanoseconds of one way, the mean of many trips there and back; below zero if there is no second thread. */
double nanoseconds(long there_and_back) {
    pthread_t other;
    struct timespec before, after;
    trips = there_and_back;
    atomic_store(&word, 0);
    if (pthread_create(&other, 0, answer, 0)) return -1.0;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (long i = 0; i < trips; ++i) {
        atomic_store_explicit(&word, 2 * i + 1, memory_order_release);
        while (atomic_load_explicit(&word, memory_order_acquire) != 2 * i + 2) {
        }
        if (i == trips / 10) clock_gettime(CLOCK_MONOTONIC, &before); /* both are awake */
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    pthread_join(other, 0);
    double seconds = (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    return 1e9 * seconds / (0.9 * (double)trips) / 2.0;
}
