/* SPDX-License-Identifier: MIT */
#include "daemon/regions/admit.h"
#include "daemon/base/boot.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "shmlib/guard.h"

#include <string.h>

#define SERIES_MEMORY 1024u /* bytes that a series may take on average, as struct reader counts */

void admit_no_more(struct found *found, struct found_file *file)
{
    if (!file->region)
        return;
    quota_charge(&found->quota, file->user, -(int64_t)file->charged);
    file->charged = 0;
    file->user->regions--;
    found->quota.regions--;
    region_release(file->region);
    file->region = NULL;
}

static void quarantine(struct found *found, struct found_file *file, enum rejection rejection,
                       struct self *self)
{
    admit_no_more(found, file);
    /* What the daemon lacks, or the user's other regions take, may be there the next time. */
    file->due = rejection == REJECTION_MEMORY || rejection == REJECTION_QUOTA;
    if (file->rejection == rejection)
        return;
    file->rejection = rejection;
    self_rejected(self, rejection);
    if (log_may(&file->user->log, clock_monotonic()))
        log_event(LOG_LEVEL_WARNING, "region is not served",
                  "directory=%s file=%s reason=%s owner=%u advice=%s", file->directory, file->name,
                  rejection_name(rejection), file->user->owner, rejection_advice(rejection));
}

static struct reader_limits limits_of(const struct found *found, const struct found_file *file)
{
    uint64_t room = quota_room(&found->quota, file->user) + file->charged;
    uint64_t own = (uint64_t)found->series_limit * SERIES_MEMORY;
    return (struct reader_limits){found->series_limit, own < room ? own : room, found->cpus};
}

static void charge(struct found *found, struct found_file *file)
{
    uint64_t memory = file->region->reader->memory;
    quota_charge(&found->quota, file->user, (int64_t)(memory - file->charged));
    file->charged = memory;
}

/* Why a region that is well formed is not served by itself. */
static bool is_known(struct found *found, struct found_file *file, const struct reader *reader,
                     struct self *self)
{
    struct nonce nonce = nonce_of(reader);
    const struct found_file *other = found_by_nonce(found, &nonce);
    if (other && other != file) {
        quarantine(found, file, REJECTION_DUPLICATE, self);
        file->nonce = nonce;
        return true;
    }
    found_identify(found, file, &nonce);
    file->folded = totals_has_folded(found->totals, &nonce);
    if (file->folded)
        found_remove(found, file);
    return file->folded;
}

/* The region that has come first of those that are shown by a name. */
static const struct region *shown_as(const struct found *found, const char *process)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (found->files[i]->region && strcmp(found->files[i]->region->process, process) == 0)
            return found->files[i]->region;
    return NULL;
}

static bool is_held_by_another(const struct found *found, const char *name, uid_t owner)
{
    const struct known *known = totals_known(found->totals, name);
    const struct region *region = shown_as(found, name);
    return known ? known->owner != owner : region && region->reader->owner != owner;
}

/* A name that has come back is as old as it was. */
static void give_name(const struct found *found, const struct found_file *file,
                      struct region *region)
{
    char owned[IDENTITY_SIZE];
    const char *name = region->reader->header.process;
    uid_t owner = region->reader->owner;
    identity_owned(owned, name, owner);
    if (identity_is_anothers(name, owner) || is_held_by_another(found, name, owner) ||
        totals_known(found->totals, owned) || shown_as(found, owned))
        memcpy(region->process, owned, sizeof owned);
    const struct known *known = totals_known(found->totals, region->process);
    const struct region *first = shown_as(found, region->process);
    region->since = file->arrived;
    if (known && known->since < region->since)
        region->since = known->since;
    if (first && first->since < region->since)
        region->since = first->since;
}

static void tell_served(const struct found_file *file)
{
    const struct reader *reader = file->region->reader;
    if (log_may(&file->user->log, clock_monotonic()))
        log_event(LOG_LEVEL_INFO, "region is served",
                  "process=%s pid=%u owner=%u alive=%d series=%u directory=%s file=%s",
                  file->region->process, reader->header.pid, reader->owner, file->alive,
                  reader->count, file->directory, file->name);
}

/* By the account of whoever owns what was opened, whatever lay there before. */
static bool belongs(struct found *found, struct found_file *file, uid_t owner)
{
    struct quota_user *user = quota_user(&found->quota, owner);
    if (!user)
        return false;
    file->user->files--;
    user->files++;
    file->user = user;
    return true;
}

static bool serve(struct found *found, struct found_file *file, struct reader *reader)
{
    struct region *region = belongs(found, file, reader->owner) ? region_new(reader) : NULL;
    if (!region)
        return false;
    give_name(found, file, region);
    file->region = region;
    file->user->regions++;
    found->quota.regions++;
    charge(found, file);
    file->rejection = REJECTION_NONE;
    file->alive = reader_alive(reader);
    tell_served(file);
    return true;
}

bool admit(struct found *found, struct found_file *file, int dir, struct self *self)
{
    enum rejection rejection = file->user->regions >= QUOTA_REGIONS          ? REJECTION_QUOTA
                               : found->quota.regions >= found->regions_most ? REJECTION_MEMORY
                                                                             : REJECTION_NONE;
    struct reader_limits limits = limits_of(found, file);
    struct reader *reader =
        rejection ? NULL : reader_open_limited(dir, file->name, &limits, &rejection);
    file->due = false;
    if (!reader) {
        quarantine(found, file, rejection, self);
        return false;
    }
    if (reader->inode != file->inode) {
        file->due = true; /* another one by now: the next sweep sees when it came */
        reader_close(reader);
        return false;
    }
    if (!is_known(found, file, reader, self)) {
        if (serve(found, file, reader))
            return true;
        quarantine(found, file, REJECTION_MEMORY, self);
    }
    reader_close(reader);
    return false;
}

struct peek {
    const struct reader *reader;
    uint32_t published;
    uint64_t memory;
};

static void read_published(void *argument)
{
    struct peek *peek = argument;
    const struct engram_region *live = (const void *)peek->reader->map;
    peek->published = __atomic_load_n(&live->published, __ATOMIC_ACQUIRE);
    peek->memory = __atomic_load_n(&live->reserved_bytes, __ATOMIC_RELAXED);
}

static void tell_crowded(struct found_file *file)
{
    const struct reader *reader = file->region->reader;
    if (!reader->refused || file->crowded)
        return;
    file->crowded = true;
    if (log_may(&file->user->log, clock_monotonic()))
        log_event(LOG_LEVEL_WARNING,
                  "a process has more series than are allowed; the rest is not served",
                  "process=%s limit=%u directory=%s file=%s advice=%s", file->region->process,
                  reader->limits.series, file->directory, file->name,
                  "use fewer label values, or raise --series-limit");
}

/* What makes a region that was served one to be refused. */
static enum rejection look_again(struct found *found, struct found_file *file, bool thorough)
{
    struct reader *reader = file->region->reader;
    struct peek peek = {.reader = reader};
    if (!guard_run(read_published, &peek) || atomic_load(&file->region->truncated))
        return reader_has_hole(reader) ? REJECTION_HOLE : REJECTION_TRUNCATED;
    if (reader_has_hole(reader))
        return REJECTION_HOLE;
    if (!reader_is_whole(reader))
        return REJECTION_TRUNCATED;
    if (peek.published == reader->count + reader->refused && !thorough)
        return REJECTION_NONE;
    reader->limits = limits_of(found, file);
    enum rejection rejection = reader_refresh(reader);
    charge(found, file);
    uint64_t size = reader->header.size;
    atomic_store(&file->region->memory, peek.memory < size ? peek.memory : size);
    return rejection;
}

/* For whoever wants to know how the process is. */
static void note(struct region *region, bool alive)
{
    atomic_store(&region->main_process, main_process_ask(&region->reader->header));
    atomic_store(&region->series, region->reader->count);
    atomic_store(&region->refused, region->reader->refused);
    if (alive)
        atomic_store(&region->seen, boot_clock());
}

bool admit_again(struct found *found, struct found_file *file, bool thorough, struct self *self)
{
    struct reader *reader = file->region->reader;
    uint32_t before = reader->count;
    /* Before its last series are read: after that there are no more. */
    bool alive = thorough ? reader_alive(reader) : file->alive;
    enum rejection rejection = look_again(found, file, thorough);
    if (rejection) {
        quarantine(found, file, rejection, self);
        return true;
    }
    tell_crowded(file);
    if (thorough)
        note(file->region, alive);
    if (alive == file->alive)
        return reader->count != before;
    file->alive = alive;
    if (log_may(&file->user->log, clock_monotonic()))
        log_event(LOG_LEVEL_INFO, "process ended; its totals stay", "process=%s pid=%u",
                  file->region->process, reader->header.pid);
    return true;
}
