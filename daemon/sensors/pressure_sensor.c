/* SPDX-License-Identifier: MIT */
#include "daemon/sensors/pressure_sensor.h"
#include "daemon/machine/fields.h"
#include "daemon/machine/source.h"
#include "daemon/sensors/sensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CPU, MEMORY, IO, RESOURCES };
enum { SOME, FULL, KINDS };

static const char *const resources[RESOURCES] = {"cpu", "memory", "io"};
static const char *const kinds[KINDS] = {"some", "full"};

struct resource {
    struct machine_source source;
    uint32_t waited[KINDS], available[SOURCE_REASONS]; /* figures */
};

struct pressure_sensor {
    struct figures *figures;
    struct resource resources[RESOURCES];
};

static bool add_resource(struct pressure_sensor *sensor, int which)
{
    struct resource *resource = &sensor->resources[which];
    char labels[96];
    bool good = true;
    for (int kind = 0; kind < KINDS; kind++) {
        snprintf(labels, sizeof labels, "kind=\"%s\",resource=\"%s\"", kinds[kind],
                 resources[which]);
        resource->waited[kind] =
            figures_add(sensor->figures, ENGRAM_PRESSURE_WAITING, labels, SENSOR_LIFETIME_SLOW);
        good &= resource->waited[kind] != FIGURE_NONE;
    }
    for (int reason = 0; reason < SOURCE_REASONS; reason++) {
        const char *word = source_word((enum source_reason)reason);
        snprintf(labels, sizeof labels, "%s%s%sresource=\"%s\"", *word ? "reason=\"" : "", word,
                 *word ? "\"," : "", resources[which]);
        resource->available[reason] =
            figures_add(sensor->figures, ENGRAM_PRESSURE_AVAILABLE, labels, SENSOR_LIFETIME_SLOW);
        good &= resource->available[reason] != FIGURE_NONE;
    }
    return good;
}

struct pressure_sensor *pressure_sensor_new(struct figures *figures, const char *sysroot)
{
    struct pressure_sensor *sensor = calloc(1, sizeof *sensor);
    bool good = sensor;
    if (!sensor)
        return NULL;
    sensor->figures = figures;
    for (int i = 0; i < RESOURCES; i++)
        good &=
            source_init(&sensor->resources[i].source, sysroot, "/proc/pressure/%s", resources[i]) &&
            add_resource(sensor, i);
    if (good)
        return sensor;
    pressure_sensor_free(sensor);
    return NULL;
}

void pressure_sensor_free(struct pressure_sensor *sensor)
{
    for (int i = 0; i < RESOURCES; i++)
        source_close(&sensor->resources[i].source);
    free(sensor);
}

static void read_resource(struct figures *figures, struct resource *resource)
{
    char text[512];
    bool found = false;
    bool there = source_read(&resource->source, text, sizeof text);
    for (int kind = 0; kind < KINDS; kind++) {
        struct pressure pressure;
        bool has = there && fields_pressure(text, kinds[kind], &pressure);
        figures_set(figures, resource->waited[kind], has ? (double)pressure.total_us / 1e6 : NAN);
        found |= has;
    }
    enum source_reason reason = resource->source.reason;
    if (reason == SOURCE_GOOD && !found)
        reason = SOURCE_UNREADABLE;
    for (int i = 0; i < SOURCE_REASONS; i++)
        figures_set(figures, resource->available[i],
                    i == (int)reason ? reason == SOURCE_GOOD : NAN);
}

void pressure_sensor_read(void *argument)
{
    struct pressure_sensor *sensor = argument;
    for (int i = 0; i < RESOURCES; i++)
        read_resource(sensor->figures, &sensor->resources[i]);
}
