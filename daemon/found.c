/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/found.h"
#include "daemon/log.h"
#include "shmlib/guard.h"

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

static void file_free(struct found *found, struct found_file *file)
{
    tdelete(file, &found->by_name, name_compare);
    if (file->region)
        region_release(file->region);
    free(file->name);
    free(file);
}

void found_free(struct found *found)
{
    for (uint32_t i = 0; i < found->count; i++)
        file_free(found, found->files[i]);
    free(found->files);
    free(found->regions);
    free(found->alive);
}

static void quarantine(struct found_file *file, enum rejection rejection, struct self *self)
{
    if (file->rejection == rejection)
        return;
    file->rejection = rejection;
    self_rejected(self, rejection);
    log_event(LOG_LEVEL_WARNING, "region is not served", "directory=%s file=%s reason=%s advice=%s",
              file->directory, file->name, rejection_name(rejection), rejection_advice(rejection));
    if (file->region)
        region_release(file->region);
    file->region = NULL;
}

static const struct found_file *find_nonce(const struct found *found, const struct nonce *nonce)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (found->files[i]->inode && nonce_same(&found->files[i]->nonce, nonce))
            return found->files[i];
    return NULL;
}

/* Removes the file of a folded region, if it is still that one; a look removes nothing. */
static void file_remove(const struct found *found, struct found_file *file)
{
    struct stat status;
    if (!found->keep)
        return;
    int dir = open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool same = dir >= 0 && fstatat(dir, file->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                status.st_ino == file->inode;
    if (same && unlinkat(dir, file->name, 0) && !file->stuck) {
        file->stuck = true;
        log_event(LOG_LEVEL_WARNING, "a region that is part of the totals cannot be removed",
                  "directory=%s file=%s error=%s advice=%s", file->directory, file->name,
                  strerror(errno), "its owner or root can; until then it takes memory");
    }
    if (dir >= 0)
        close(dir);
}

/* Why a region that is well formed is not served by itself. */
static bool is_known(struct found *found, struct found_file *file, const struct reader *reader,
                     struct self *self)
{
    struct nonce nonce = nonce_of(reader);
    const struct found_file *other = find_nonce(found, &nonce);
    if (other && other != file) {
        quarantine(file, REJECTION_DUPLICATE, self);
        return true;
    }
    file->nonce = nonce;
    file->inode = reader->inode;
    file->folded = totals_has_folded(found->totals, &nonce);
    if (file->folded)
        file_remove(found, file);
    return file->folded;
}

/* Opens the file if it can be served; true when it is from now on. */
static bool file_open(struct found *found, struct found_file *file, int dir, struct self *self)
{
    enum rejection rejection;
    struct reader *reader = reader_open_limited(dir, file->name, found->series_limit, &rejection);
    if (!reader) {
        quarantine(file, rejection, self);
        return false;
    }
    if (is_known(found, file, reader, self)) {
        reader_close(reader);
        return false;
    }
    file->region = region_new(reader);
    if (!file->region) {
        reader_close(reader);
        quarantine(file, REJECTION_MEMORY, self);
        return false;
    }
    file->rejection = REJECTION_NONE;
    file->alive = reader_alive(reader);
    log_event(LOG_LEVEL_INFO, "region is served",
              "process=%s pid=%u alive=%d series=%u directory=%s file=%s", reader->header.process,
              reader->header.pid, file->alive, reader->count, file->directory, file->name);
    return true;
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
    if (!grown)
        return false;
    found->files = grown;
    found->capacity = capacity;
    return true;
}

static struct found_file *file_add(struct found *found, const char *directory, const char *name)
{
    struct found_file *file = make_room(found) ? calloc(1, sizeof *file) : NULL;
    if (!file)
        return NULL;
    file->directory = directory;
    file->name = strdup(name);
    if (!file->name || !tsearch(file, &found->by_name, name_compare)) {
        free(file->name);
        free(file);
        return NULL;
    }
    found->files[found->count++] = file;
    return file;
}

static uint64_t file_birth(const struct found_file *file)
{
    return file->region ? file->region->reader->header.born : 0;
}

static int file_compare(const void *left, const void *right)
{
    const struct found_file *a = *(struct found_file *const *)left;
    const struct found_file *b = *(struct found_file *const *)right;
    uint64_t x = file_birth(a), y = file_birth(b);
    return x != y ? (x > y) - (x < y) : strcmp(a->name, b->name);
}

/* Whether a rejection may pass by itself: the others are final for a file of that name. */
static bool may_pass(enum rejection rejection)
{
    return rejection == REJECTION_OPEN || rejection == REJECTION_OWNER ||
           rejection == REJECTION_MEMORY || rejection == REJECTION_SHORT;
}

bool found_look(struct found *found, const char *directory, int dir, const char *name,
                struct self *self)
{
    struct found_file *file = file_find(found, directory, name);
    bool known = file != NULL;
    if (!file && !(file = file_add(found, directory, name)))
        return false;
    file->seen = true;
    if (file->folded)
        file_remove(found, file);
    if (file->region || file->folded || (known && !may_pass(file->rejection)) ||
        !file_open(found, file, dir, self))
        return false;
    qsort(found->files, found->count, sizeof(struct found_file *), file_compare);
    return true;
}

void found_sweep_start(struct found *found)
{
    for (uint32_t i = 0; i < found->count; i++)
        found->files[i]->seen = false;
}

void found_spare(struct found *found, const char *directory)
{
    for (uint32_t i = 0; i < found->count; i++)
        found->files[i]->seen |= found->files[i]->directory == directory;
}

/* A region whose name is gone but whose process lives, or whose totals are still to be taken over,
 * goes on being served. */
static bool is_kept(const struct found *found, const struct found_file *file)
{
    return file->seen || (file->region && (found->keep || reader_alive(file->region->reader)));
}

bool found_sweep_end(struct found *found)
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

struct peek {
    const struct reader *reader;
    uint32_t published;
};

static void read_published(void *argument)
{
    struct peek *peek = argument;
    const struct engram_region *live = (const void *)peek->reader->map;
    peek->published = __atomic_load_n(&live->published, __ATOMIC_ACQUIRE);
}

static void tell_crowded(struct found_file *file)
{
    const struct reader *reader = file->region->reader;
    if (!reader->refused || file->crowded)
        return;
    file->crowded = true;
    log_event(
        LOG_LEVEL_WARNING, "a process has more series than are allowed; the rest is not served",
        "process=%s limit=%u directory=%s file=%s advice=%s", reader->header.process, reader->limit,
        file->directory, file->name, "use fewer label values, or raise --series-limit");
}

static bool file_refresh(struct found_file *file, bool thorough, struct self *self)
{
    struct reader *reader = file->region->reader;
    struct peek peek = {reader, 0};
    uint32_t before = reader->count;
    if (!guard_run(read_published, &peek) || atomic_load(&file->region->truncated)) {
        quarantine(file, REJECTION_TRUNCATED, self);
        return true;
    }
    bool alive = thorough ? reader_alive(reader) : file->alive;
    if (peek.published != before + reader->refused || thorough) {
        enum rejection rejection = reader_refresh(reader);
        if (rejection) {
            quarantine(file, rejection, self);
            return true;
        }
    }
    tell_crowded(file);
    if (alive == file->alive)
        return reader->count != before;
    file->alive = alive;
    log_event(LOG_LEVEL_INFO, "process ended; its totals stay", "process=%s pid=%u",
              reader->header.process, reader->header.pid);
    return true;
}

bool found_refresh(struct found *found, bool thorough, struct self *self)
{
    bool changed = false;
    for (uint32_t i = 0; i < found->count; i++)
        if (found->files[i]->region)
            changed |= file_refresh(found->files[i], thorough, self);
    return changed;
}

struct region **found_dead(const struct found *found, uint32_t *count)
{
    struct region **dead = calloc(found->count + 1, sizeof *dead);
    *count = 0;
    for (uint32_t i = 0; dead && i < found->count; i++)
        if (found->files[i]->region && !found->files[i]->alive)
            dead[(*count)++] = region_hold(found->files[i]->region);
    return dead;
}

void found_folded(struct found *found, struct region *const *regions, uint32_t count)
{
    for (uint32_t i = 0; i < found->count; i++) {
        struct found_file *file = found->files[i];
        for (uint32_t j = 0; j < count; j++) {
            if (file->region != regions[j])
                continue;
            region_release(file->region);
            file->region = NULL;
            file->folded = true;
            file_remove(found, file);
            break;
        }
    }
}

bool found_has_nonce(const struct found *found, const struct nonce *nonce)
{
    return find_nonce(found, nonce) != NULL;
}

bool found_has_process(const struct found *found, const char *process)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (found->files[i]->region &&
            strcmp(found->files[i]->region->reader->header.process, process) == 0)
            return true;
    return false;
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
