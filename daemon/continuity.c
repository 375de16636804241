/* SPDX-License-Identifier: MIT */
#include "daemon/continuity.h"
#include "daemon/boot.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/state_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS UINT64_C(1000000000)

struct continuity {
    struct continuity_options options;
    uint8_t boot_id[16];
    struct totals *shown;    /* what is on disk and in plans */
    struct totals *pending;  /* what is being written, NULL while nothing is */
    struct region **folding; /* the regions that pending adds: references */
    uint32_t folding_count;
    uint64_t not_before; /* no other try until then, CLOCK_MONOTONIC, ns */
    int failed;          /* errno that the log has told of, 0 after a write that succeeded */
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

/* A file of another boot or one that is broken is kept aside for whoever wants to look. */
static bool load_file(struct continuity *c, const struct buffer *bytes)
{
    struct totals *loaded = NULL;
    switch (state_decode(bytes->data, bytes->length, c->boot_id,
                         topology_nodes(c->options.topology), &loaded)) {
    case STATE_GOOD:
        totals_release(c->shown);
        c->shown = loaded;
        return true;
    case STATE_OTHER_BOOT:
        tell_lost(c, "they are of another boot", "nothing is wrong");
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
    c->shown = totals_new(topology_nodes(c->options.topology), 0, 0, 0);
    if (!c->shown)
        return false;
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
    if (load(c))
        return c;
    if (c->shown)
        totals_release(c->shown);
    free(c);
    return NULL;
}

static void drop_pending(struct continuity *c)
{
    for (uint32_t i = 0; i < c->folding_count; i++)
        region_release(c->folding[i]);
    free(c->folding);
    if (c->pending)
        totals_release(c->pending);
    c->folding = NULL;
    c->folding_count = 0;
    c->pending = NULL;
}

void continuity_free(struct continuity *c)
{
    drop_pending(c);
    totals_release(c->shown);
    free(c);
}

struct totals *continuity_totals(const struct continuity *c)
{
    return c->shown;
}

static bool write_ended(struct continuity *c, struct found *found)
{
    int error;
    enum state_progress progress = state_progress(c->options.state, &error);
    if (progress == STATE_FAILED) {
        if (error != c->failed)
            log_event(LOG_LEVEL_WARNING, "totals cannot be written; regions stay until they can be",
                      "directory=%s error=%s advice=%s", c->options.state_dir, strerror(error),
                      "free some space there");
        c->failed = error;
        self_state_written(c->options.self, false, 0);
        c->not_before = clock_monotonic() + RETRY_NS;
        drop_pending(c);
    }
    if (progress != STATE_WRITTEN)
        return false;
    c->failed = 0;
    self_state_written(c->options.self, true, c->folding_count);
    found_folded(found, c->folding, c->folding_count);
    totals_release(c->shown);
    c->shown = totals_hold(c->pending);
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
        if (!found_has_nonce(found, &c->shown->folded[i]))
            gone[(*count)++] = c->shown->folded[i];
    return gone;
}

/* Names whose last process ended so long ago that nobody is expected to come back. */
static const char **list_forgotten(const struct continuity *c, const struct found *found,
                                   uint64_t now, uint32_t *count)
{
    const char **forgotten = calloc(c->shown->ended_count + 1, sizeof *forgotten);
    *count = 0;
    for (uint32_t i = 0; forgotten && i < c->shown->ended_count; i++) {
        const struct ended *ended = &c->shown->ended[i];
        if (now - ended->time < c->options.forget_after || found_has_process(found, ended->process))
            continue;
        forgotten[(*count)++] = ended->process;
        log_event(LOG_LEVEL_INFO, "totals are dropped: no process of that name came back",
                  "process=%s", ended->process);
    }
    return forgotten;
}

static void submit(struct continuity *c)
{
    struct buffer bytes = {0};
    state_encode(&bytes, c->pending, c->boot_id);
    if (bytes.failed || bytes.length > STATE_SIZE_MOST) {
        buffer_free(&bytes);
        c->not_before = clock_monotonic() + RETRY_NS;
        drop_pending(c);
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
        drop_pending(c);
        return;
    }
    self_forgot(c->options.self, fold->forgotten_count);
    submit(c);
}

/* Folds what has died, if anything has. */
static void start_fold(struct continuity *c, const struct found *found, bool complete)
{
    struct fold fold = {.now = boot_seconds()};
    const char **forgotten = list_forgotten(c, found, fold.now, &fold.forgotten_count);
    fold.forgotten = forgotten;
    c->folding = found_dead(found, &c->folding_count);
    if (c->folding_count || fold.forgotten_count)
        fold_into(c, found, complete, &fold);
    else
        drop_pending(c);
    free(forgotten);
}

bool continuity_step(struct continuity *c, struct found *found, bool complete)
{
    if (!c->options.state)
        return false;
    bool changed = write_ended(c, found);
    if (!c->pending && clock_monotonic() >= c->not_before)
        start_fold(c, found, complete);
    return changed;
}
