/* SPDX-License-Identifier: MIT */
#include "daemon/machine/fields.h"
#include "daemon/machine/numa_maps.h"
#include "daemon/machine/usage.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_lines(const char *text)
{
    struct usage usage;
    uint64_t values[8] = {0};
    usage_parse(text, &usage);
    numa_maps_parse(text, values, 8);
    const char *line;
    while ((line = fields_line(&text)))
        if (fields_numbers(line, values, 8) > 8)
            abort();
}

/* Whatever a text holds, reading it ends within it, and a share is one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct field fields[] = {{.name = "numa_hit"}, {.name = "MemFree"}};
    struct pressure pressure;
    char *text = malloc(size + 1); /* exactly as long, so that one byte more is seen */
    memcpy(text, data, size);
    text[size] = 0;
    if (fields_read(text, fields, 2) != (size_t)fields[0].found + (size_t)fields[1].found)
        abort();
    if (fields_pressure(text, "some", &pressure) &&
        !(pressure.share_10s >= 0 && pressure.share_10s <= 1 && pressure.share_300s <= 1))
        abort();
    look_at_lines(text);
    free(text);
    return 0;
}
