/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/regions/found.h"
#include "daemon/base/boot.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/regions/admit.h"
#include "shmlib/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int name_compare(const void *left, const void *right)
{
    const struct found_file *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->directory, b->directory);
}

static int nonce_compare(const void *left, const void *right)
{
    const struct found_file *a = left, *b = right;
    int order = memcmp(a->nonce.bytes, b->nonce.bytes, sizeof a->nonce.bytes);
    return order ? order : (a->nonce.owner > b->nonce.owner) - (a->nonce.owner < b->nonce.owner);
}

static void unidentify(struct found *found, struct found_file *file)
{
    if (file->identified)
        tdelete(file, &found->by_nonce, nonce_compare);
    file->identified = false;
}

static void file_free(struct found *found, struct found_file *file)
{
    admit_no_more(found, file);
    unidentify(found, file);
    tdelete(file, &found->by_name, name_compare);
    file->user->files--;
    free(file->name);
    free(file);
}

void found_free(struct found *found)
{
    for (uint32_t i = 0; i < found->count; i++)
        file_free(found, found->files[i]);
    free(found->files);
    free(found->due);
    free(found->regions);
    free(found->alive);
    quota_free(&found->quota);
}

void found_identify(struct found *found, struct found_file *file, const struct nonce *nonce)
{
    unidentify(found, file);
    file->nonce = *nonce;
    file->identified = tsearch(file, &found->by_nonce, nonce_compare) != NULL;
}

const struct found_file *found_by_nonce(const struct found *found, const struct nonce *nonce)
{
    struct found_file wanted = {.nonce = *nonce};
    struct found_file *const *node = tfind(&wanted, &found->by_nonce, nonce_compare);
    return node ? *node : NULL;
}

/* Removes the file of a folded region, if it is still that one; a look removes nothing. */
void found_remove(const struct found *found, struct found_file *file)
{
    struct stat status;
    if (!found->keep)
        return;
    int dir = open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool same = dir >= 0 && fstatat(dir, file->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                status.st_ino == file->inode;
    if (same && unlinkat(dir, file->name, 0) && !file->stuck) {
        int error = errno;
        file->stuck = true;
        if (log_may(&file->user->log, clock_monotonic()))
            log_event(LOG_LEVEL_WARNING, "a region that is part of the totals cannot be removed",
                      "directory=%s file=%s error=%s advice=%s", file->directory, file->name,
                      strerror(error), "its owner or root can; until then it takes memory");
    }
    if (dir >= 0)
        close(dir);
}

static struct found_file *file_find(const struct found *found, const char *directory,
                                    const char *name)
{
    struct found_file wanted = {.directory = directory, .name = (char *)(uintptr_t)name};
    struct found_file *const *node = tfind(&wanted, &found->by_name, name_compare);
    return node ? *node : NULL;
}

static bool make_room(struct found *found)
{
    uint32_t capacity = found->capacity ? 2 * found->capacity : 16;
    if (found->count < found->capacity)
        return true;
    struct found_file **grown = realloc(found->files, capacity * sizeof(struct found_file *));
    if (grown)
        found->files = grown;
    struct found_file **due = realloc(found->due, capacity * sizeof(struct found_file *));
    if (due)
        found->due = due;
    if (!grown || !due)
        return false;
    found->capacity = capacity;
    return true;
}

static struct found_file *file_add(struct found *found, const char *directory, const char *name,
                                   struct quota_user *user)
{
    struct found_file *file = make_room(found) ? calloc(1, sizeof *file) : NULL;
    if (!file)
        return NULL;
    file->directory = directory;
    file->user = user;
    file->name = strdup(name);
    if (!file->name || !tsearch(file, &found->by_name, name_compare)) {
        free(file->name);
        free(file);
        return NULL;
    }
    user->files++;
    found->files[found->count++] = file;
    return file;
}

/* A new file, if its owner may have one more; what is left out may be anything. */
static struct found_file *file_new(struct found *found, const char *directory, const char *name,
                                   uid_t owner)
{
    struct quota_user *user = quota_user(&found->quota, owner);
    struct found_file *file =
        user && user->files < QUOTA_FILES ? file_add(found, directory, name, user) : NULL;
    if (user && !file)
        user->unknown++;
    found->blind |= !user;
    return file;
}

/* What lies under the name now has yet to be opened; the same file that is refused for the same
 * reason is refused once. */
static void start_over(struct found *found, struct found_file *file, const struct facts *facts)
{
    unidentify(found, file);
    file->folded = file->stuck = file->crowded = false;
    if (file->inode != facts->inode)
        file->rejection = REJECTION_NONE;
    file->due = true;
    file->inode = facts->inode;
    file->changed = facts->changed;
    file->arrived = facts->made > found->epoch ? facts->made - found->epoch : 0;
}

void found_look(struct found *found, const char *directory, int dir, const char *name)
{
    struct facts facts;
    struct found_file *file = file_find(found, directory, name);
    if (file && file->region) {
        file->seen = true;
        return;
    }
    if (!facts_of(dir, name, &facts)) {
        found->blind |= errno != ENOENT; /* it may be there all the same */
        return;
    }
    if (!file && !(file = file_new(found, directory, name, facts.owner)))
        return;
    file->seen = true;
    if (file->folded && file->inode == facts.inode)
        found_remove(found, file);
    else if (file->inode != facts.inode || file->changed != facts.changed)
        start_over(found, file, &facts);
}

void found_sweep_start(struct found *found)
{
    for (uint32_t i = 0; i < found->count; i++)
        found->files[i]->seen = false;
    quota_sweep(&found->quota, clock_monotonic());
    found->epoch = boot_epoch();
    found->regions_most = quota_regions_most();
    found->blind = found->left = false;
}

void found_spare(struct found *found, const char *directory)
{
    found->blind = true;
    for (uint32_t i = 0; i < found->count; i++)
        found->files[i]->seen |= found->files[i]->directory == directory;
}

/* A region whose name is gone but whose process lives, or whose totals are still to be taken over,
 * goes on being served. */
static bool is_kept(const struct found *found, const struct found_file *file)
{
    return file->seen || (file->region && (found->keep || reader_alive(file->region->reader)));
}

static bool forget_unseen(struct found *found)
{
    uint32_t kept = 0;
    bool changed = false;
    for (uint32_t i = 0; i < found->count; i++) {
        struct found_file *file = found->files[i];
        if (!is_kept(found, file)) {
            changed |= file->region != NULL;
            file_free(found, file);
            continue;
        }
        found->files[kept++] = file;
    }
    found->count = kept;
    return changed;
}

/* Those of one user and one tick of the kernel's clock by what they say themselves, once it is
 * read. */
static uint64_t birth(const struct found_file *file)
{
    return file->region ? file->region->reader->header.born : 0;
}

static int file_compare(const void *left, const void *right)
{
    const struct found_file *a = *(struct found_file *const *)left;
    const struct found_file *b = *(struct found_file *const *)right;
    if (a->arrived != b->arrived)
        return a->arrived < b->arrived ? -1 : 1;
    if (a->user->owner != b->user->owner)
        return a->user->owner < b->user->owner ? -1 : 1;
    if (birth(a) != birth(b))
        return birth(a) < birth(b) ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* Opens a file unless its owner has had its share of this sweep's time. */
static bool open_due(struct found *found, struct found_file *file, struct self *self)
{
    struct quota_user *user = file->user;
    uint64_t start = clock_monotonic();
    bool late = user->spent >= QUOTA_SWEEP_NS;
    int dir = late ? -1 : open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool served = dir >= 0 && admit(found, file, dir, self);
    found->left |= late;
    if (dir >= 0)
        close(dir);
    user->spent += clock_monotonic() - start;
    file->user->unknown += file->due;
    return served;
}

static void sort_by_arrival(struct found *found)
{
    qsort(found->files, found->count, sizeof(struct found_file *), file_compare);
}

bool found_newcomer(struct found *found, const char *directory, const char *name, struct self *self)
{
    int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return false;
    found_look(found, directory, dir, name);
    close(dir);
    struct found_file *file = file_find(found, directory, name);
    if (!file || !file->due || !open_due(found, file, self))
        return false;
    sort_by_arrival(found);
    return true;
}

static bool open_all_due(struct found *found, struct self *self)
{
    uint32_t count = 0;
    bool served = false;
    for (uint32_t i = 0; i < found->count; i++)
        if (found->files[i]->due)
            found->due[count++] = found->files[i];
    if (count)
        qsort(found->due, count, sizeof(struct found_file *), file_compare);
    for (uint32_t i = 0; i < count; i++)
        served |= open_due(found, found->due[i], self);
    if (served)
        sort_by_arrival(found);
    return served;
}

bool found_sweep_end(struct found *found, struct self *self)
{
    bool changed = forget_unseen(found);
    changed |= open_all_due(found, self);
    found->copied = false;
    for (uint32_t i = 0; i < found->count; i++)
        found->copied |= found->files[i]->rejection == REJECTION_DUPLICATE;
    return changed;
}

/* What a user has no time left for in this sweep waits for the next. */
static bool refresh(struct found *found, struct found_file *file, bool thorough, struct self *self)
{
    struct quota_user *user = file->user;
    uint64_t start = thorough ? clock_monotonic() : 0;
    bool changed = admit_again(found, file, thorough && user->spent < QUOTA_SWEEP_NS, self);
    user->spent += thorough ? clock_monotonic() - start : 0;
    return changed;
}

bool found_refresh(struct found *found, bool thorough, struct self *self)
{
    bool changed = false;
    for (uint32_t i = 0; i < found->count; i++)
        if (found->files[i]->region)
            changed |= refresh(found, found->files[i], thorough, self);
    return changed;
}

static void count_folded(struct found *found)
{
    for (struct quota_user *user = found->quota.users; user; user = user->next)
        user->folded = 0;
    if (found->totals->folded_count < QUOTA_FOLDED)
        return; /* so nobody has as many */
    for (uint32_t i = 0; i < found->totals->folded_count; i++) {
        struct quota_user *user = quota_find(&found->quota, found->totals->folded[i].owner);
        if (user)
            user->folded++;
    }
}

/* Nonces that cannot be forgotten, as there may be files with them, do not grow without end, and
 * dropping one could count its region twice: the region is served on until some are. */
static bool may_be_folded(struct quota_user *user)
{
    bool waits = user->folded >= QUOTA_FOLDED;
    if (waits && !user->waits && log_may(&user->log, clock_monotonic()))
        log_event(LOG_LEVEL_WARNING, "regions of ended processes wait: their user has too many",
                  "owner=%u advice=%s", user->owner, "remove its old files from the directory");
    user->waits = waits;
    user->folded += !waits;
    return !waits;
}

typedef bool file_is(const struct found *found, const struct found_file *file);

static bool is_dead(const struct found *found, const struct found_file *file)
{
    (void)found;
    return file->region && !file->alive;
}

static bool has_new_name(const struct found *found, const struct found_file *file)
{
    return file->region && !totals_known(found->totals, file->region->process);
}

/* For as many as are so: most of the time for none, and then nothing is allocated. */
static struct region **room_for(const struct found *found, file_is *is)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < found->count; i++)
        count += is(found, found->files[i]);
    return count ? calloc(count, sizeof(struct region *)) : NULL;
}

struct region **found_dead(struct found *found, uint32_t *count)
{
    struct region **dead = room_for(found, is_dead);
    *count = 0;
    count_folded(found);
    for (uint32_t i = 0; dead && i < found->count; i++) {
        const struct found_file *file = found->files[i];
        if (is_dead(found, file) && may_be_folded(file->user))
            dead[(*count)++] = region_hold(file->region);
    }
    return dead;
}

struct region **found_new_names(const struct found *found, uint32_t *count)
{
    struct region **named = room_for(found, has_new_name);
    *count = 0;
    for (uint32_t i = 0; named && i < found->count; i++)
        if (has_new_name(found, found->files[i]))
            named[(*count)++] = found->files[i]->region;
    return named;
}

static void drop_folded(struct found *found, struct found_file *file)
{
    admit_no_more(found, file);
    file->folded = true;
    found_remove(found, file);
}

void found_folded(struct found *found, struct region *const *regions, uint32_t count)
{
    for (uint32_t i = 0; i < found->count; i++) {
        struct found_file *file = found->files[i];
        for (uint32_t j = 0; j < count; j++) {
            if (file->region != regions[j])
                continue;
            drop_folded(found, file);
            break;
        }
    }
}

void found_drop_known(struct found *found)
{
    for (uint32_t i = 0; i < found->count; i++) {
        struct found_file *file = found->files[i];
        if (!file->region)
            continue;
        const struct known *known = totals_known(found->totals, file->region->process);
        if (totals_has_folded(found->totals, &file->nonce)) {
            drop_folded(found, file);
        } else if (known && known->owner != file->region->reader->owner) {
            admit_no_more(found, file); /* the name is another's: it is given a new one */
            unidentify(found, file);
            file->due = true;
        }
    }
}

/* Once the one that is served is folded and gone, a duplicate could be served in its place. */
static bool has_duplicate(const struct found *found, const struct nonce *nonce)
{
    for (uint32_t i = 0; found->copied && i < found->count; i++)
        if (found->files[i]->rejection == REJECTION_DUPLICATE &&
            nonce_same(&found->files[i]->nonce, nonce))
            return true;
    return false;
}

bool found_may_have_more(const struct found *found, uid_t owner)
{
    const struct quota_user *user = quota_find(&found->quota, owner);
    return found->blind || (user && user->unknown);
}

bool found_may_have(const struct found *found, const struct nonce *nonce)
{
    return found_by_nonce(found, nonce) || has_duplicate(found, nonce) ||
           found_may_have_more(found, nonce->owner);
}

void found_count(const struct found *found, struct self *self)
{
    uint32_t alive = 0, dead = 0, quarantined = 0;
    uint64_t refused = 0;
    for (uint32_t i = 0; i < found->count; i++) {
        const struct found_file *file = found->files[i];
        if (file->folded)
            continue;
        if (!file->region)
            quarantined++;
        else if (file->alive)
            alive++;
        else
            dead++;
    }
    for (uint32_t i = 0; i < found->count; i++)
        refused += found->files[i]->region ? found->files[i]->region->reader->refused : 0;
    self_regions(self, alive, dead, quarantined, refused);
}

bool found_input(struct found *found, struct plan_input *input)
{
    struct region **regions = realloc(found->regions, (found->count + 1) * sizeof *regions);
    if (regions)
        found->regions = regions;
    bool *alive = realloc(found->alive, (found->count + 1) * sizeof *alive);
    if (alive)
        found->alive = alive;
    if (!regions || !alive)
        return false;
    *input = (struct plan_input){.regions = regions, .alive = alive};
    for (uint32_t i = 0; i < found->count; i++) {
        if (!found->files[i]->region)
            continue;
        regions[input->region_count] = found->files[i]->region;
        alive[input->region_count++] = found->files[i]->alive;
    }
    return true;
}
