/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/pmu/sysfs.h"
#include "daemon/machine/source.h"

#include <dirent.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 4096
#define CPU_LAST 65535
#define WORDS 3

static bool refuse(struct sysfs_wrong *wrong, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct sysfs_wrong *wrong, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(wrong->text, sizeof wrong->text, format, arguments);
    va_end(arguments);
    return false;
}

/* --- Numbers --- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* Decimal or, behind 0x, hexadecimal.  Behind it, or NULL when it is none or beyond 64 bits. */
static const char *read_number(const char *at, uint64_t *value)
{
    int base = at[0] == '0' && (at[1] == 'x' || at[1] == 'X') ? 16 : 10;
    const char *start = at += base == 16 ? 2 : 0;
    *value = 0;
    for (; digit_of(*at) < base; at++)
        if (__builtin_mul_overflow(*value, (uint64_t)base, value) ||
            __builtin_add_overflow(*value, (uint64_t)digit_of(*at), value))
            return NULL;
    return at == start ? NULL : at;
}

/* "7" or "0-7", of which none is beyond a last one.  Behind it, or NULL. */
static const char *read_range(const char *at, uint64_t last, uint64_t *low, uint64_t *high)
{
    at = read_number(at, low);
    *high = *low;
    if (at && *at == '-')
        at = read_number(at + 1, high);
    return at && *low <= *high && *high <= last ? at : NULL;
}

static bool is_end(const char *at)
{
    return *at == 0 || (at[0] == '\n' && at[1] == 0);
}

bool sysfs_parse_scale(const char *text, double *scale)
{
    size_t length = strspn(text, "0123456789.eE+-");
    char *end = NULL;
    locale_t plain = newlocale(LC_ALL_MASK, "C", NULL);
    if (!plain)
        return false;
    *scale = strtod_l(text, &end, plain);
    freelocale(plain);
    return length && end == text + length && is_end(end) && isfinite(*scale) && *scale > 0;
}

double sysfs_unit_bytes(const char *unit)
{
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {{"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].unit) == 0)
            return units[i].bytes;
    return 1;
}

int sysfs_parse_cpus(const char *text, uint32_t *cpus, uint32_t most)
{
    uint64_t low, high;
    uint32_t count = 0;
    if (is_end(text))
        return 0;
    for (;; text++) {
        text = read_range(text, CPU_LAST, &low, &high);
        if (!text || high - low >= most - count)
            return -1;
        for (uint64_t cpu = low; cpu <= high; cpu++)
            cpus[count++] = (uint32_t)cpu;
        if (is_end(text))
            return (int)count;
        if (*text != ',')
            return -1;
    }
}

/* --- Formats --- */

/* The number of a word by its name of some length; WORDS: it is none. */
static uint32_t word_named(const char *name, size_t length)
{
    static const char *const words[WORDS] = {"config", "config1", "config2"};
    uint32_t word = 0;
    while (word < WORDS &&
           (strlen(words[word]) != length || memcmp(words[word], name, length) != 0))
        word++;
    return word;
}

bool sysfs_parse_format(const char *text, struct sysfs_format *format)
{
    const char *colon = strchr(text, ':'), *at = colon;
    uint64_t low, high;
    format->word = colon ? word_named(text, (size_t)(colon - text)) : WORDS;
    format->bits = 0;
    while (format->word < WORDS && at && (*at == ':' || *at == ',')) {
        at = read_range(at + 1, 63, &low, &high);
        if (at)
            format->bits |= UINT64_MAX >> (63 - high) & UINT64_MAX << low;
    }
    return format->word < WORDS && at && is_end(at);
}

/* A value's bits, from its lowest on, on those that are given; false when there are too few. */
static bool spread(uint64_t value, uint64_t bits, uint64_t *word)
{
    for (; value && bits; bits &= bits - 1, value >>= 1) {
        uint64_t lowest = bits & -bits;
        *word = value & 1 ? *word | lowest : *word & ~lowest;
    }
    *word &= ~bits;
    return value == 0;
}

/* --- Terms --- */

static bool set_term(const struct sysfs_device *device, const char *name, size_t length,
                     uint64_t value, uint64_t words[WORDS])
{
    uint32_t word = word_named(name, length);
    if (word < WORDS) {
        words[word] = value;
        return true;
    }
    for (uint32_t i = 0; i < device->format_count; i++) {
        const struct sysfs_format *format = &device->formats[i];
        if (strlen(format->name) == length && memcmp(format->name, name, length) == 0)
            return spread(value, format->bits, &words[format->word]);
    }
    return false;
}

/* A term without a value means 1.  Behind the term, or NULL. */
static const char *read_term(const struct sysfs_device *device, const char *term,
                             uint64_t words[WORDS])
{
    size_t length = strcspn(term, "=,\n");
    const char *end = term + length;
    uint64_t value = 1;
    if (*end == '=')
        end = read_number(end + 1, &value);
    return end && length && set_term(device, term, length, value, words) ? end : NULL;
}

bool sysfs_encode(const struct sysfs_device *device, const char *terms, struct pmu_event *event,
                  struct sysfs_wrong *wrong)
{
    uint64_t words[WORDS] = {0};
    for (const char *at = terms;; at++) {
        const char *end = read_term(device, at, words);
        if (!end || (*end != ',' && !is_end(end)))
            return refuse(wrong, "\"%.*s\" is no term of it", (int)strcspn(at, ",\n"), at);
        at = end;
        if (*at != ',')
            break;
    }
    event->type = device->type;
    event->config = words[0];
    event->config1 = words[1];
    event->config2 = words[2];
    return true;
}

/* --- Files --- */

/* False, with nothing wrong if it is not there at all. */
__attribute__((format(printf, 4, 5))) static bool read_file(const char *sysroot,
                                                            char text[TEXT_SIZE],
                                                            struct sysfs_wrong *wrong,
                                                            const char *path, ...)
{
    struct machine_source source;
    char below[512];
    va_list arguments;
    wrong->text[0] = 0;
    va_start(arguments, path);
    vsnprintf(below, sizeof below, path, arguments);
    va_end(arguments);
    bool good = source_init(&source, sysroot, "%s/%s", SYSFS_DEVICES, below) &&
                source_read(&source, text, TEXT_SIZE);
    if (!good && source.reason != SOURCE_NOT_FOUND)
        refuse(wrong, "%s cannot be read: %s", below, source_word(source.reason));
    source_close(&source);
    return good;
}

static bool add_format(const char *sysroot, const char *device_name, const char *name,
                       struct sysfs_device *device, struct sysfs_wrong *wrong)
{
    char text[TEXT_SIZE];
    if (device->format_count == SYSFS_FORMATS_MOST || strlen(name) >= SYSFS_NAME_SIZE)
        return refuse(wrong, "it has more formats, or longer names, than are expected");
    struct sysfs_format *format = &device->formats[device->format_count];
    /* What goes elsewhere, as to config3, is none of ours, and is missed if an event needs it. */
    if (!read_file(sysroot, text, wrong, "%s/format/%s", device_name, name) ||
        !sysfs_parse_format(text, format))
        return wrong->text[0] == 0;
    snprintf(format->name, sizeof format->name, "%s", name);
    device->format_count++;
    return true;
}

static bool read_formats(const char *sysroot, const char *name, struct sysfs_device *device,
                         struct sysfs_wrong *wrong)
{
    char path[512];
    bool good = true;
    snprintf(path, sizeof path, "%s" SYSFS_DEVICES "/%s/format",
             strcmp(sysroot, "/") == 0 ? "" : sysroot, name);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && good && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            good = add_format(sysroot, name, entry->d_name, device, wrong);
    if (folder)
        closedir(folder);
    return good;
}

bool sysfs_device_read(const char *sysroot, const char *name, struct sysfs_device *device,
                       struct sysfs_wrong *wrong)
{
    char text[TEXT_SIZE];
    uint64_t type;
    *device = (struct sysfs_device){0};
    if (!read_file(sysroot, text, wrong, "%s/type", name))
        return false;
    const char *end = read_number(text, &type);
    if (!end || !is_end(end) || type > UINT32_MAX)
        return refuse(wrong, "its type is no number");
    device->type = (uint32_t)type;
    if (read_file(sysroot, text, wrong, "%s/cpumask", name)) {
        int count = sysfs_parse_cpus(text, device->cpus, PMU_BOX_CPUS);
        if (count < 0)
            return refuse(wrong, "its cpumask is no list of at most %d CPUs", PMU_BOX_CPUS);
        device->cpu_count = (uint32_t)count;
    }
    return !wrong->text[0] && read_formats(sysroot, name, device, wrong);
}

/* 0 if the kernel says none. */
static bool read_scale(const char *sysroot, const char *device, const char *event, double *scale,
                       struct sysfs_wrong *wrong)
{
    char text[TEXT_SIZE];
    *scale = 0;
    if (!read_file(sysroot, text, wrong, "%s/events/%s.scale", device, event))
        return !wrong->text[0];
    if (!sysfs_parse_scale(text, scale))
        return refuse(wrong, "the scale of %s is no number above 0", event);
    if (!read_file(sysroot, text, wrong, "%s/events/%s.unit", device, event))
        return !wrong->text[0];
    text[strcspn(text, "\n")] = 0;
    *scale *= sysfs_unit_bytes(text);
    return true;
}

bool sysfs_event_read(const char *sysroot, const char *name, const struct sysfs_device *device,
                      const char *event_name, struct pmu_event *event, struct sysfs_wrong *wrong)
{
    char text[TEXT_SIZE];
    double scale;
    if (!read_file(sysroot, text, wrong, "%s/events/%s", name, event_name) ||
        !read_scale(sysroot, name, event_name, &scale, wrong) ||
        !sysfs_encode(device, text, event, wrong))
        return false;
    event->scale = scale;
    return true;
}
