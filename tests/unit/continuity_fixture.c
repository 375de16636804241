/* SPDX-License-Identifier: MIT */
#include "continuity_fixture.h"

#include "shmlib/guard.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char state_dir[80], away_dir[80];
struct pipeline pipeline;
struct state *state;
struct continuity *continuity;
const struct computed_family *const nothing[] = {NULL};

void start_continuity(struct state *with, uint64_t forget_after, uint32_t series_limit)
{
    struct continuity_options options = {.state_dir = state_dir,
                                         .state = with,
                                         .topology = pipeline.topology,
                                         .self = pipeline.self,
                                         .forget_after = forget_after,
                                         .series_limit = series_limit};
    continuity = continuity_new(&options);
    pipeline.found.totals = continuity_totals(continuity);
}

void start_daemon_with(struct state *with)
{
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
    start_continuity(with, 1000000000, UINT32_MAX);
    pipeline.found.keep = with != NULL;
}

void start_daemon(void)
{
    ck_assert_int_eq(state_open(state_dir, &state), STATE_OPEN);
    start_daemon_with(state);
}

void stop_daemon(void)
{
    continuity_free(continuity);
    pipeline_stop(&pipeline);
    state_close(state);
}

void continuity_start(void)
{
    fixture_start();
    guard_install();
    snprintf(state_dir, sizeof state_dir, "%s/.state", fixture_directory);
    snprintf(away_dir, sizeof away_dir, "%s/.away", fixture_directory);
    start_daemon();
}

void continuity_stop(void)
{
    char command[128];
    stop_daemon();
    snprintf(command, sizeof command, "rm -r %s", state_dir);
    ck_assert_int_eq(system(command), 0);
    fixture_stop();
}

void step_daemon(void)
{
    pipeline_collect(&pipeline, nothing);
    continuity_step(continuity, &pipeline.found, true);
    pipeline.found.totals = continuity_totals(continuity);
    pipeline_collect(&pipeline, nothing);
}

double total_shown(void)
{
    return shown_value(pipeline.store, "c_total{");
}

bool any_region(void)
{
    for (uint32_t i = 0; i < pipeline.found.count; i++)
        if (pipeline.found.files[i]->region)
            return true;
    return false;
}

void fold_all(double expected)
{
    for (int i = 0; i < 5000; i++) {
        step_daemon();
        ck_assert_double_eq(total_shown(), expected);
        if (!any_region() && fixture_files(false) == 0)
            return;
        usleep(1000);
    }
    ck_abort_msg("not folded in time");
}

void run_process(const char *name, uint64_t times)
{
    struct engram_region *region = fixture_process(name);
    fixture_add(engram_counter_new("c_total", "", NULL), 0, times);
    fixture_end(region);
}
