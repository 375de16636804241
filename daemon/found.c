/* SPDX-License-Identifier: MIT */
#include "daemon/found.h"
#include "daemon/log.h"
#include "shmlib/guard.h"

#include <stdlib.h>
#include <string.h>

static void file_clear(struct found_file *file)
{
    if (file->region)
        region_release(file->region);
    free(file->name);
}

void found_free(struct found *found)
{
    for (uint32_t i = 0; i < found->count; i++)
        file_clear(&found->files[i]);
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

/* Opens the file if it can be served; true when it is from now on. */
static bool file_open(struct found_file *file, int dir, struct self *self)
{
    enum rejection rejection;
    struct reader *reader = reader_open(dir, file->name, &rejection);
    if (!reader) {
        quarantine(file, rejection, self);
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

static struct found_file *file_find(struct found *found, const char *directory, const char *name)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (found->files[i].directory == directory && strcmp(found->files[i].name, name) == 0)
            return &found->files[i];
    return NULL;
}

static struct found_file *file_add(struct found *found, const char *directory, const char *name)
{
    if (found->count == found->capacity) {
        uint32_t capacity = found->capacity ? 2 * found->capacity : 16;
        struct found_file *grown = realloc(found->files, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        found->files = grown;
        found->capacity = capacity;
    }
    struct found_file *file = &found->files[found->count];
    *file = (struct found_file){.directory = directory, .name = strdup(name)};
    if (!file->name)
        return NULL;
    found->count++;
    return file;
}

static uint64_t file_birth(const struct found_file *file)
{
    return file->region ? file->region->reader->header.born : 0;
}

static int file_compare(const void *left, const void *right)
{
    const struct found_file *a = left, *b = right;
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
    if (file->region || (known && !may_pass(file->rejection)) || !file_open(file, dir, self))
        return false;
    qsort(found->files, found->count, sizeof *found->files, file_compare);
    return true;
}

void found_sweep_start(struct found *found)
{
    for (uint32_t i = 0; i < found->count; i++)
        found->files[i].seen = false;
}

void found_spare(struct found *found, const char *directory)
{
    for (uint32_t i = 0; i < found->count; i++)
        found->files[i].seen |= found->files[i].directory == directory;
}

/* A region whose name is gone but whose process lives goes on being served. */
bool found_sweep_end(struct found *found)
{
    uint32_t kept = 0;
    bool changed = false;
    for (uint32_t i = 0; i < found->count; i++) {
        struct found_file *file = &found->files[i];
        if (!file->seen && !(file->region && reader_alive(file->region->reader))) {
            changed |= file->region != NULL;
            file_clear(file);
            continue;
        }
        found->files[kept++] = *file;
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
    if (peek.published != before || thorough) {
        enum rejection rejection = reader_refresh(reader);
        if (rejection) {
            quarantine(file, rejection, self);
            return true;
        }
    }
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
        if (found->files[i].region)
            changed |= file_refresh(&found->files[i], thorough, self);
    return changed;
}

void found_count(const struct found *found, struct self *self)
{
    uint32_t alive = 0, dead = 0, quarantined = 0;
    for (uint32_t i = 0; i < found->count; i++) {
        const struct found_file *file = &found->files[i];
        if (!file->region)
            quarantined++;
        else if (file->alive)
            alive++;
        else
            dead++;
    }
    self_regions(self, alive, dead, quarantined);
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
        if (!found->files[i].region)
            continue;
        regions[input->region_count] = found->files[i].region;
        alive[input->region_count++] = found->files[i].alive;
    }
    return true;
}
