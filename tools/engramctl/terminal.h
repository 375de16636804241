/* SPDX-License-Identifier: MIT */
/*
 * Keeps what others wrote from commanding a terminal: names, labels and reasons
 * come from processes and servers that may mean harm.
 */
#ifndef ENGRAMCTL_TERMINAL_H
#define ENGRAMCTL_TERMINAL_H

#include <stdio.h>

/* From now on, what is written to stdout and stderr is, if that is a terminal, printable text,
 * newlines and tabs; all else shows as \u and its code point, or \x and a byte that is no UTF-8.
 * Files and pipes get every byte as it is. */
void terminal_guard(void);

/* The same for one text, in which a newline shows, too; to be used before the next call. */
const char *visible(const char *text);

/* The rule: writes `length` bytes to `to`.  How many of them are done: a sequence whose end is yet
 * to come is left. */
size_t write_visible(FILE *to, const char *bytes, size_t length, const char *allowed);

#endif
