/* SPDX-License-Identifier: MIT */
/*
 * From a caller's specification to a descriptor in a buffer: everything checked,
 * labels sorted, so that one series has one spelling.
 */
#ifndef ENGRAM_DRAFT_H
#define ENGRAM_DRAFT_H

#include <engram/bucket.h>
#include <engram/process.h>
#include <engram/valid.h>

/* A descriptor being written; `full` once something did not fit. */
struct engram_draft {
    union {
        struct engram_descriptor descriptor;
        char bytes[ENGRAM_DESCRIPTOR_MAX];
    } as;
    size_t used;
    int full;
};

static inline void engram_draft_append(struct engram_draft *draft, const void *from, size_t size)
{
    if (draft->full || size > sizeof draft->as.bytes - draft->used) {
        draft->full = 1;
        return;
    }
    if (size)
        memcpy(draft->as.bytes + draft->used, from, size);
    draft->used += size;
}

/* Appends the labels sorted by name, without empty values, which mean absent; 0 if one is bad. */
static inline int engram_draft_labels(struct engram_draft *draft, const struct engram_spec *spec)
{
    struct engram_label sorted[ENGRAM_LABELS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < spec->label_count; i++) {
        const struct engram_label *label = &spec->labels[i];
        size_t at = count;
        if (!engram_label_valid(label, (enum engram_kind)draft->as.descriptor.kind))
            return 0;
        for (; at > 0 && engram_text_compare(sorted[at - 1].name, label->name) >= 0; at--) {
            if (engram_text_compare(sorted[at - 1].name, label->name) == 0)
                return 0;
        }
        if (label->value.length == 0)
            continue;
        if (count == ENGRAM_LABELS_MAX)
            return 0;
        memmove(sorted + at + 1, sorted + at, (count - at) * sizeof sorted[0]);
        sorted[at] = *label;
        count++;
    }
    size_t start = draft->used;
    for (size_t i = 0; i < count; i++) {
        uint16_t lengths[2] = {(uint16_t)sorted[i].name.length, (uint16_t)sorted[i].value.length};
        draft->full |= sorted[i].value.length > UINT16_MAX;
        engram_draft_append(draft, lengths, sizeof lengths);
        engram_draft_append(draft, sorted[i].name.at, sorted[i].name.length);
        engram_draft_append(draft, sorted[i].value.at, sorted[i].value.length);
    }
    draft->as.descriptor.labels = (uint16_t)count;
    draft->as.descriptor.labels_length = (uint16_t)(draft->used - start);
    return 1;
}

/* Writes which exponential buckets a histogram has; returns 0, or -1 with a reason. */
static inline int engram_draft_exponential(struct engram_descriptor *to,
                                           const struct engram_spec *spec)
{
    int n = spec->per_octave ? spec->per_octave : ENGRAM_PER_OCTAVE;
    if (!engram_per_octave_valid(n))
        return engram_refuse("a histogram has 1, 2, 4, 8, 16 or 32 buckets an octave");
    int first = engram_exponential_index(spec->least > 0 ? spec->least : 9.3132257461547852e-10, n);
    int last = engram_exponential_index(spec->most > 0 ? spec->most : 17179869184.0, n);
    if (first < ENGRAM_FIRST_INDEX(n))
        first = ENGRAM_FIRST_INDEX(n);
    if (last > ENGRAM_LAST_INDEX(n))
        last = ENGRAM_LAST_INDEX(n);
    if (spec->least < 0 || last <= first)
        return engram_refuse("a histogram's range must be positive and wider than a bucket");
    if ((size_t)(last - first) > ENGRAM_CELLS_MAX - 3)
        return engram_refuse("a histogram's range takes more than 4093 buckets");
    to->first = (int16_t)first;
    to->cells = (uint32_t)(last - first) + 3; /* below or at the least, between, above, NaN */
    to->per_octave = (uint32_t)n;
    return 0;
}

/* Writes what a histogram's cells are and which bounds it shows; returns 0, or -1 with a reason. */
static inline int engram_draft_histogram(struct engram_draft *draft, const struct engram_spec *spec)
{
    struct engram_descriptor *to = &draft->as.descriptor;
    if (!engram_bounds_valid(spec->bounds, spec->bound_count) ||
        !engram_bounds_valid(spec->shown, spec->shown_count))
        return engram_refuse("histogram bounds must be finite, ascending and at most 128");
    to->bounds = (uint16_t)spec->bound_count;
    to->shown = (uint16_t)(spec->bound_count ? 0 : spec->shown_count);
    to->cells = to->bounds + 2u;
    if (!to->bounds && engram_draft_exponential(to, spec))
        return -1;
    engram_draft_append(draft, spec->bounds, to->bounds * sizeof(double));
    engram_draft_append(draft, spec->shown, to->shown * sizeof(double));
    return 0;
}

static inline enum engram_placement engram_placement_of(enum engram_kind kind, int shared)
{
    if (kind == ENGRAM_GAUGE || kind == ENGRAM_COUNTER_SET)
        return ENGRAM_SINGLE;
    return shared && kind != ENGRAM_EVENT ? ENGRAM_SHARED : ENGRAM_PER_CPU;
}

/* Writes the whole descriptor but for hash and slot; returns 0, or -1 with a reason. */
static inline int engram_draft_write(struct engram_draft *draft, enum engram_kind kind,
                                     const struct engram_spec *spec)
{
    struct engram_descriptor *to = &draft->as.descriptor;
    const enum engram_placement placement = engram_placement_of(kind, spec->shared);
    memset(to, 0, sizeof *to);
    draft->used = sizeof *to;
    draft->full = 0;
    to->kind = (uint8_t)kind;
    to->placement = (uint8_t)placement;
    to->merge = (uint8_t)spec->merge;
    to->flags = kind == ENGRAM_COUNTER_SET && spec->absolute ? ENGRAM_ABSOLUTE : 0;
    to->cells = 1;
    if (!engram_name_valid(spec->name, 1))
        return engram_refuse("a metric name is no Prometheus name of at most 255 bytes");
    if (spec->help.length > ENGRAM_HELP_MAX || spec->unit.length > ENGRAM_UNIT_MAX ||
        !engram_utf8_valid(spec->help.at, spec->help.length) ||
        (spec->unit.length && !engram_name_valid(spec->unit, 0)))
        return engram_refuse("a help text or unit is too long or not UTF-8");
    if (kind == ENGRAM_HISTOGRAM && engram_draft_histogram(draft, spec))
        return -1;
    to->name_length = (uint16_t)spec->name.length;
    to->help_length = (uint16_t)spec->help.length;
    to->unit_length = (uint16_t)spec->unit.length;
    engram_draft_append(draft, spec->name.at, spec->name.length);
    engram_draft_append(draft, spec->help.at, spec->help.length);
    engram_draft_append(draft, spec->unit.at, spec->unit.length);
    if (!engram_draft_labels(draft, spec))
        return engram_refuse("a label is reserved, double, no valid name or not UTF-8, "
                             "or there are more than 16");
    engram_draft_append(draft, "\0\0\0\0\0\0\0", (8 - draft->used % 8) % 8);
    if (draft->full)
        return engram_refuse("a series' name, help and labels take more than 4 KiB");
    to->size = (uint32_t)draft->used;
    return 0;
}

#endif
