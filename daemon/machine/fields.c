/* SPDX-License-Identifier: MIT */
#include "daemon/machine/fields.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

static bool ends_word(char c)
{
    return c == 0 || c == ' ' || c == '\t' || c == '\n';
}

/* Behind a number's digits, or NULL when it has none or is beyond 64 bits. */
static const char *read_number(const char *at, uint64_t *value)
{
    const char *start = at;
    *value = 0;
    for (; is_digit(*at); at++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*at - '0'), value))
            return NULL;
    return at == start ? NULL : at;
}

const char *fields_line(const char **at)
{
    const char *line = *at;
    if (*line == 0)
        return NULL;
    const char *end = strchr(line, '\n');
    *at = end ? end + 1 : line + strlen(line);
    return line;
}

const char *fields_behind(const char *line, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(line, prefix, length) == 0 ? line + length : NULL;
}

/* The name in a line behind a node's number, if it is about one. */
static const char *name_in(const char *line)
{
    uint64_t node;
    const char *behind = fields_behind(line, "Node ");
    const char *end = behind ? read_number(behind, &node) : NULL;
    return skip_blanks(end && ends_word(*end) ? end : line);
}

/* The number of a line, behind its name. */
static bool value_behind(const char *at, uint64_t *value)
{
    if (*at == ':')
        at++;
    if (!(at = read_number(skip_blanks(at), value)) || !ends_word(*at))
        return false;
    at = fields_behind(skip_blanks(at), "kB");
    return !at || !ends_word(*at) || !__builtin_mul_overflow(*value, 1024, value);
}

static void take_line(const char *line, struct field *fields, size_t count)
{
    const char *name = name_in(line), *end = name;
    uint64_t value;
    while (!ends_word(*end) && *end != ':')
        end++;
    size_t length = (size_t)(end - name);
    for (size_t i = 0; i < count; i++) {
        struct field *field = &fields[i];
        if (field->found || strncmp(field->name, name, length) != 0 || field->name[length] != 0)
            continue;
        field->found = value_behind(end, &value);
        field->value = field->found ? value : 0;
        return;
    }
}

size_t fields_read(const char *text, struct field *fields, size_t count)
{
    size_t found = 0;
    const char *line;
    for (size_t i = 0; i < count; i++) {
        fields[i].found = false;
        fields[i].value = 0;
    }
    while ((line = fields_line(&text)))
        take_line(line, fields, count);
    for (size_t i = 0; i < count; i++)
        found += fields[i].found;
    return found;
}

size_t fields_numbers(const char *text, uint64_t *values, size_t room)
{
    for (size_t count = 0; count < room; count++) {
        text = read_number(skip_blanks(text), &values[count]);
        if (!text || !ends_word(*text))
            return count;
    }
    return room;
}

/* "12.34" percent as a share.  Behind it, or NULL. */
static const char *read_percent(const char *at, double *share)
{
    uint64_t whole, digits;
    const char *point = read_number(at, &whole);
    if (!point || *point != '.' || whole > 100)
        return NULL;
    const char *end = read_number(point + 1, &digits);
    if (!end || end - point != 3) /* the kernel always writes two */
        return NULL;
    *share = (double)(whole * 100 + digits) / 10000;
    if (*share > 1)
        *share = 1; /* the kernel's average may be rounded up */
    return end;
}

static const char *read_share(const char *at, const char *name, double *share)
{
    at = at ? fields_behind(skip_blanks(at), name) : NULL;
    return at ? read_percent(at, share) : NULL;
}

static bool read_pressure(const char *at, struct pressure *pressure)
{
    at = read_share(at, "avg10=", &pressure->share_10s);
    at = read_share(at, "avg60=", &pressure->share_60s);
    at = read_share(at, "avg300=", &pressure->share_300s);
    at = at ? fields_behind(skip_blanks(at), "total=") : NULL;
    at = at ? read_number(at, &pressure->total_us) : NULL;
    return at && ends_word(*at);
}

bool fields_pressure(const char *text, const char *kind, struct pressure *pressure)
{
    const char *line;
    while ((line = fields_line(&text))) {
        const char *behind = fields_behind(line, kind);
        if (behind && *behind == ' ')
            return read_pressure(behind, pressure);
    }
    return false;
}
