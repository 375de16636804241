/* SPDX-License-Identifier: MIT */
/*
 * The texts of /proc and /sys: lines of a name and a number, lines of numbers, and
 * pressure.  Whatever a text holds, what is not understood is not found, and
 * nothing behind its NUL is read.  No locale has a say.
 */
#ifndef ENGRAMD_FIELDS_H
#define ENGRAMD_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name whose number is wanted. */
struct field {
    const char *name;
    bool found;
    uint64_t value;
};

/*
 * Looks for all names in one pass: "name 1", "name: 1", "name: 1 kB", which is in bytes then, and
 * all of these behind "Node 0 ".  The first of a name counts; a number that is none, is
 * negative or beyond 64 bits is not found.  Sets `found` and `value` of each; how many were found.
 */
size_t fields_read(const char *text, struct field *fields, size_t count);

/* Up to `room` unsigned numbers between blanks, from `text` to the end of its line or to what is no
 * number; how many. */
size_t fields_numbers(const char *text, uint64_t *values, size_t room);

/* The next line, which the caller may read up to its newline or NUL; NULL after the last.  `at` is
 * where to go on, at first the text. */
const char *fields_line(const char **at);

/* Behind a prefix that a line begins with; NULL if it does not. */
const char *fields_behind(const char *line, const char *prefix);

/* A line of /proc/pressure or of a cgroup's *.pressure. */
struct pressure {
    double share_10s, share_60s, share_300s; /* of the time, 0 to 1 */
    uint64_t total_us;                       /* time since the boot, microseconds */
};

/* `kind` is "some" or "full".  False when there is no such line, or not a whole one. */
bool fields_pressure(const char *text, const char *kind, struct pressure *pressure);

#endif
