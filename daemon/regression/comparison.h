/* SPDX-License-Identifier: MIT */
/*
 * Whether a quantity that should be small has become larger: means of short stretches, the first of
 * them learned as what is usual, each twelve after that held against it.
 *
 * It has if their mean is larger than what is usual by 5 % or more, and significantly at the 5 %
 * level by Welch's test (one-sided), for three twelves in a row, so that chance would say so once
 * in 8000 times; as many in a row end it. Source: B. L. Welch, "The generalization of Student's
 * problem when several different population variances are involved", Biometrika 34 (1947).
 */
#ifndef ENGRAMD_COMPARISON_H
#define ENGRAMD_COMPARISON_H

#include <stdbool.h>
#include <stdint.h>

#define COMPARISON_USUAL 60
#define COMPARISON_LATEST 12

struct comparison {
    double usual[COMPARISON_USUAL], latest[COMPARISON_LATEST];
    uint32_t learned, seen; /* of each */
    uint32_t in_a_row;      /* that speak against what is said */
    bool larger;            /* what is said */
};

/* Takes in the mean of the next stretch.  Zero-initialised, it knows nothing. */
void comparison_add(struct comparison *comparison, double mean);

double comparison_usual(const struct comparison *comparison);  /* mean; NAN before there is any */
double comparison_latest(const struct comparison *comparison); /* as well */

#endif
