/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/sysfs.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_cpus(const char *text)
{
    uint32_t cpus[4];
    int count = sysfs_parse_cpus(text, cpus, 4);
    if (count < -1 || count > 4)
        abort();
}

/* What the text says of its first line as a format, with the rest as terms. */
static void read_terms(char *text)
{
    static struct sysfs_device device;
    struct pmu_event event = {.config = 1};
    struct sysfs_wrong wrong;
    char *newline = strchr(text, '\n');
    device = (struct sysfs_device){.format_count = 2, .formats = {{"event", 0, 0xff}, {"a", 1, 0}}};
    if (newline)
        *newline = 0;
    if (!sysfs_parse_format(text, &device.formats[1]))
        device.format_count = 1;
    else if (device.formats[1].word > 2 || device.formats[1].bits == 0)
        abort();
    if (!sysfs_encode(&device, newline ? newline + 1 : text, &event, &wrong) && event.config != 1)
        abort();
}

/* Whatever a text holds, reading it ends within it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double scale;
    char *text = malloc(size + 1); /* exactly as long, so that one byte more is seen */
    memcpy(text, data, size);
    text[size] = 0;
    read_cpus(text);
    if (sysfs_parse_scale(text, &scale) && !(scale > 0))
        abort();
    read_terms(text);
    free(text);
    return 0;
}
