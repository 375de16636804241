/* SPDX-License-Identifier: MIT */
#include "daemon/totals/continuity.h"
#include "daemon/base/boot.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/totals/forget.h"
#include "daemon/totals/state_file.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS UINT64_C(1000000000)
#define WEIGH_NS UINT64_C(1000000000)

struct continuity {
    struct continuity_options options;
    uint8_t boot_id[16];
    struct totals *shown;    /* what is on disk and in plans */
    struct totals *pending;  /* what is being written, NULL while nothing is */
    struct region **folding; /* the regions that pending adds: references */
    uint32_t folding_count, forgetting_count;
    bool ordered;        /* what is being written follows an order, which waits for its answer */
    uint64_t weighed;    /* when it was last asked which names to forget, CLOCK_MONOTONIC, ns */
    uint64_t not_before; /* no other try until then, CLOCK_MONOTONIC, ns */
    struct forget_room forget_room;
    struct log_limit dropped_lines;
    int failed; /* errno that the log has told of, 0 after a write that succeeded */
    _Atomic(struct state *) offered; /* by another thread */
};

static void tell_lost(const struct continuity *c, const char *why, const char *advice)
{
    log_event(LOG_LEVEL_WARNING, "totals of ended processes start at 0",
              "directory=%s reason=%s advice=%s", c->options.state_dir, why, advice);
}

/* Totals that are there but cannot be had now must not be written over. */
static bool refuse(const struct continuity *c, const char *why)
{
    log_event(LOG_LEVEL_ERROR, "totals of ended processes cannot be read",
              "directory=%s reason=%s advice=%s", c->options.state_dir, why,
              "mend that, or move the file totals away to start at 0");
    return false;
}

/* A file of another boot or version or one that is broken is kept aside for whoever wants to look.
 */
static bool load_file(struct continuity *c, const struct buffer *bytes)
{
    struct totals *loaded = NULL;
    char why[96];
    switch (state_decode(bytes->data, bytes->length, c->boot_id,
                         topology_nodes(c->options.topology), &loaded)) {
    case STATE_GOOD:
        totals_release(c->shown);
        c->shown = loaded;
        return true;
    case STATE_OTHER_BOOT:
        tell_lost(c, "they are of another boot", "nothing is wrong");
        break;
    case STATE_OTHER_VERSION:
        snprintf(why, sizeof why, "the file is of version %u and version %u is read here",
                 state_version(bytes->data, bytes->length), STATE_VERSION);
        tell_lost(
            c, why,
            "to go on with them stop this daemon, move totals.aside back to totals, and start "
            "the one that wrote it");
        break;
    case STATE_CORRUPT:
        tell_lost(c, "the file is damaged", "it is kept as totals.aside");
        break;
    case STATE_NO_MEMORY:
        return refuse(c, "there is no memory for them");
    }
    if (c->options.state)
        state_set_aside(c->options.state);
    return true;
}

static bool load(struct continuity *c)
{
    struct buffer bytes = {0};
    bool loaded = state_read(c->options.state_dir, &bytes) ? load_file(c, &bytes)
                  : errno == ENOENT || !c->options.state   ? true
                                                           : refuse(c, strerror(errno));
    buffer_free(&bytes);
    return loaded;
}

struct continuity *continuity_new(const struct continuity_options *options)
{
    struct continuity *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->options = *options;
    boot_id_read(c->boot_id);
    c->shown = totals_new(topology_nodes(c->options.topology), 0, 0, 0);
    if (c->shown && load(c))
        return c;
    if (c->shown)
        totals_release(c->shown);
    forget_room_free(&c->forget_room);
    free(c);
    return NULL;
}

/* All but the first `kept`. */
static void release_folding(struct continuity *c, uint32_t kept)
{
    for (uint32_t i = kept; i < c->folding_count; i++)
        region_release(c->folding[i]);
    c->folding_count = kept;
}

static void drop_pending(struct continuity *c)
{
    if (c->ordered)
        forget_order_answer(c->options.order, FORGET_FAILED);
    c->ordered = false;
    release_folding(c, 0);
    free(c->folding);
    if (c->pending)
        totals_release(c->pending);
    c->folding = NULL;
    c->pending = NULL;
}

void continuity_free(struct continuity *c)
{
    drop_pending(c);
    totals_release(c->shown);
    forget_room_free(&c->forget_room);
    free(c);
}

struct totals *continuity_totals(const struct continuity *c)
{
    return c->shown;
}

/* Discards what was to be written; it is tried again later. */
static void write_failed(struct continuity *c, int error)
{
    if (error != c->failed)
        log_event(LOG_LEVEL_WARNING, "totals cannot be written; regions stay until they can be",
                  "directory=%s error=%s advice=%s", c->options.state_dir, strerror(error),
                  "free some space there");
    c->failed = error;
    self_state_written(c->options.self, false, 0);
    c->not_before = clock_monotonic() + RETRY_NS;
    drop_pending(c);
}

static void tell_dropped(struct continuity *c)
{
    uint32_t dropped = c->pending->dropped;
    if (dropped && log_may(&c->dropped_lines, clock_monotonic()))
        log_event(LOG_LEVEL_WARNING,
                  "series of ended processes are dropped: their process or user has too many",
                  "series=%u advice=%s", dropped, "use fewer label values");
    self_state_dropped(c->options.self, dropped);
}

static bool write_ended(struct continuity *c, struct found *found)
{
    int error;
    enum state_progress progress = state_progress(c->options.state, &error);
    if (progress == STATE_FAILED)
        write_failed(c, error);
    if (progress != STATE_WRITTEN)
        return false;
    tell_dropped(c);
    c->failed = 0;
    self_state_written(c->options.self, true, c->folding_count);
    self_forgot(c->options.self, c->forgetting_count);
    found_folded(found, c->folding, c->folding_count);
    totals_release(c->shown);
    found->totals = c->shown = totals_hold(c->pending);
    if (c->ordered)
        forget_order_answer(c->options.order, FORGET_DONE);
    c->ordered = false;
    drop_pending(c);
    return true;
}

/* Nonces of files that are not there any more; NULL with *count 0 when it cannot be known. */
static struct nonce *list_gone(const struct continuity *c, const struct found *found, bool complete,
                               uint32_t *count)
{
    struct nonce *gone = complete ? calloc(c->shown->folded_count + 1, sizeof *gone) : NULL;
    *count = 0;
    for (uint32_t i = 0; gone && i < c->shown->folded_count; i++)
        if (!found_may_have(found, &c->shown->folded[i]))
            gone[(*count)++] = c->shown->folded[i];
    return gone;
}

static void submit(struct continuity *c)
{
    struct buffer bytes = {0};
    state_encode(&bytes, c->pending, c->boot_id);
    if (bytes.failed || bytes.length > STATE_SIZE_MOST) {
        write_failed(c, bytes.failed ? ENOMEM : EFBIG);
        buffer_free(&bytes);
        return;
    }
    self_state_bytes(c->options.self, bytes.length);
    state_write(c->options.state, &bytes);
}

/* Makes new totals and hands them to the disk. */
static void fold_into(struct continuity *c, const struct found *found, bool complete,
                      struct fold *fold)
{
    struct nonce *gone = list_gone(c, found, complete, &fold->gone_count);
    fold->gone = gone;
    fold->regions = c->folding;
    fold->region_count = c->folding_count;
    c->pending = totals_fold(c->shown, fold, c->options.topology);
    free(gone);
    if (!c->pending) {
        c->not_before = clock_monotonic() + RETRY_NS;
        drop_pending(c);
        return;
    }
    c->forgetting_count = fold->forgotten_count;
    release_folding(c, fold->region_count);
    submit(c);
}

static bool is_used(const struct found *found, const char *process)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (found->files[i]->region && strcmp(found->files[i]->region->process, process) == 0)
            return true;
    return false;
}

/* The name whose totals somebody has ordered to drop, borrowed from the totals; NULL if there is no
 * order or it cannot be followed, which is then the answer. */
static const char *ordered_name(const struct continuity *c, const struct found *found)
{
    const char *name = forget_order_name(c->options.order);
    if (!name)
        return NULL;
    const struct known *known = totals_known(c->shown, name);
    if (is_used(found, name) || (known && found_may_have_more(found, known->owner))) {
        forget_order_answer(c->options.order, FORGET_IN_USE);
        return NULL;
    }
    if (!known) {
        forget_order_answer(c->options.order, FORGET_UNKNOWN);
        return NULL;
    }
    log_event(LOG_LEVEL_INFO, "totals are dropped: it was asked for", "process=%s owner=%u",
              known->process, known->owner);
    return known->process;
}

/* Names whose time has come, as of forget_list().  All totals are looked at for it. */
static const char **due_names(struct continuity *c, struct found *found, struct fold *fold)
{
    if (clock_monotonic() - c->weighed < WEIGH_NS)
        return NULL;
    c->weighed = clock_monotonic();
    return forget_list(&c->forget_room, c->shown, found, fold->now, c->options.forget_after,
                       &fold->forgotten_count);
}

/* Folds what has died, if anything has, and takes note of new names: whoever comes first keeps its
 * name when the daemon starts anew, however old another's file is. */
static void start_fold(struct continuity *c, struct found *found, bool complete)
{
    struct fold fold = {.now = boot_clock() / 1000000000, .series_limit = c->options.series_limit};
    struct region **named = found_new_names(found, &fold.named_count);
    const char *ordered = ordered_name(c, found);
    const char **due = ordered ? NULL : due_names(c, found, &fold);
    fold.forgotten = ordered ? &ordered : due;
    fold.forgotten_count += ordered != NULL;
    fold.named = named;
    c->ordered = ordered != NULL;
    c->folding = found_dead(found, &c->folding_count);
    if (c->folding_count || fold.forgotten_count || fold.named_count)
        fold_into(c, found, complete, &fold);
    else
        drop_pending(c);
    free(named);
}

void continuity_offer(struct continuity *c, struct state *state)
{
    atomic_store(&c->offered, state);
}

/* Starts to fold; what the totals hold already is not shown by itself any more. */
static bool take_up(struct continuity *c, struct found *found)
{
    c->options.state = atomic_exchange(&c->offered, NULL);
    if (!c->options.state)
        return false;
    if (!load(c)) { /* and the log has said why */
        c->options.state = NULL;
        return false;
    }
    found->totals = c->shown;
    found->keep = true;
    found_drop_known(found);
    return true;
}

int continuity_written_fd(const struct continuity *c)
{
    return c->options.state ? state_ended_fd(c->options.state) : -1;
}

bool continuity_folds(const struct continuity *c)
{
    return c->options.state != NULL;
}

bool continuity_step(struct continuity *c, struct found *found, bool complete)
{
    if (!c->options.state) {
        if (forget_order_name(c->options.order))
            forget_order_answer(c->options.order, FORGET_NO_STATE);
        return take_up(c, found);
    }
    bool changed = write_ended(c, found);
    if (!c->pending && clock_monotonic() >= c->not_before)
        start_fold(c, found, complete);
    return changed;
}
