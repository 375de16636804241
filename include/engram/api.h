/* SPDX-License-Identifier: MIT */
/*
 * The calls of the writer.  Rules that hold for all of them:
 *
 * - None of them ends, blocks or signals the process.  What fails says why by
 *   engram_reason(), and calls on the handle that it returned do nothing.
 * - Any thread may call any of them at any time, without a lock.  Recording is
 *   also safe in signal handlers and leaves errno alone.
 * - A child of fork() records into its parent's region, which lives until both
 *   are gone.  exec() starts anew.  Children of vfork() and threads made by raw
 *   clone() must not record.
 * - Strings are borrowed for the length of the call.
 */
#ifndef ENGRAM_API_H
#define ENGRAM_API_H

#include <engram/types.h>

/*
 * Makes this process's region, under a name that stays the same over restarts and by which
 * engramd labels all it records ([A-Za-z0-9._:@+-], at most 63 bytes; NULL: the program's
 * short name).  Returns 0, also when the process is attached already by that name; -1
 * otherwise.  Registering a series attaches if nothing did before: by the name of a try that
 * failed, else by the default name.
 */
ENGRAM_FUNCTION int engram_attach(const char *process);

/*
 * Ends recording for good: what other threads are recording goes nowhere, and engramd takes
 * the totals as final.  Not needed at exit.  Not to be called in a signal handler.
 */
ENGRAM_FUNCTION void engram_detach(void);

/* Why the last attach or registration failed, as a sentence; "" if none did.  Static. */
ENGRAM_FUNCTION const char *engram_reason(void);

/*
 * Registering returns the handle of a series; the same name and labels give the same series,
 * whoever registered them first.  The handle is invalid when the specification is not as
 * described above, when the series exists as another kind, or when there is no room.
 * Counters and histograms start at 0; a gauge is absent until it is set.
 */
ENGRAM_FUNCTION engram_counter engram_counter_register(const struct engram_spec *spec);
ENGRAM_FUNCTION engram_counter_total engram_counter_total_register(const struct engram_spec *spec);
ENGRAM_FUNCTION engram_gauge engram_gauge_register(const struct engram_spec *spec);
ENGRAM_FUNCTION engram_updown engram_updown_register(const struct engram_spec *spec);
ENGRAM_FUNCTION engram_histogram engram_histogram_register(const struct engram_spec *spec);
/* A kind of event; the specification's labels are constant for all events of the kind. */
ENGRAM_FUNCTION engram_event engram_event_register(const struct engram_spec *spec);

/* The same from C strings; labels are "name", "value", ... and a NULL, or NULL for none. */
ENGRAM_FUNCTION engram_counter engram_counter_new(const char *name, const char *help,
                                                  const char *const *labels);
ENGRAM_FUNCTION engram_gauge engram_gauge_new(const char *name, const char *help,
                                              const char *const *labels);
ENGRAM_FUNCTION engram_histogram engram_histogram_new(const char *name, const char *help,
                                                      const char *const *labels);

/* Adds `amount` to a counter; the total wraps at 2^64. */
ENGRAM_FUNCTION void engram_counter_add(engram_counter counter, uint64_t amount);

/* Tells a total that is kept elsewhere; a smaller one than before is ignored. */
ENGRAM_FUNCTION void engram_counter_set(engram_counter_total counter, uint64_t total);

/* Sets a gauge, in the unit of its name; adds to it (from 0 if it was never set). */
ENGRAM_FUNCTION void engram_gauge_set(engram_gauge gauge, double value);
ENGRAM_FUNCTION void engram_gauge_add(engram_gauge gauge, double amount);

/* Moves an up-down counter, which is shown as a gauge; cheaper than engram_gauge_add(). */
ENGRAM_FUNCTION void engram_updown_add(engram_updown updown, int64_t amount);

/* Records one value, in the unit of the histogram's name.  NaN is counted apart. */
ENGRAM_FUNCTION void engram_histogram_record(engram_histogram histogram, double value);

/* Records a duration in nanoseconds into a histogram whose unit is seconds. */
ENGRAM_FUNCTION void engram_histogram_record_ns(engram_histogram histogram, uint64_t nanoseconds);

/* Emits an event with the time of now (CLOCK_MONOTONIC) or a given one, ns, and two values.
 * The newest overwrite the oldest: a reader that is too slow counts what it missed. */
ENGRAM_FUNCTION void engram_event_emit(engram_event event, uint64_t first, uint64_t second);
ENGRAM_FUNCTION void engram_event_emit_at(engram_event event, uint64_t time, uint64_t first,
                                          uint64_t second);

/*
 * A timer: begin starts it; end records the time since then into a histogram in seconds and
 * returns it in nanoseconds.  A span may end in another thread.  Its time is that of
 * CLOCK_MONOTONIC to 0.1 %: by the CPU's counter, checked each second, where the kernel
 * goes by that, too; else by the clock.  Should the counter stray (the machine was suspended),
 * spans under way are not recorded and return 0, and all later ones go by the clock.
 */
ENGRAM_FUNCTION engram_span engram_span_begin(void);
ENGRAM_FUNCTION uint64_t engram_span_end(engram_span span, engram_histogram histogram);

#endif
