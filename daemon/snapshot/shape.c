/* SPDX-License-Identifier: MIT */
/* How a histogram's cells become the lines of a text exposition. */
#include "daemon/base/buffer.h"
#include "daemon/base/number.h"
#include "daemon/snapshot/plan_entry.h"

#include <engram/bucket.h>
#include <math.h>
#include <string.h>

#define LINES_MOST 20
#define USUAL_FIRST (-24)
#define USUAL_LAST 8

/* Spelt so that the series is one in every format. */
static char *bound_text(double bound, struct arena *arena)
{
    struct buffer room = {0};
    number_append_bound(&room, bound);
    char *text = room.failed ? NULL : arena_string(arena, room.data, room.length);
    buffer_free(&room);
    return text;
}

static bool add_line(struct histogram_shape *shape, uint32_t cut, double bound, struct arena *arena)
{
    if (shape->lines && shape->cut[shape->lines - 1] == cut)
        return true; /* two bounds fell into one bucket */
    if (!isfinite(bound))
        return true; /* +Inf is there anyway */
    shape->cut[shape->lines] = cut;
    shape->text[shape->lines] = bound_text(bound, arena);
    return shape->text[shape->lines++] != NULL;
}

static bool explicit_lines(struct histogram_shape *shape, const struct record *record,
                           struct arena *arena)
{
    for (uint32_t i = 0; i < record->descriptor->bounds; i++)
        if (!add_line(shape, i + 1, record_bounds(record)[i], arena))
            return false;
    return true;
}

/* The bounds that were asked for, each at the bucket that holds it. */
static bool shown_lines(struct histogram_shape *shape, const struct record *record,
                        struct arena *arena)
{
    const struct engram_descriptor *d = record->descriptor;
    const int n = (int)d->per_octave;
    for (uint32_t i = 0; i < d->shown; i++) {
        uint32_t cell = engram_exponential_cell(record_bounds(record)[i], d->first, d->cells, n);
        if (cell < d->cells - 2 &&
            !add_line(shape, cell + 1, engram_exponential_bound(d->first + (int)cell, n), arena))
            return false;
    }
    return true;
}

/* How many octaves lie between two bounds: where most values are, and elsewhere. */
struct spacing {
    int usual, beyond;
};

/* In seconds 60 ns to 256 s: what most values are whose range nobody gave, durations. */
static bool is_shown(int octave, struct spacing apart)
{
    if (octave < USUAL_FIRST)
        return (USUAL_FIRST - octave) % apart.beyond == 0;
    if (octave > USUAL_LAST)
        return (octave - USUAL_LAST) % apart.beyond == 0;
    return (octave - USUAL_FIRST) % apart.usual == 0;
}

static int lines_in(int first, int last, struct spacing apart)
{
    int lines = 0;
    for (int octave = first; octave <= last; octave++)
        lines += is_shown(octave, apart);
    return lines;
}

/* Every octave if the lines suffice, else every other one, and outside of the usual fewer. */
static struct spacing spacing_of(int first, int last)
{
    struct spacing apart = {1, 1};
    if (lines_in(first, last, apart) > LINES_MOST)
        apart = (struct spacing){2, 2};
    while (lines_in(first, last, apart) > LINES_MOST)
        apart.beyond *= 2;
    return apart;
}

static bool power_lines(struct histogram_shape *shape, const struct record *record,
                        struct arena *arena)
{
    const struct engram_descriptor *d = record->descriptor;
    const int n = (int)d->per_octave;
    int first = (int)ceil((double)d->first / n);
    int last = (int)floor((d->first + (double)d->cells - 3) / n);
    struct spacing apart = spacing_of(first, last);
    for (int octave = first; octave <= last; octave++)
        if (is_shown(octave, apart) &&
            !add_line(shape, (uint32_t)(octave * n - d->first) + 1, exp2(octave), arena))
            return false;
    return true;
}

struct histogram_shape *shape_of(const struct record *record, struct arena *arena)
{
    const struct engram_descriptor *d = record->descriptor;
    size_t most = d->bounds ? d->bounds : d->shown ? d->shown : LINES_MOST;
    struct histogram_shape *shape = arena_take(arena, 1, sizeof *shape);
    if (!shape)
        return NULL;
    shape->cells = d->cells;
    shape->first = d->first;
    shape->per_octave = (int)d->per_octave;
    shape->cut = arena_take(arena, most, sizeof *shape->cut);
    shape->text = arena_take(arena, most, sizeof *shape->text);
    if (d->bounds && (shape->bounds = arena_take(arena, d->bounds, sizeof *shape->bounds)))
        memcpy(shape->bounds, record_bounds(record), d->bounds * sizeof *shape->bounds);
    if (!shape->cut || !shape->text || (d->bounds && !shape->bounds))
        return NULL;
    bool done = d->bounds  ? explicit_lines(shape, record, arena)
                : d->shown ? shown_lines(shape, record, arena)
                           : power_lines(shape, record, arena);
    return done ? shape : NULL;
}
