/* SPDX-License-Identifier: MIT */
#include "daemon/snapshot/figures.h"
#include "daemon/base/clock.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct figure {
    enum engram_family family;
    char *labels;
    uint64_t lifetime;
    uint32_t at;           /* its word in rows of the plan that was seen last */
    _Atomic uint64_t time; /* when it was set, CLOCK_MONOTONIC, ns */
    _Atomic double value;
};

struct figures {
    struct arena arena;
    struct figure **list; /* each stays where it is */
    uint32_t count, room;
    uint64_t version; /* of the plan that `at` belongs to */
    const struct computed_family **families;
};

struct figures *figures_new(void)
{
    return calloc(1, sizeof(struct figures));
}

void figures_free(struct figures *figures)
{
    arena_free(&figures->arena);
    free(figures->list);
    free(figures);
}

static bool make_room(struct figures *figures)
{
    if (figures->count < figures->room)
        return true;
    uint32_t room = figures->room ? 2 * figures->room : 64;
    struct figure **list = realloc(figures->list, room * sizeof *list);
    if (!list)
        return false;
    figures->list = list;
    figures->room = room;
    return true;
}

uint32_t figures_add(struct figures *figures, enum engram_family family, const char *labels,
                     uint64_t lifetime)
{
    struct figure *figure = arena_take(&figures->arena, 1, sizeof *figure);
    char *copy = arena_string(&figures->arena, labels, strlen(labels));
    if (!figure || !copy || !make_room(figures))
        return FIGURE_NONE;
    figure->family = family;
    figure->labels = copy;
    figure->lifetime = lifetime;
    atomic_init(&figure->value, NAN);
    figures->list[figures->count] = figure;
    return figures->count++;
}

void figures_set(struct figures *figures, uint32_t figure, double value)
{
    if (figure == FIGURE_NONE)
        return;
    struct figure *to = figures->list[figure];
    atomic_store_explicit(&to->value, value, memory_order_relaxed);
    if (!isnan(value)) /* most are absent, and then it does not matter since when */
        atomic_store_explicit(&to->time, clock_monotonic(), memory_order_release);
}

static uint32_t count_of(const struct figures *figures, enum engram_family family)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < figures->count; i++)
        count += figures->list[i]->family == family;
    return count;
}

/* The labels of all series of one family, NULL-terminated. */
static const char **labels_of(struct figures *figures, enum engram_family family)
{
    const char **labels =
        arena_take(&figures->arena, count_of(figures, family) + 1, sizeof *labels);
    uint32_t count = 0;
    for (uint32_t i = 0; labels && i < figures->count; i++)
        if (figures->list[i]->family == family)
            labels[count++] = figures->list[i]->labels;
    return labels;
}

static bool is_first_of_family(const struct figures *figures, uint32_t figure)
{
    for (uint32_t i = 0; i < figure; i++)
        if (figures->list[i]->family == figures->list[figure]->family)
            return false;
    return true;
}

static bool add_family(struct figures *figures, enum engram_family which, uint32_t *count)
{
    struct computed_family *family = arena_take(&figures->arena, 1, sizeof *family);
    const char **labels = labels_of(figures, which);
    if (!family || !labels)
        return false;
    *family = (struct computed_family){.about = &engram_catalogue[which], .labels = labels};
    figures->families[(*count)++] = family;
    return true;
}

const struct computed_family *const *figures_families(struct figures *figures)
{
    uint32_t count = 0;
    figures->families = arena_take(&figures->arena, ENGRAM_FAMILIES + 1, sizeof(void *));
    if (!figures->families)
        return NULL;
    for (uint32_t i = 0; i < figures->count; i++)
        if (is_first_of_family(figures, i) &&
            !add_family(figures, figures->list[i]->family, &count))
            return NULL;
    return figures->families;
}

/* A series that the plan lacks, as a process was first to use its name, has no word. */
static void find_words(struct figures *figures, const struct plan *plan)
{
    for (uint32_t i = 0; i < figures->count; i++) {
        struct figure *figure = figures->list[i];
        const struct family *family = plan_catalogued(plan, figure->family);
        const struct series *series = family ? family_series(family, figure->labels) : NULL;
        figure->at = series && series->rows == ROWS_COMPUTED ? series->at : UINT32_MAX;
    }
    figures->version = plan->set.version;
}

void figures_fill(struct figures *figures, const struct plan *plan, union word *row)
{
    uint64_t now = clock_monotonic();
    if (figures->version != plan->set.version)
        find_words(figures, plan);
    for (uint32_t i = 0; i < figures->count; i++) {
        const struct figure *figure = figures->list[i];
        uint64_t time = atomic_load_explicit(&figure->time, memory_order_acquire);
        double value = atomic_load_explicit(&figure->value, memory_order_relaxed);
        bool old = now > time && now - time > figure->lifetime;
        if (figure->at != UINT32_MAX && time && !old && !isnan(value))
            row[figure->at].number = value;
    }
}
