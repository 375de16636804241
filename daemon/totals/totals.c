/* SPDX-License-Identifier: MIT */
#include "daemon/totals/totals.h"
#include "daemon/regions/gather.h"
#include "daemon/totals/excess.h"
#include "shmlib/guard.h"
#include "shmlib/record.h"

#include <stdlib.h>
#include <string.h>

struct totals *totals_new(uint32_t nodes, size_t most, size_t most_folded, size_t most_known)
{
    struct totals *totals = calloc(1, sizeof *totals);
    if (!totals)
        return NULL;
    atomic_init(&totals->references, 1);
    totals->nodes = nodes;
    totals->list = arena_take(&totals->arena, most, sizeof *totals->list);
    totals->folded = arena_take(&totals->arena, most_folded, sizeof *totals->folded);
    totals->known = arena_take(&totals->arena, most_known, sizeof *totals->known);
    if (totals->list && totals->folded && totals->known)
        return totals;
    totals_release(totals);
    return NULL;
}

struct totals *totals_hold(struct totals *totals)
{
    atomic_fetch_add_explicit(&totals->references, 1, memory_order_relaxed);
    return totals;
}

void totals_release(struct totals *totals)
{
    if (atomic_fetch_sub_explicit(&totals->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_free(&totals->arena);
    free(totals);
}

bool total_is_kept(const struct engram_descriptor *d)
{
    return d->kind == ENGRAM_COUNTER || d->kind == ENGRAM_COUNTER_SET ||
           d->kind == ENGRAM_HISTOGRAM;
}

int total_compare(const struct total *a, const struct total *b)
{
    int order = strcmp(a->process, b->process);
    return order ? order : descriptor_compare(a->record.descriptor, b->record.descriptor);
}

uint32_t total_row_count(const struct totals *totals, const struct engram_descriptor *descriptor)
{
    return descriptor->placement == ENGRAM_SINGLE ? 1 : totals->nodes;
}

bool total_rows(struct totals *totals, struct total *total)
{
    const struct engram_descriptor *d = total->record.descriptor;
    uint32_t rows = total_row_count(totals, d), words = sum_words(d);
    union word *all = arena_take(&totals->arena, (size_t)rows * words, sizeof *all);
    total->rows = arena_take(&totals->arena, rows, sizeof *total->rows);
    for (uint32_t i = 0; all && total->rows && i < rows; i++)
        total->rows[i] = all + (size_t)i * words;
    return all && total->rows;
}

struct nonce nonce_of(const struct reader *reader)
{
    struct nonce nonce = {.owner = reader->owner};
    memcpy(nonce.bytes, reader->header.nonce, sizeof nonce.bytes);
    return nonce;
}

bool nonce_same(const struct nonce *a, const struct nonce *b)
{
    return a->owner == b->owner && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool nonce_listed(const struct nonce *list, uint32_t count, const struct nonce *nonce)
{
    for (uint32_t i = 0; i < count; i++)
        if (nonce_same(&list[i], nonce))
            return true;
    return false;
}

bool totals_has_folded(const struct totals *totals, const struct nonce *nonce)
{
    return nonce_listed(totals->folded, totals->folded_count, nonce);
}

static int known_compare(const void *left, const void *right)
{
    return strcmp(((const struct known *)left)->process, ((const struct known *)right)->process);
}

const struct known *totals_known(const struct totals *totals, const char *process)
{
    const struct known wanted = {.process = process};
    return bsearch(&wanted, totals->known, totals->known_count, sizeof wanted, known_compare);
}

uint64_t total_size(const struct totals *totals, const struct total *total)
{
    const struct engram_descriptor *d = total->record.descriptor;
    return SERIES_COST + sizeof *total + d->size +
           (uint64_t)total_row_count(totals, d) * sum_words(d) * sizeof(union word);
}

static bool is_forgotten(const struct fold *fold, const char *process)
{
    for (uint32_t i = 0; i < fold->forgotten_count; i++)
        if (strcmp(fold->forgotten[i], process) == 0)
            return true;
    return false;
}

/* Appends a total of that process and descriptor, both copied, with rows of zeros; NULL when there
 * is no memory. */
static struct total *append(struct totals *totals, const char *process,
                            const struct engram_descriptor *descriptor)
{
    struct total *total = &totals->list[totals->count];
    struct engram_descriptor *copy = arena_take(&totals->arena, descriptor->size, 1);
    total->process = arena_string(&totals->arena, process, strlen(process));
    if (!copy || !total->process)
        return NULL;
    memcpy(copy, descriptor, descriptor->size);
    copy->next = copy->slot = 0;
    /* The order of coming stands where a region's record has its place. */
    total->record = (struct record){totals->count, copy};
    if (!total_rows(totals, total))
        return NULL;
    totals->count++;
    return total;
}

static bool carry_totals(struct totals *to, const struct totals *before, const struct fold *fold)
{
    for (uint32_t i = 0; i < before->count; i++) {
        const struct total *from = &before->list[i];
        if (is_forgotten(fold, from->process))
            continue;
        struct total *total = append(to, from->process, from->record.descriptor);
        if (!total)
            return false;
        uint32_t rows = total_row_count(to, from->record.descriptor);
        for (uint32_t row = 0; row < rows; row++)
            memcpy(total->rows[row], from->rows[row],
                   sum_words(from->record.descriptor) * sizeof(union word));
    }
    return true;
}

/* Everything that is kept of one region, in rows of its own. */
struct last_look {
    struct arena arena;
    struct sources of[ENGRAM_PER_CPU + 1];
    union word **nodes;
    union word *host;
    struct gathering gathering;
};

static bool look_at(struct last_look *look, const struct reader *reader, uint32_t nodes)
{
    uint32_t words = 0;
    for (int i = 0; i <= ENGRAM_PER_CPU; i++)
        if (!(look->of[i].all = arena_take(&look->arena, reader->count, sizeof *look->of[i].all)))
            return false;
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct engram_descriptor *d = reader->records[i].descriptor;
        struct sources *sources = &look->of[d->placement];
        if (!total_is_kept(d))
            continue;
        sources->all[sources->count++] = source_of(d, words);
        words += sum_words(d);
    }
    look->host = arena_take(&look->arena, words + 1, sizeof *look->host);
    look->nodes = arena_take(&look->arena, nodes, sizeof *look->nodes);
    bool made = look->host && look->nodes;
    for (uint32_t node = 0; made && node < nodes; node++)
        made = (look->nodes[node] = arena_take(&look->arena, words + 1, sizeof(union word)));
    return made;
}

static void read_all(void *argument)
{
    const struct last_look *look = argument;
    gather(&look->gathering);
}

static int compare_plainly(const void *left, const void *right)
{
    return total_compare(left, right);
}

/* Where values of a series are to be added: to what was carried, if there it has the same shape. */
static struct total *total_for(struct totals *to, uint32_t carried, const char *process,
                               const struct engram_descriptor *d)
{
    const struct total wanted = {.process = process, .record = {0, d}};
    struct total *known = bsearch(&wanted, to->list, carried, sizeof wanted, compare_plainly);
    return known && descriptor_same_shape(known->record.descriptor, d) ? known
                                                                       : append(to, process, d);
}

/* Adds what was seen of each series, in the order in which look_at() gave them their words. */
static bool take_over(struct totals *to, uint32_t carried, const struct last_look *look,
                      const struct region *region)
{
    const struct reader *reader = region->reader;
    uint32_t at = 0;
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct engram_descriptor *d = reader->records[i].descriptor;
        if (!total_is_kept(d))
            continue;
        struct total *total = total_for(to, carried, region->process, d);
        if (!total)
            return false;
        uint32_t rows = total_row_count(to, d);
        for (uint32_t row = 0; row < rows; row++)
            sum_add(d, total->rows[row],
                    (d->placement == ENGRAM_SINGLE ? look->host : look->nodes[row]) + at);
        at += sum_words(d);
    }
    return true;
}

enum added { ADDED, BROKEN, NO_MEMORY };

/* What is left out of a region would be missed for ever. */
static enum added add_region(struct totals *to, uint32_t carried, struct region *region,
                             const struct topology *topology)
{
    struct last_look look = {.gathering = {.reader = region->reader, .socket = ANY_SOCKET}};
    enum added added = NO_MEMORY;
    if (look_at(&look, region->reader, to->nodes)) {
        look.gathering.of = look.of;
        look.gathering.topology = topology;
        look.gathering.nodes = look.nodes;
        look.gathering.host = look.host;
        bool whole = guard_run(read_all, &look) && !reader_has_hole(region->reader) &&
                     reader_is_whole(region->reader);
        if (!whole)
            atomic_store(&region->truncated, true);
        added = !whole ? BROKEN : take_over(to, carried, &look, region) ? ADDED : NO_MEMORY;
    }
    arena_free(&look.arena);
    return added;
}

/* One that is broken keeps no other from being folded. */
static bool add_regions(struct totals *to, struct fold *fold, const struct topology *topology)
{
    uint32_t carried = to->count;
    for (uint32_t i = 0; i < fold->region_count;) {
        struct region *region = fold->regions[i];
        switch (add_region(to, carried, region, topology)) {
        case ADDED:
            i++;
            break;
        case BROKEN:
            fold->regions[i] = fold->regions[--fold->region_count];
            fold->regions[fold->region_count] = region;
            break;
        case NO_MEMORY:
            return false;
        }
    }
    return true;
}

static int compare_with_order(const void *left, const void *right)
{
    const struct total *a = left, *b = right;
    int order = total_compare(a, b);
    return order ? order
                 : (a->record.offset > b->record.offset) - (a->record.offset < b->record.offset);
}

/* Makes one of each series; of two that differ in shape, as of two versions of a program, the newer
 * stands. */
static void merge_equals(struct totals *totals)
{
    uint32_t kept = 0;
    qsort(totals->list, totals->count, sizeof *totals->list, compare_with_order);
    for (uint32_t i = 0; i < totals->count; i++) {
        struct total *last = kept ? &totals->list[kept - 1] : NULL, *next = &totals->list[i];
        if (!last || total_compare(last, next) != 0) {
            totals->list[kept++] = *next;
        } else if (descriptor_same_shape(last->record.descriptor, next->record.descriptor)) {
            uint32_t rows = total_row_count(totals, last->record.descriptor);
            for (uint32_t row = 0; row < rows; row++)
                sum_add(last->record.descriptor, last->rows[row], next->rows[row]);
        } else {
            *last = *next;
        }
    }
    totals->count = kept;
}

static void carry_folded(struct totals *to, const struct totals *before, const struct fold *fold)
{
    for (uint32_t i = 0; i < before->folded_count; i++)
        if (!nonce_listed(fold->gone, fold->gone_count, &before->folded[i]))
            to->folded[to->folded_count++] = before->folded[i];
    for (uint32_t i = 0; i < fold->region_count; i++)
        to->folded[to->folded_count++] = nonce_of(fold->regions[i]->reader);
}

static bool note_known(struct totals *to, const struct known *like)
{
    struct known *known = &to->known[to->known_count++];
    *known = *like;
    known->process = arena_string(&to->arena, like->process, strlen(like->process));
    return known->process != NULL;
}

/* Of several that are shown by one name, one. */
static void merge_known(struct totals *totals)
{
    uint32_t kept = 0;
    qsort(totals->known, totals->known_count, sizeof *totals->known, known_compare);
    for (uint32_t i = 0; i < totals->known_count; i++) {
        struct known *last = kept ? &totals->known[kept - 1] : NULL, *next = &totals->known[i];
        if (!last || strcmp(last->process, next->process) != 0) {
            totals->known[kept++] = *next;
            continue;
        }
        last->time = next->time > last->time ? next->time : last->time;
        last->since = next->since < last->since ? next->since : last->since;
    }
    totals->known_count = kept;
}

static bool note_names(struct totals *to, struct region *const *regions, uint32_t count,
                       uint64_t now)
{
    bool noted = true;
    for (uint32_t i = 0; noted && i < count; i++) {
        const struct region *region = regions[i];
        struct known known = {region->process, now, region->since, region->reader->owner};
        noted = note_known(to, &known);
    }
    return noted;
}

static bool carry_known(struct totals *to, const struct totals *before, const struct fold *fold)
{
    bool noted = true;
    for (uint32_t i = 0; noted && i < before->known_count; i++)
        if (!is_forgotten(fold, before->known[i].process))
            noted = note_known(to, &before->known[i]);
    noted = noted && note_names(to, fold->regions, fold->region_count, fold->now) &&
            note_names(to, fold->named, fold->named_count, fold->now);
    if (noted)
        merge_known(to);
    return noted;
}

struct totals *totals_fold(const struct totals *before, struct fold *fold,
                           const struct topology *topology)
{
    size_t most = before->count;
    for (uint32_t i = 0; i < fold->region_count; i++)
        most += fold->regions[i]->reader->count;
    struct totals *to = totals_new(before->nodes, most, before->folded_count + fold->region_count,
                                   before->known_count + fold->region_count + fold->named_count);
    bool folded = to && carry_totals(to, before, fold);
    uint32_t carried = folded ? to->count : 0;
    folded = folded && add_regions(to, fold, topology) && carry_known(to, before, fold);
    if (folded) {
        carry_folded(to, before, fold);
        merge_equals(to);
        to->dropped = excess_drop(to, carried, fold->series_limit);
        return to;
    }
    if (to)
        totals_release(to);
    return NULL;
}
