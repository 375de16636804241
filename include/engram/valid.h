/* SPDX-License-Identifier: MIT */
/* What names, labels, texts and bounds are valid: the same for the writer and for its reader. */
#ifndef ENGRAM_VALID_H
#define ENGRAM_VALID_H

#include <engram/types.h>
#include <string.h>

static inline int engram_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline int engram_name_valid(struct engram_text name, int colons)
{
    if (name.length == 0 || name.length > ENGRAM_NAME_MAX)
        return 0;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        int digit = c >= '0' && c <= '9';
        if (!engram_is_letter(c) && !(digit && i) && !(colons && c == ':'))
            return 0;
    }
    return 1;
}

/* Length of the well-formed UTF-8 sequence at `at`, 0 if there is none (RFC 3629). */
static inline size_t engram_utf8_sequence(const uint8_t *at, size_t left)
{
    uint8_t c = at[0];
    size_t length = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && at[1] < 0xa0) || (c == 0xed && at[1] > 0x9f) || (c == 0xf0 && at[1] < 0x90) ||
        (c == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

static inline int engram_utf8_valid(const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t step = engram_utf8_sequence((const uint8_t *)text + i, length - i);
        if (step == 0 || text[i] == 0)
            return 0;
        i += step;
    }
    return 1;
}

static inline int engram_text_is(struct engram_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.at, word, text.length) == 0;
}

static inline int engram_label_valid(const struct engram_label *label, enum engram_kind kind)
{
    if (!engram_name_valid(label->name, 0) ||
        (label->name.length > 1 && label->name.at[0] == '_' && label->name.at[1] == '_'))
        return 0;
    if (engram_text_is(label->name, "process") ||
        (engram_text_is(label->name, "numa_node") && kind != ENGRAM_GAUGE) ||
        (engram_text_is(label->name, "le") && kind == ENGRAM_HISTOGRAM))
        return 0;
    return engram_utf8_valid(label->value.at, label->value.length);
}

static inline int engram_text_compare(struct engram_text a, struct engram_text b)
{
    int order = memcmp(a.at, b.at, a.length < b.length ? a.length : b.length);
    return order ? order : a.length < b.length ? -1 : a.length > b.length;
}

static inline int engram_per_octave_valid(int64_t per_octave)
{
    return per_octave > 0 && per_octave <= ENGRAM_PER_OCTAVE_MAX &&
           (per_octave & (per_octave - 1)) == 0;
}

static inline int engram_bounds_valid(const double *bounds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(bounds[i] > -1.7976931348623157e308 && bounds[i] < 1.7976931348623157e308) ||
            (i && bounds[i] <= bounds[i - 1]))
            return 0;
    return count <= ENGRAM_BOUNDS_MAX;
}

#endif
