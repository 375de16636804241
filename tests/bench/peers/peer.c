/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/bench/peers/peer.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 64

double peer_values[PEER_VALUES];
__thread uint64_t peer_product;
/* Two in each decade from 1 us to 10 s. */
const double peer_bounds[PEER_BOUNDS] = {1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3,
                                         1e-2, 3e-2, .1,   .3,   1,    3,    10};

static void fill_values(void)
{
    uint64_t random = 1;
    for (int i = 0; i < PEER_VALUES; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        peer_values[i] = 1e-6 * pow(10, 7 * (double)(random >> 11) * 0x1p-53);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

struct turn {
    void (*run)(long from, long to);
    long rounds;
    int threads;
    int ready;
    bool cold;
};

struct worker {
    pthread_t thread;
    int number;
    struct turn *turn;
    double ns;
};

static double run_warm(const struct turn *turn)
{
    double start = now();
    turn->run(0, turn->rounds);
    return (now() - start) / (double)turn->rounds;
}

/* Reads more than the caches hold, all of which is memory of its own. */
static void evict(void)
{
    static char *other;
    static size_t size;
    if (!other) {
        const char *wanted = getenv("EVICT_BYTES");
        size = wanted ? strtoul(wanted, NULL, 10) : (size_t)64 << 20;
        other = malloc(size);
        memset(other, 1, size);
    }
    for (size_t i = 0; i < size; i += 64)
        (void)*(volatile char *)&other[i]; /* or the compiler would leave the loop out */
}

static int compare(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double run_cold(const struct turn *turn)
{
    double *taken = calloc((size_t)turn->rounds, sizeof *taken);
    for (long i = 0; i < turn->rounds; i++) {
        evict();
        double warm = now(); /* neither the clock nor the loop is to be what is cold */
        __asm__ volatile("" : : "m"(warm)); /* or half of reading the clock would be left out */
        turn->run(i, i);
        double start = now();
        turn->run(i, i + 1);
        taken[i] = now() - start;
    }
    qsort(taken, (size_t)turn->rounds, sizeof *taken, compare);
    double sum = 0;
    long out = turn->rounds / 4;
    for (long i = out; i < turn->rounds - out; i++)
        sum += taken[i];
    free(taken);
    return sum / (double)(turn->rounds - 2 * out);
}

/* Threads of one turn have a CPU each, as far as there are: the scheduler may take its time to find
 * them, and until then one ran after the other. */
static void take_own_cpu(int number)
{
    cpu_set_t allowed, own;
    CPU_ZERO(&own);
    if (sched_getaffinity(0, sizeof allowed, &allowed))
        return;
    number %= CPU_COUNT(&allowed);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && number-- == 0)
            CPU_SET(cpu, &own);
    sched_setaffinity(0, sizeof own, &own);
}

/* All start at once: what runs before the others came is not under their load. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    struct turn *turn = worker->turn;
    if (turn->threads > 1)
        take_own_cpu(worker->number);
    __atomic_add_fetch(&turn->ready, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&turn->ready, __ATOMIC_ACQUIRE) < turn->threads)
        sched_yield();
    worker->ns = turn->cold ? run_cold(turn) : run_warm(turn);
    return NULL;
}

static double take(struct turn *turn)
{
    struct worker workers[THREADS_MAX];
    double sum = 0;
    for (int i = 0; i < turn->threads; i++) {
        workers[i].number = i;
        workers[i].turn = turn;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
            abort();
    }
    for (int i = 0; i < turn->threads; i++) {
        pthread_join(workers[i].thread, NULL);
        sum += workers[i].ns;
    }
    return sum / turn->threads;
}

static void answer(const struct peer_operation *operation, struct turn *turn)
{
    uint64_t before = operation->count ? operation->count() : 0;
    if (operation->prepare)
        operation->prepare(turn->threads);
    turn->run = operation->run;
    printf("{\"ns\": %.4f", take(turn));
    if (operation->count)
        printf(", \"count\": %" PRIu64, operation->count() - before);
    printf("}\n");
}

static void serve(const struct peer_operation *operations, size_t count, const char *name,
                  struct turn *turn)
{
    turn->cold = strncmp(name, "cold-", 5) == 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(operations[i].name, name + (turn->cold ? 5 : 0)) == 0) {
            answer(&operations[i], turn);
            return;
        }
    printf("{\"absent\": \"the library has none\"}\n");
}

int peer_serve(const struct peer_operation *operations, size_t count)
{
    char line[128], name[64];
    fill_values();
    while (fgets(line, sizeof line, stdin)) {
        struct turn turn = {0};
        if (sscanf(line, "%63s %d %ld", name, &turn.threads, &turn.rounds) != 3 ||
            turn.threads < 1 || turn.threads > THREADS_MAX || turn.rounds < 1) {
            fprintf(stderr, "not OPERATION THREADS ROUNDS: %s", line);
            return 2;
        }
        serve(operations, count, name, &turn);
        fflush(stdout);
    }
    return 0;
}
