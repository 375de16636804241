/* SPDX-License-Identifier: MIT */
/*
 * Structured lines on stderr, logfmt: ts=... level=... msg="..." key=value.
 * Under systemd the journal adds the time and takes the level as a <N> prefix.
 * Safe to call from any thread; one write(2) for each line of at most 1 KiB.
 */
#ifndef ENGRAMD_LOG_H
#define ENGRAMD_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers are syslog's. */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6 };

/* `fields` is a printf format of key=%s pairs, or NULL.  A value that has spaces or quotes in it
 * is quoted, one with control characters escaped: each value must come from one conversion. */
void log_event(enum log_level level, const char *message, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

/* What others can bring about as often as they like is logged so often in a minute.  Starts as
 * zeros; of one thread. */
#define LOG_LINES 20u
struct log_limit {
    uint64_t since; /* CLOCK_MONOTONIC, ns */
    uint32_t lines;
};

/* Whether one more line may be logged; counts as one. */
bool log_may(struct log_limit *limit, uint64_t now);
/* Whether lines were counted in this minute: the limit is still needed. */
bool log_counts(const struct log_limit *limit, uint64_t now);

#endif
