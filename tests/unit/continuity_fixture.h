/* SPDX-License-Identifier: MIT */
/* What a daemon does about totals, step by step in one thread: for the tests of continuity and of
 * the state on disk. */
#ifndef TESTS_UNIT_CONTINUITY_FIXTURE_H
#define TESTS_UNIT_CONTINUITY_FIXTURE_H

#include "fixture.h"

#include "daemon/totals/continuity.h"

extern char state_dir[80], away_dir[80]; /* the latter is free for a test */
extern struct pipeline pipeline;
extern struct state *state;
extern struct continuity *continuity;
extern const struct computed_family *const nothing[]; /* for pipeline_plan() */

/* Before and after a test: a daemon with a state directory of its own. */
void continuity_start(void);
void continuity_stop(void);

/* The same daemon anew; with another state, or none. */
void start_daemon(void);
void start_daemon_with(struct state *with);
void stop_daemon(void);
void start_continuity(struct state *with, uint64_t forget_after, uint32_t series_limit);

/* Looks, folds what is dead, and collects. */
void step_daemon(void);

/* Whether any region is served by itself. */
bool any_region(void);

/* What is shown of the one counter. */
double total_shown(void);

/* Steps until nothing but totals is left; what is shown never moves meanwhile. */
void fold_all(double expected);

/* A process that adds so much to the counter, and ends. */
void run_process(const char *name, uint64_t times);

#endif
