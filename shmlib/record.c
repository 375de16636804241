/* SPDX-License-Identifier: MIT */
#include "shmlib/record.h"
#include "shmlib/reader.h"

#include <engram/bucket.h>
#include <engram/valid.h>
#include <string.h>

const double *record_bounds(const struct record *record)
{
    return (const double *)(const void *)(record->descriptor + 1);
}

const char *record_name(const struct record *record)
{
    const struct engram_descriptor *d = record->descriptor;
    return (const char *)(d + 1) + sizeof(double) * ((size_t)d->bounds + d->shown);
}

const char *record_help(const struct record *record)
{
    return record_name(record) + record->descriptor->name_length;
}

const char *record_unit(const struct record *record)
{
    return record_help(record) + record->descriptor->help_length;
}

bool record_label(const struct record *record, size_t *at, struct label_view *label)
{
    const struct engram_descriptor *d = record->descriptor;
    const char *labels = record_unit(record) + d->unit_length;
    if (*at >= d->labels_length)
        return false;
    memcpy(&label->name_length, labels + *at, sizeof(uint16_t));
    memcpy(&label->value_length, labels + *at + sizeof(uint16_t), sizeof(uint16_t));
    label->name = labels + *at + 2 * sizeof(uint16_t);
    label->value = label->name + label->name_length;
    *at += 2 * sizeof(uint16_t) + label->name_length + label->value_length;
    return true;
}

bool process_name_valid(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= ' ' || c >= 0x7f || c == '/' || c == '"' || c == '\\')
            return false;
    }
    return length > 0 && length <= ENGRAM_PROCESS_MAX;
}

static bool sizes_valid(const struct engram_descriptor *d, size_t length)
{
    if (length < sizeof *d || d->size < sizeof *d || d->size > length || d->size % 8)
        return false;
    size_t need = sizeof *d + sizeof(double) * ((size_t)d->bounds + d->shown) + d->name_length +
                  d->help_length + d->unit_length + d->labels_length;
    return need <= d->size && d->labels <= ENGRAM_LABELS_MAX && d->bounds <= ENGRAM_BOUNDS_MAX &&
           d->shown <= ENGRAM_BOUNDS_MAX;
}

static bool label_text_valid(const struct label_view *view, enum engram_kind kind)
{
    struct engram_label label = {{view->name, view->name_length},
                                 {view->value, view->value_length}};
    return label.value.length > 0 && engram_label_valid(&label, kind);
}

/* Every label inside its bytes, valid, and in ascending order, so none is there twice. */
static bool labels_valid(const struct engram_descriptor *d)
{
    struct record record = {0, d};
    struct label_view label, last = {"", "", 0, 0};
    size_t count = 0;
    for (size_t at = 0; at < d->labels_length; count++) {
        size_t left = d->labels_length - at;
        uint16_t lengths[2];
        if (left < sizeof lengths)
            return false;
        memcpy(lengths, record_unit(&record) + d->unit_length + at, sizeof lengths);
        if ((size_t)lengths[0] + lengths[1] > left - sizeof lengths)
            return false;
        record_label(&record, &at, &label);
        struct engram_text before = {last.name, last.name_length};
        struct engram_text name = {label.name, label.name_length};
        if (!label_text_valid(&label, (enum engram_kind)d->kind) ||
            engram_text_compare(before, name) >= 0)
            return false;
        last = label;
    }
    return count == d->labels;
}

static bool texts_valid(const struct engram_descriptor *d)
{
    struct record record = {0, d};
    struct engram_text name = {record_name(&record), d->name_length};
    struct engram_text unit = {record_unit(&record), d->unit_length};
    return engram_name_valid(name, 1) && d->help_length <= ENGRAM_HELP_MAX &&
           d->unit_length <= ENGRAM_UNIT_MAX &&
           engram_utf8_valid(record_help(&record), d->help_length) &&
           (d->unit_length == 0 || engram_name_valid(unit, 0)) && labels_valid(d);
}

static bool exponential_valid(const struct engram_descriptor *d)
{
    if (!engram_per_octave_valid(d->per_octave))
        return false;
    int n = (int)d->per_octave;
    return d->first >= ENGRAM_FIRST_INDEX(n) && d->first <= ENGRAM_LAST_INDEX(n);
}

static bool histogram_valid(const struct engram_descriptor *d)
{
    struct record record = {0, d};
    if (d->kind != ENGRAM_HISTOGRAM)
        return d->bounds == 0 && d->shown == 0 && d->cells == 1 && d->per_octave == 0;
    if (d->cells < 3 || d->cells > ENGRAM_CELLS_MAX ||
        (d->bounds ? d->cells != d->bounds + 2u || d->shown || d->per_octave
                   : !exponential_valid(d)))
        return false;
    const double *bounds = record_bounds(&record);
    return engram_bounds_valid(bounds, d->bounds) &&
           engram_bounds_valid(bounds + d->bounds, d->shown);
}

static bool placement_valid(const struct engram_descriptor *d)
{
    bool single = d->kind == ENGRAM_GAUGE || d->kind == ENGRAM_COUNTER_SET;
    return single == (d->placement == ENGRAM_SINGLE) && d->placement >= ENGRAM_SINGLE &&
           d->placement <= ENGRAM_PER_CPU;
}

bool descriptor_valid(const struct engram_descriptor *d, size_t length)
{
    return sizes_valid(d, length) && d->kind >= ENGRAM_COUNTER && d->kind <= ENGRAM_EVENT &&
           d->merge <= ENGRAM_MAX && placement_valid(d) && histogram_valid(d) && texts_valid(d);
}

bool descriptor_placed(const struct engram_descriptor *d, const struct engram_region *h)
{
    uint32_t chunk = d->slot >> ENGRAM_CHUNK_SHIFT;
    uint32_t at = d->slot & (ENGRAM_CHUNK_SIZE - 1);
    uint32_t size = d->kind == ENGRAM_HISTOGRAM ? d->cells * (uint32_t)sizeof(struct engram_cell)
                    : d->kind == ENGRAM_EVENT   ? (uint32_t)sizeof(struct engram_ring)
                                                : (uint32_t)sizeof(uint64_t);
    return chunk < h->chunks && at % (size > sizeof(struct engram_cell) ? 64 : 8) == 0 &&
           size <= ENGRAM_CHUNK_SIZE - at && h->placement[chunk] == d->placement;
}

bool descriptor_same_unit(const struct engram_descriptor *a, const struct engram_descriptor *b)
{
    struct record left = {0, a}, right = {0, b};
    struct engram_text one = {record_unit(&left), a->unit_length};
    struct engram_text other = {record_unit(&right), b->unit_length};
    return one.length == 0 || other.length == 0 || engram_text_compare(one, other) == 0;
}

bool descriptor_same_shape(const struct engram_descriptor *a, const struct engram_descriptor *b)
{
    return a->kind == b->kind && a->flags == b->flags && a->cells == b->cells &&
           a->first == b->first && a->bounds == b->bounds && a->per_octave == b->per_octave &&
           descriptor_same_unit(a, b) && memcmp(a + 1, b + 1, a->bounds * sizeof(double)) == 0;
}

static struct engram_text labels_of(const struct engram_descriptor *d)
{
    struct record record = {0, d};
    return (struct engram_text){record_unit(&record) + d->unit_length, d->labels_length};
}

int descriptor_compare(const struct engram_descriptor *a, const struct engram_descriptor *b)
{
    struct record left = {0, a}, right = {0, b};
    int order = engram_text_compare((struct engram_text){record_name(&left), a->name_length},
                                    (struct engram_text){record_name(&right), b->name_length});
    return order ? order : engram_text_compare(labels_of(a), labels_of(b));
}
