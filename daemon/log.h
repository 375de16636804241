/* SPDX-License-Identifier: MIT */
/*
 * Structured lines on stderr, logfmt: ts=... level=... msg="..." key=value.
 * Under systemd the journal adds the time and takes the level as a <N> prefix.
 * Safe to call from any thread; one write(2) for each line of at most 1 KiB.
 */
#ifndef ENGRAMD_LOG_H
#define ENGRAMD_LOG_H

/* The numbers are syslog's. */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6 };

/* `fields` is a printf format of key=%s pairs, or NULL.  A value that has spaces or quotes in it
 * is quoted, one with control characters escaped: each value must come from one conversion. */
void log_event(enum log_level level, const char *message, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

#endif
