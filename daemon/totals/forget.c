/* SPDX-License-Identifier: MIT */
#include "daemon/totals/forget.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"

#include <stdlib.h>
#include <string.h>

/* A name with what it takes; sorted by owner, and by age within. */
struct candidate {
    const struct known *known;
    uint64_t size; /* bytes */
    bool runs;     /* a region is there */
    bool forgotten;
};

static int candidate_compare(const void *left, const void *right)
{
    const struct known *a = ((const struct candidate *)left)->known;
    const struct known *b = ((const struct candidate *)right)->known;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    return (a->time > b->time) - (a->time < b->time);
}

void forget_room_free(struct forget_room *room)
{
    free(room->all);
    free(room->names);
    *room = (struct forget_room){0};
}

/* For so many names; false when there is no memory. */
static bool make_room(struct forget_room *room, uint32_t count)
{
    if (room->all && count <= room->size)
        return true;
    uint32_t size = count + count / 2 + 1;
    struct candidate *all = calloc(size, sizeof *all);
    const char **names = calloc(size, sizeof *names);
    if (!all || !names) {
        free(all);
        free(names);
        return false;
    }
    free(room->all);
    free(room->names);
    room->all = all;
    room->names = names;
    room->size = size;
    return true;
}

static void weigh(const struct totals *totals, const struct found *found, struct candidate *all)
{
    for (uint32_t i = 0; i < totals->known_count; i++)
        all[i] = (struct candidate){&totals->known[i], QUOTA_NAME_COST, false, false};
    for (uint32_t i = 0; i < totals->count; i++) {
        const struct total *total = &totals->list[i];
        all[totals_known(totals, total->process) - totals->known].size += total_size(totals, total);
    }
    for (uint32_t i = 0; i < found->count; i++) {
        const struct region *region = found->files[i]->region;
        const struct known *known = region ? totals_known(totals, region->process) : NULL;
        if (known)
            all[known - totals->known].runs = true;
    }
    qsort(all, totals->known_count, sizeof *all, candidate_compare);
}

struct forgetting {
    struct found *found;
    struct candidate *all;
    uint32_t all_count;
    uint64_t size; /* of all that are not forgotten, bytes */
    const char **names;
    uint32_t count;
};

static bool forget(struct forgetting *f, struct candidate *candidate)
{
    if (candidate->forgotten || candidate->runs ||
        found_may_have_more(f->found, candidate->known->owner))
        return false;
    candidate->forgotten = true;
    f->size -= candidate->size;
    f->names[f->count++] = candidate->known->process;
    return true;
}

static bool may_tell(struct forgetting *f, uint32_t owner)
{
    struct quota_user *user = quota_user(&f->found->quota, owner);
    return user && log_may(&user->log, clock_monotonic());
}

static void forget_old(struct forgetting *f, uint64_t now, uint64_t after)
{
    for (uint32_t i = 0; i < f->all_count; i++) {
        const struct known *known = f->all[i].known;
        if (now - known->time >= after && forget(f, &f->all[i]) && may_tell(f, known->owner))
            log_event(LOG_LEVEL_INFO, "totals are dropped: no process of that name came back",
                      "process=%s owner=%u", known->process, known->owner);
    }
}

/* What one user may leave: less where many leave much. */
static uint64_t share(const struct forgetting *f)
{
    return f->size > QUOTA_MEMORY_ALL / 2 ? QUOTA_MEMORY / 8 : QUOTA_MEMORY / 4 * 3;
}

/* Of one user's names, from the one that ended first, as long as it has left too much or too many.
 */
static void forget_of_owner(struct forgetting *f, struct candidate *list, uint32_t count)
{
    uint64_t size = 0;
    uint32_t before = f->count, names = 0;
    for (uint32_t i = 0; i < count; i++) {
        size += list[i].forgotten ? 0 : list[i].size;
        names += !list[i].forgotten;
    }
    for (uint32_t i = 0; i < count && (size > share(f) || names > QUOTA_NAMES); i++) {
        if (!forget(f, &list[i]))
            continue;
        size -= list[i].size;
        names--;
    }
    if (f->count > before && may_tell(f, list[0].known->owner))
        log_event(LOG_LEVEL_WARNING, "totals are dropped: their user has left too many",
                  "processes=%u owner=%u advice=%s", f->count - before, list[0].known->owner,
                  "let its processes keep their names");
}

static void forget_large(struct forgetting *f)
{
    for (uint32_t from = 0, to; from < f->all_count; from = to) {
        uint32_t owner = f->all[from].known->owner;
        for (to = from + 1; to < f->all_count && f->all[to].known->owner == owner;)
            to++;
        forget_of_owner(f, &f->all[from], to - from);
    }
}

const char **forget_list(struct forget_room *room, const struct totals *totals, struct found *found,
                         uint64_t now, uint64_t after, uint32_t *count)
{
    *count = 0;
    if (!make_room(room, totals->known_count))
        return NULL;
    struct forgetting f = {
        .found = found, .all = room->all, .all_count = totals->known_count, .names = room->names};
    weigh(totals, found, f.all);
    for (uint32_t i = 0; i < f.all_count; i++)
        f.size += f.all[i].size;
    forget_old(&f, now, after);
    forget_large(&f);
    *count = f.count;
    return f.names;
}
