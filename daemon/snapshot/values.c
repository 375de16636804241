/* SPDX-License-Identifier: MIT */
#include "daemon/snapshot/values.h"

double value_count(const struct series *series, const struct snapshot *snapshot, uint32_t node)
{
    uint64_t sum = 0;
    uint32_t words = series->shape ? series->shape->cells - 1 : 1;
    for (uint32_t i = 0; i < snapshot->node_count; i++)
        for (uint32_t j = 0;
             snapshot->nodes[i] && (node == VALUES_ALL_NODES || node == i) && j < words; j++)
            sum += snapshot->nodes[i][series->at + j].count;
    return (double)sum;
}

double value_sum(const struct series *series, const struct snapshot *snapshot)
{
    double sum = 0;
    for (uint32_t i = 0; i < snapshot->node_count; i++)
        if (snapshot->nodes[i])
            sum += snapshot->nodes[i][series->at + series->shape->cells].number;
    return sum;
}
