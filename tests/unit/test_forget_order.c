/* SPDX-License-Identifier: MIT */
/* Orders to forget a name: what is dropped, what stays, and when it is answered. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/totals/continuity.h"
#include "shmlib/guard.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static char state_dir[80];
static struct pipeline pipeline;
static struct state *state;
static struct forget_order *order;
static struct continuity *continuity;
static const struct computed_family *const nothing[] = {NULL};

/* A daemon begins, with its state or without. */
static void begin(bool writable)
{
    struct continuity_options options = {.state_dir = state_dir, .order = order};
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
    state = NULL;
    if (writable)
        ck_assert_int_eq(state_open(state_dir, &state), STATE_OPEN);
    options.state = state;
    options.topology = pipeline.topology;
    options.self = pipeline.self;
    options.forget_after = 1000000;
    options.series_limit = 1000;
    continuity = continuity_new(&options);
    pipeline.found.totals = continuity_totals(continuity);
    pipeline.found.keep = writable;
}

static void end(void)
{
    continuity_free(continuity);
    pipeline_stop(&pipeline);
    if (state)
        state_close(state);
}

static void start(void)
{
    fixture_start();
    guard_install();
    order = forget_order_new();
    snprintf(state_dir, sizeof state_dir, "%s/.state", fixture_directory);
    begin(true);
}

static void stop(void)
{
    end();
    forget_order_free(order);
    remove_tree(state_dir);
    fixture_stop();
}

/* A look at everything, a step of the totals, and what is shown then. */
static void step(void)
{
    pipeline_collect(&pipeline, nothing);
    if (continuity_step(continuity, &pipeline.found, true))
        pipeline.found.totals = continuity_totals(continuity);
    pipeline_collect(&pipeline, nothing);
}

static double total_of(const char *process)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "c_total{process=\"%s\"", process);
    return shown_value(pipeline.store, prefix);
}

static struct engram_region *run_process(const char *name, uint64_t times)
{
    struct engram_region *region = fixture_process(name);
    fixture_add(engram_counter_new("c_total", "", NULL), 0, times);
    return region;
}

static int served(void)
{
    int count = 0;
    for (uint32_t i = 0; i < pipeline.found.count; i++)
        count += pipeline.found.files[i]->region != NULL;
    return count;
}

static void fold_all(void)
{
    step();
    for (int i = 0; i < 5000 && served(); i++, usleep(1000))
        step();
    ck_assert_int_eq(served(), 0);
}

/* Places an order and steps until it is answered. */
static enum forget_answer answer_to(const char *process)
{
    struct pollfd answered = {.fd = forget_order_fd(order), .events = POLLIN};
    enum forget_answer answer;
    ck_assert(!forget_order_answered(order, &answer));
    ck_assert(forget_order_place(order, process));
    ck_assert(!forget_order_place(order, "z")); /* one at a time */
    for (int i = 0; i < 5000 && poll(&answered, 1, 0) == 0; i++, usleep(1000))
        step();
    ck_assert(forget_order_answered(order, &answer));
    ck_assert_int_eq(poll(&answered, 1, 0), 0);
    return answer;
}

START_TEST(name_is_forgotten)
{
    fixture_end(run_process("a", 5));
    fixture_end(run_process("b", 2));
    fold_all();
    ck_assert_int_eq(answer_to("c"), FORGET_UNKNOWN);
    ck_assert_int_eq(answer_to("a"), FORGET_DONE);
    ck_assert_double_nan(total_of("a"));
    ck_assert_double_eq(total_of("b"), 2);
    ck_assert_int_eq(answer_to("a"), FORGET_UNKNOWN);
    end();
    begin(true); /* it was on disk when it was answered */
    step();
    ck_assert_double_nan(total_of("a"));
    ck_assert_double_eq(total_of("b"), 2);
}
END_TEST

START_TEST(name_in_use_stays)
{
    fixture_end(run_process("a", 5));
    fold_all();
    struct engram_region *old = run_process("a", 0), *fresh = run_process("b", 1);
    step();
    ck_assert_int_eq(answer_to("a"), FORGET_IN_USE);
    ck_assert_int_eq(answer_to("b"), FORGET_IN_USE); /* of which no other has ended yet */
    ck_assert_double_eq(total_of("a"), 5);
    fixture_end(old);
    fixture_end(fresh);
    fold_all();
    ck_assert_int_eq(answer_to("a"), FORGET_DONE);
    ck_assert_double_eq(total_of("b"), 1);
}
END_TEST

START_TEST(what_cannot_be_done_is_answered)
{
    struct rlimit before, none;
    getrlimit(RLIMIT_FSIZE, &before);
    none = (struct rlimit){1, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    fixture_end(run_process("a", 5));
    fold_all();
    setrlimit(RLIMIT_FSIZE, &none); /* each write of more than a byte fails */
    ck_assert_int_eq(answer_to("a"), FORGET_FAILED);
    setrlimit(RLIMIT_FSIZE, &before);
    step();
    ck_assert_double_eq(total_of("a"), 5);
    end();
    begin(false);
    ck_assert_int_eq(answer_to("a"), FORGET_NO_STATE);
    ck_assert_double_eq(total_of("a"), 5);
}
END_TEST

Suite *forget_order_suite(void)
{
    Suite *suite = suite_create("forget_order");
    TCase *tests = tcase_create("orders");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, name_is_forgotten);
    tcase_add_test(tests, name_in_use_stays);
    tcase_add_test(tests, what_cannot_be_done_is_answered);
    suite_add_tcase(suite, tests);
    return suite;
}
