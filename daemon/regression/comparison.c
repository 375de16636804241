/* SPDX-License-Identifier: MIT */
#include "daemon/regression/comparison.h"

#include <math.h>

#define IN_A_ROW 3
#define LEAST_RISE 1.05

struct sample {
    double mean, variance, count;
};

static struct sample sample_of(const double *values, uint32_t count)
{
    struct sample sample = {.mean = NAN, .count = count};
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += values[i];
    if (count)
        sample.mean = sum / count;
    for (uint32_t i = 0; i < count; i++)
        squares += (values[i] - sample.mean) * (values[i] - sample.mean);
    sample.variance = count > 1 ? squares / (count - 1) : 0;
    return sample;
}

static uint32_t seen(const struct comparison *comparison)
{
    return comparison->seen < COMPARISON_LATEST ? comparison->seen : COMPARISON_LATEST;
}

/* The 95 % quantile of Student's distribution.  Abramowitz and Stegun, 26.7.5; from five degrees of
 * freedom on it is right to the second decimal. */
static double quantile_95(double freedom)
{
    const double x = 1.6448536269514722;
    double x2 = x * x;
    double first = x * (x2 + 1) / 4;
    double second = x * ((5 * x2 + 16) * x2 + 3) / 96;
    double third = x * (((3 * x2 + 19) * x2 + 17) * x2 - 15) / 384;
    return x + first / freedom + second / (freedom * freedom) +
           third / (freedom * freedom * freedom);
}

static bool is_significant(const struct sample *usual, const struct sample *latest)
{
    double one = usual->variance / usual->count, other = latest->variance / latest->count;
    double error = one + other;
    if (error <= 0)
        return latest->mean > usual->mean;
    double freedom =
        error * error / (one * one / (usual->count - 1) + other * other / (latest->count - 1));
    return (latest->mean - usual->mean) / sqrt(error) > quantile_95(freedom);
}

static bool speaks_for_larger(const struct comparison *comparison)
{
    struct sample usual = sample_of(comparison->usual, comparison->learned);
    struct sample latest = sample_of(comparison->latest, COMPARISON_LATEST);
    return latest.mean >= usual.mean * LEAST_RISE && is_significant(&usual, &latest);
}

void comparison_add(struct comparison *comparison, double mean)
{
    if (comparison->learned < COMPARISON_USUAL) {
        comparison->usual[comparison->learned++] = mean;
        return;
    }
    comparison->latest[comparison->seen++ % COMPARISON_LATEST] = mean;
    if (comparison->seen % COMPARISON_LATEST)
        return;
    bool against = speaks_for_larger(comparison) != comparison->larger;
    comparison->in_a_row = against ? comparison->in_a_row + 1 : 0;
    if (comparison->in_a_row < IN_A_ROW)
        return;
    comparison->larger = !comparison->larger;
    comparison->in_a_row = 0;
}

double comparison_usual(const struct comparison *comparison)
{
    return sample_of(comparison->usual, comparison->learned).mean;
}

double comparison_latest(const struct comparison *comparison)
{
    return sample_of(comparison->latest, seen(comparison)).mean;
}
