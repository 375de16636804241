/* SPDX-License-Identifier: MIT */
/* Any query as a filter: what it takes matches or does not, but reads nothing else. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/query.h"
#include "daemon/snapshot/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char labels[] = "a=\"x\\\"\",b=\"\\\\\",numa_node=\"1\",process=\"demo\"";
    static const struct series series = {.labels = labels, .rows = ROWS_HOST};
    struct match match = MATCH_EVERYTHING;
    char *text = malloc(size + 1), name[64], value[512];
    const char *error = NULL;
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    for (struct query query = query_of(text);
         query_next(&query, name, sizeof name, value, sizeof value);)
        if (match_take(&match, name, value, &error) == MATCH_WRONG && !error)
            abort();
    match_family(&match, "engram_operation_duration_seconds");
    match_series(&match, &series);
    match_free(&match);
    free(text);
    return 0;
}
