/* SPDX-License-Identifier: MIT */
/* Attaching and registering: the calls of api.h that may take a while. */
#ifndef ENGRAM_REGISTER_H
#define ENGRAM_REGISTER_H

#include <engram/api.h>
#include <engram/catalogue.h>
#include <engram/directory.h>
#include <engram/leftover.h>
#include <engram/ticks.h>

static inline struct engram_region *engram_region_now(void)
{
    return __atomic_load_n(&engram_process_state.region, __ATOMIC_ACQUIRE);
}

/* Not detached, and not one that could not be given its name: see engram_bury(). */
static inline int engram_is_live(const struct engram_region *region)
{
    return __atomic_load_n(&region->magic, __ATOMIC_RELAXED) == ENGRAM_MAGIC;
}

static inline struct engram_slot engram_no_slot(void)
{
    struct engram_slot none = {NULL, NULL};
    return none;
}

/* Counts in the process's own series, by atomics: these are rare, and may come from anywhere. */
static inline void engram_count_own(enum engram_own what)
{
    struct engram_slot at = engram_process_state.own[what];
    struct engram_region *region = engram_region_of(at);
    if (region)
        __atomic_fetch_add(engram_node_slot(region, 0, engram_slot_offset(region, at)), 1,
                           __ATOMIC_RELAXED);
}

static inline struct engram_slot engram_slot_of(struct engram_region *region, uint32_t slot)
{
    struct engram_slot at;
    at.blocks = engram_block(region, slot >> ENGRAM_CHUNK_SHIFT, 0);
    at.slot = (char *)region + slot;
    return at;
}

/* Registers a series in a region; the descriptor's offset in the arena, or 0 with a reason. */
static inline uint32_t engram_register_in(struct engram_region *region, enum engram_kind kind,
                                          const struct engram_spec *spec)
{
    struct engram_draft draft;
    if (engram_draft_write(&draft, kind, spec))
        return 0;
    draft.as.descriptor.hash = engram_hash(&draft.as.descriptor);
    uint32_t offset = engram_publish(region, &draft.as.descriptor);
    if (!offset)
        return (void)engram_refuse("no room for another series: the region's directory, its "
                                   "budget, /dev/shm or the memory cgroup is full"),
               0u;
    if (engram_descriptor_at(region, offset)->kind == kind)
        return offset;
    return (void)engram_refuse("the series is registered as another kind"), 0u;
}

/* The header's own series, so that its refusals and its contention are seen like any others. */
static inline void engram_register_own(struct engram_region *region)
{
    static const struct {
        enum engram_family family;
        const char *values[2];
    } own[ENGRAM_OWN_COUNT] = {
        {ENGRAM_LOCK_FREE_CONTENTIONS, {"metrics_registry", "counter_increment"}},
        {ENGRAM_LOCK_FREE_CONTENTIONS, {"metrics_registry", "histogram_record"}},
        {ENGRAM_LOCK_FREE_CONTENTIONS, {"metrics_registry", "event_emit"}},
        {ENGRAM_WRITER_REFUSED, {"event", NULL}},
        {ENGRAM_WRITER_REFUSED, {"memory", NULL}},
        {ENGRAM_WRITER_REFUSED, {"series", NULL}},
    };
    for (int i = 0; i < ENGRAM_OWN_COUNT; i++) {
        struct engram_label room[ENGRAM_LABELS_MAX];
        struct engram_spec spec = engram_family_spec(own[i].family, own[i].values, room);
        spec.shared = 1;
        uint32_t offset = engram_register_in(region, ENGRAM_COUNTER, &spec);
        if (offset)
            engram_process_state.own[i] =
                engram_slot_of(region, engram_descriptor_at(region, offset)->slot);
    }
}

/*
 * Ends a region for good: late writers go on in private memory of the same
 * layout, where nobody reads, and the lock goes with the last page of the file.
 * The header is replaced last, by one that says so: with another one before,
 * somebody who registers now could publish what the file's header denies.
 */
static inline void engram_bury(struct engram_region *region)
{
    engram_switch(region, 0);
    engram_libc_mmap(
        (char *)region + ENGRAM_PAGE, region->size - ENGRAM_PAGE, ENGRAM_PROT_READ_WRITE,
        ENGRAM_MAP_PRIVATE | ENGRAM_MAP_ANONYMOUS | ENGRAM_MAP_FIXED | ENGRAM_MAP_NORESERVE, -1, 0);
    struct engram_region *grave =
        (struct engram_region *)engram_libc_mmap(NULL, ENGRAM_PAGE, ENGRAM_PROT_READ_WRITE,
                                                 ENGRAM_MAP_PRIVATE | ENGRAM_MAP_ANONYMOUS, -1, 0);
    if (grave == (void *)(intptr_t)-1)
        return;
    memcpy(grave, region, sizeof *grave);
    grave->magic = 0;
    engram_libc_mremap(grave, ENGRAM_PAGE, ENGRAM_PAGE, ENGRAM_MREMAP_MAYMOVE | ENGRAM_MREMAP_FIXED,
                       region);
}

/* Installs a region made in `fd` unless another thread was first; it gets its name only then. */
static inline int engram_install(int fd, const char *directory, const char *prefix,
                                 struct engram_region *region)
{
    struct engram_region *none = NULL;
    /* Before anyone sees it: from then on what is recorded must not be lost. */
    engram_switch(region, !engram_switched_off(directory));
    if (!__atomic_compare_exchange_n(&engram_process_state.region, &none, region, 0,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        engram_libc_munmap(region, region->size);
        return 0;
    }
    engram_register_own(region);
    if (engram_link(fd, directory, prefix, region)) {
        engram_bury(region);
        return -1;
    }
    engram_remove_leftovers(directory, prefix);
    return 0;
}

static inline int engram_attach_new(const char *process)
{
    struct engram_region plan;
    const char *prefix;
    const char *off = engram_libc_getenv("ENGRAM_METRICS");
    if (off && strcmp(off, "off") == 0)
        return engram_refuse("switched off: ENGRAM_METRICS=off is in the environment");
    const char *directory = engram_directory(&prefix);
    int fd = engram_open_anonymous(directory);
    if (fd < 0)
        return -1;
    engram_plan(&plan, process);
    struct engram_region *region = engram_region_make(fd, &plan);
    int result = region ? engram_install(fd, directory, prefix, region) : -1;
    engram_libc_close(fd);
    return result;
}

/* The name to attach by: the one given, else that of a try before, else the program's.  NULL when
 * it is invalid, which is kept, too: nobody wants another name in its place. */
static inline const char *engram_process_name(const char *process)
{
    char *name = engram_process_state.name;
    if (process && !engram_process_valid(process)) {
        name[0] = '/';
        name[1] = 0;
    } else if (process) {
        memcpy(name, process, strlen(process) + 1);
    } else if (!name[0]) {
        engram_default_process(name);
    }
    return engram_process_valid(name) ? name : NULL;
}

ENGRAM_FUNCTION int engram_attach(const char *process)
{
    struct engram_region *region = engram_region_now();
    if (region && !engram_is_live(region))
        return -1; /* for the reason that stands */
    if (region)
        return !process || strcmp(process, region->process) == 0
                   ? 0
                   : engram_refuse("the process is attached already, by another name");
    process = engram_process_name(process);
    if (!process)
        return engram_refuse("a process name is 1 to 63 of A-Z a-z 0-9 . _ : @ + -");
    int saved = *engram_libc_errno();
    int result = engram_attach_new(process);
    if (result == 0)
        engram_ticks_start();
    *engram_libc_errno() = saved;
    return result;
}

ENGRAM_FUNCTION void engram_detach(void)
{
    struct engram_region *region = engram_region_now();
    if (!region || !engram_is_live(region))
        return;
    engram_refuse("detached");
    engram_bury(region);
}

ENGRAM_FUNCTION const char *engram_reason(void)
{
    const char *reason = __atomic_load_n(&engram_process_state.reason, __ATOMIC_ACQUIRE);
    return reason ? reason : "";
}

/* The slot of a series of this process, which is attached if it was not. */
static inline struct engram_slot engram_register(enum engram_kind kind,
                                                 const struct engram_spec *spec,
                                                 const struct engram_descriptor **found)
{
    struct engram_region *region = engram_region_now();
    *found = NULL;
    if (!region) {
        if (engram_attach(NULL))
            return engram_no_slot();
        region = engram_region_now();
    }
    if (!engram_is_live(region))
        return engram_no_slot();
    uint32_t offset = engram_register_in(region, kind, spec);
    if (!offset) {
        engram_count_own(ENGRAM_OWN_SERIES_REFUSED);
        return engram_no_slot();
    }
    *found = engram_descriptor_at(region, offset);
    return engram_slot_of(region, (*found)->slot);
}

static inline struct engram_single engram_register_single(enum engram_kind kind,
                                                          const struct engram_spec *spec)
{
    const struct engram_descriptor *found;
    struct engram_slot slot = engram_register(kind, spec, &found);
    struct engram_single at = {engram_region_of(slot), NULL};
    if (at.region)
        at.slot = engram_node_slot(at.region, 0, found->slot);
    return at;
}

ENGRAM_FUNCTION engram_counter engram_counter_register(const struct engram_spec *spec)
{
    const struct engram_descriptor *found;
    engram_counter counter = {engram_register(ENGRAM_COUNTER, spec, &found)};
    return counter;
}

ENGRAM_FUNCTION engram_counter_total engram_counter_total_register(const struct engram_spec *spec)
{
    engram_counter_total counter = {engram_register_single(ENGRAM_COUNTER_SET, spec)};
    return counter;
}

ENGRAM_FUNCTION engram_gauge engram_gauge_register(const struct engram_spec *spec)
{
    engram_gauge gauge = {engram_register_single(ENGRAM_GAUGE, spec)};
    return gauge;
}

ENGRAM_FUNCTION engram_updown engram_updown_register(const struct engram_spec *spec)
{
    const struct engram_descriptor *found;
    engram_updown updown = {engram_register(ENGRAM_UPDOWN, spec, &found)};
    return updown;
}

/* Of what is not usual, in one number, so that the usual has no more to load: the first index and
 * how many buckets there are an octave, below 64; 0: explicit ones. */
static inline int32_t engram_first_of(const struct engram_descriptor *histogram)
{
    return histogram->first * 64 + (int32_t)histogram->per_octave;
}

/* The handle of a series by its descriptor; none if a detaching thread has put zeros there. */
static inline engram_histogram engram_histogram_found(struct engram_slot at,
                                                      const struct engram_descriptor *found)
{
    engram_histogram none = {engram_no_slot(), NULL, 0, 0}, histogram = {at, NULL, 0, 0};
    int usual = found->per_octave == ENGRAM_PER_OCTAVE;
    histogram.bounds = usual ? NULL : engram_descriptor_bounds(found);
    histogram.first = usual ? found->first : engram_first_of(found);
    /* Last: if any of the above were zeros, so is this. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    histogram.cells = __atomic_load_n(&found->cells, __ATOMIC_RELAXED);
    return histogram.cells ? histogram : none;
}

ENGRAM_FUNCTION engram_histogram engram_histogram_register(const struct engram_spec *spec)
{
    const struct engram_descriptor *found;
    struct engram_slot at = engram_register(ENGRAM_HISTOGRAM, spec, &found);
    engram_histogram none = {engram_no_slot(), NULL, 0, 0};
    return found ? engram_histogram_found(at, found) : none;
}

ENGRAM_FUNCTION engram_event engram_event_register(const struct engram_spec *spec)
{
    const struct engram_descriptor *found;
    engram_event event = {engram_register(ENGRAM_EVENT, spec, &found), 0};
    const struct engram_region *region = engram_region_of(event.at);
    if (region)
        event.kind = (uint32_t)((const char *)found - (const char *)region -
                                (ptrdiff_t)region->arena_offset);
    return event;
}

/* A specification from C strings; `labels` has room for ENGRAM_LABELS_MAX + 1. */
static inline struct engram_spec engram_spec_new(const char *name, const char *help,
                                                 const char *const *pairs,
                                                 struct engram_label *labels)
{
    struct engram_spec spec;
    memset(&spec, 0, sizeof spec);
    spec.name = engram_string(name);
    spec.help = engram_string(help);
    spec.labels = labels;
    for (; pairs && pairs[0] && spec.label_count <= ENGRAM_LABELS_MAX; pairs += 2) {
        /* A name without a value is a mistake: it becomes a label without a name, which is refused.
         */
        struct engram_label label = {engram_string(pairs[1] ? pairs[0] : ""),
                                     engram_string(pairs[1])};
        labels[spec.label_count++] = label;
        if (!pairs[1])
            break;
    }
    return spec;
}

ENGRAM_FUNCTION engram_counter engram_counter_new(const char *name, const char *help,
                                                  const char *const *labels)
{
    struct engram_label room[ENGRAM_LABELS_MAX + 1];
    struct engram_spec spec = engram_spec_new(name, help, labels, room);
    return engram_counter_register(&spec);
}

ENGRAM_FUNCTION engram_gauge engram_gauge_new(const char *name, const char *help,
                                              const char *const *labels)
{
    struct engram_label room[ENGRAM_LABELS_MAX + 1];
    struct engram_spec spec = engram_spec_new(name, help, labels, room);
    return engram_gauge_register(&spec);
}

ENGRAM_FUNCTION engram_histogram engram_histogram_new(const char *name, const char *help,
                                                      const char *const *labels)
{
    struct engram_label room[ENGRAM_LABELS_MAX + 1];
    struct engram_spec spec = engram_spec_new(name, help, labels, room);
    return engram_histogram_register(&spec);
}

#endif
