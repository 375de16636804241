/* SPDX-License-Identifier: MIT */
/*
 * The families of catalogue.def as data, and the specification of a series of
 * one.  family.h registers them; engines use engine.h, which knows the label
 * values, too.
 */
#ifndef ENGRAM_CATALOGUE_H
#define ENGRAM_CATALOGUE_H

#include <engram/types.h>

enum engram_family {
#define FAMILY(identifier, name, kind, unit, labels, shape, made_by, help) ENGRAM_##identifier,
#include <engram/catalogue.def>
#undef FAMILY
    ENGRAM_FAMILIES
};

/* What a family's histogram covers. */
enum engram_shape {
    ENGRAM_SHAPE_NONE,         /* no histogram */
    ENGRAM_SHAPE_SECONDS,      /* about a microsecond to 16 s */
    ENGRAM_SHAPE_MILLISECONDS, /* about a microsecond to a minute */
    ENGRAM_SHAPE_HOPS,         /* 1 to 4096 */
    ENGRAM_SHAPE_RATIO         /* 0 to 1 by tenths */
};

enum engram_made_by { ENGRAM_MADE_BY_W, ENGRAM_MADE_BY_D, ENGRAM_MADE_BY_LATER };

struct engram_family_entry {
    const char *name;
    enum engram_kind kind;
    const char *unit;
    const char *labels; /* names, separated by commas */
    enum engram_shape shape;
    enum engram_made_by made_by;
    const char *help;
};

static const struct engram_family_entry engram_catalogue[ENGRAM_FAMILIES]
    __attribute__((unused)) = {
#define FAMILY(identifier, name, kind, unit, labels, shape, made_by, help)                         \
    {name, ENGRAM_##kind, unit, labels, ENGRAM_SHAPE_##shape, ENGRAM_MADE_BY_##made_by, help},
#include <engram/catalogue.def>
#undef FAMILY
};

/*
 * The specification of a family's series.  `values` has one value for each of the
 * family's labels, in their order, "" where one does not apply; `room` takes
 * ENGRAM_LABELS_MAX labels, and both must live as long as the specification.
 */
ENGRAM_FUNCTION struct engram_spec
engram_family_spec(enum engram_family family, const char *const *values, struct engram_label *room)
{
    static const double tenths[] = {0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1};
    static const double range[][2] = {
        {0, 0}, {1.0 / (1 << 20), 16}, {1.0 / (1 << 10), 1 << 16}, {1, 4096}, {0, 0}};
    const struct engram_family_entry *entry = &engram_catalogue[family];
    struct engram_spec spec;
    const char *name = entry->labels;
    memset(&spec, 0, sizeof spec);
    spec.name = engram_string(entry->name);
    spec.help = engram_string(entry->help);
    spec.unit = engram_string(entry->unit);
    spec.labels = room;
    while (*name) {
        const char *end = strchr(name, ',');
        struct engram_text label = {name, end ? (size_t)(end - name) : strlen(name)};
        room[spec.label_count].name = label;
        room[spec.label_count].value = engram_string(values[spec.label_count]);
        spec.label_count++;
        name += label.length + (end != NULL);
    }
    spec.bounds = entry->shape == ENGRAM_SHAPE_RATIO ? tenths : NULL;
    spec.bound_count = entry->shape == ENGRAM_SHAPE_RATIO ? sizeof tenths / sizeof *tenths : 0;
    spec.least = range[entry->shape][0];
    spec.most = range[entry->shape][1];
    return spec;
}

#endif
