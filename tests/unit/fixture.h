/* SPDX-License-Identifier: MIT */
/*
 * What several suites need: a region directory of the test's own, real regions
 * in it as of any number of processes, the way from them to the values that are
 * served, and a clock that stands where a test wants it.
 */
#ifndef TESTS_UNIT_FIXTURE_H
#define TESTS_UNIT_FIXTURE_H

#include <engram/engram.h>

#include "daemon/base/pace.h"
#include "daemon/regions/found.h"
#include "daemon/snapshot/snapshot.h"

/* Of this run, on a tmpfs: what tests leave behind in it, as some that fail do, goes with it.  NULL
 * when it cannot be made. */
const char *unit_directory_make(void);
void unit_directory_remove(void);
/* Writes the path of a new file's name in it, for mkstemp() and its like. */
void unit_template(char path[64]);

extern char fixture_directory[64];
extern int fixture_dir; /* the same, open */

/* Before and after a test: the directory, ENGRAM_DIR, and no region of this process. */
void fixture_start(void);
void fixture_stop(void);

/* Files in the directory, but for hidden ones; they are removed while being counted if asked. */
int fixture_files(bool remove);
/* Removes a directory with all that is in it. */
void remove_tree(const char *path);
/* The name of a region of that process; static. */
const char *fixture_name(const char *process);

/* From now on this is another process by that name: it attaches, and what is registered belongs
 * to it.  Regions of processes before stay alive, and their handles good. */
struct engram_region *fixture_process(const char *name);
/* The same on a machine that has so many CPUs and nodes. */
struct engram_region *fixture_machine(const char *name, uint32_t cpus, uint32_t nodes);
/* Ends a process as its exit would: the mapping goes, and the lock with it. */
void fixture_end(struct engram_region *region);

/* Adds to the copy of a CPU, wherever the scheduler puts this test. */
/* Where the slot of a handle is in each copy. */
uint32_t fixture_slot(struct engram_slot at);

void fixture_add(engram_counter counter, uint32_t cpu, uint64_t amount);

/* What is logged from now on is kept; the text of it so far, static; its end, when it may be passed
 * on to stderr to explain a failure. */
void log_capture(void);
const char *log_captured(void);
void log_release(bool pass_on);

/* Stops the daemon's clock (daemon/base/clock.h) at a time; 0 lets it run again. */
void fixture_clock(uint64_t ns);

/* Machines to run on, as HWLOC_SYNTHETIC: what they have not counts to CPU 0's place. */
#define ONE_NODE "package:1 numanode:1 core:1 pu:1"
#define TWO_NODES "package:2 numanode:1 core:1 pu:1"

/* From regions to values, step by step in one thread. */
struct pipeline {
    struct topology *topology;
    struct self *self;
    struct pace *pace; /* of 5 ms */
    struct snapshot_store *store;
    struct totals *totals; /* none, until found.totals says otherwise */
    struct found found;
};

/* `compute` may be NULL. */
void pipeline_start(struct pipeline *pipeline, const char *machine, snapshot_compute *compute,
                    void *argument);
void pipeline_stop(struct pipeline *pipeline);
/* What computes the row when its argument is a struct figures. */
void fill_figures(void *figures, const struct plan *plan, const struct snapshot *snapshot,
                  union word *row);

/* A plan of what lies in the directory now; the reference is the caller's. */
struct plan *pipeline_plan(struct pipeline *pipeline,
                           const struct computed_family *const *computed);
/* Publishes such a plan if `computed` is given, and collects once. */
void pipeline_collect(struct pipeline *pipeline, const struct computed_family *const *computed);

/* The lines of the newest snapshot's text exposition that start with `prefix`; static. */
const char *shown(struct snapshot_store *store, const char *prefix);
/* The value on the only line that starts with `prefix`, NAN when there is none. */
double shown_value(struct snapshot_store *store, const char *prefix);

#endif
