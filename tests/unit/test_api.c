/* SPDX-License-Identifier: MIT */
/* The documents of /api/v1/, and what is no document. */
#include "fixture.h"
#include "suites.h"

#include "daemon/api/api.h"
#include "daemon/base/clock.h"
#include "daemon/machine/live.h"
#include "daemon/machine/topology_hwloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pipeline pipeline;
static struct api api;
static struct live *live;
static struct figures *figures;
static struct buffer body;
static const struct computed_family *const none[] = {NULL};

static void start(void)
{
    fixture_start();
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
    live = live_new(64, 64);
    figures = figures_new();
    api = (struct api){
        pipeline.store, pipeline.topology, live, NULL, NULL, alerting_new(figures, pipeline.store)};
    body = (struct buffer){0};
}

static void stop(void)
{
    buffer_free(&body);
    live_free(live);
    alerting_free(api.alerting);
    figures_free(figures);
    if (pipeline.found.totals != pipeline.totals)
        totals_release((struct totals *)(uintptr_t)pipeline.found.totals);
    pipeline_stop(&pipeline);
    fixture_stop();
}

/* The status; the document is in `body`. */
static int asked(const char *document, const char *query)
{
    char path[64];
    snprintf(path, sizeof path, API_ROOT "v1/%s", document);
    buffer_reset(&body);
    int status = api_answer(&api, path, query, &body);
    buffer_append_char(&body, 0);
    ck_assert(!body.failed);
    return status;
}

static const char *document(const char *name, const char *query)
{
    ck_assert_int_eq(asked(name, query), 200);
    return body.data;
}

static const struct {
    const char *document, *query;
    int status;
    const char *reason;
} wrongs[] = {
    {"", "", 404, "there is no such document; engramd-api(7) lists them"},
    {"process", "", 404, "there is no such document; engramd-api(7) lists them"},
    {"alerts", "x=1", 400, "there is no parameter \\\"x\\\" here"},
    {"topology", "match=*", 400, "there is no parameter \\\"match\\\" here"},
    {"processes", "process=a&process=", 400, "process is the name of one"},
    {"processes", "%zz", 400, "\\\"%\\\" is not followed by two hexadecimal digits"},
    {"processes", "", 503, "nothing is collected yet"},
};

START_TEST(errors_are_documents)
{
    char error[256];
    snprintf(error, sizeof error, "{\"error\":{\"status\":%d,\"reason\":\"%s\"}}\n",
             wrongs[_i].status, wrongs[_i].reason);
    ck_assert_int_eq(asked(wrongs[_i].document, wrongs[_i].query), wrongs[_i].status);
    ck_assert_str_eq(body.data, error);
}
END_TEST

START_TEST(alerts_are_listed)
{
    struct engram_engine engine;
    ck_assert_int_eq(asked("alerts", ""), 503); /* nobody has looked yet */
    pipeline_collect(&pipeline, none);
    alerting_look(api.alerting);
    ck_assert_str_eq(document("alerts", ""), "{\"alerts\":[]}\n");
    fixture_process("p");
    engram_register_audit(&engine);
    engram_gauge_set(engine.audit_violations[0], 3);
    pipeline_collect(&pipeline, none);
    alerting_look(api.alerting);
    const char *shown = document("alerts", "");
    ck_assert_ptr_nonnull(strstr(shown, "{\"alerts\":[{\"name\":\"AuditViolations\","
                                        "\"state\":\"firing\",\"severity\":\"critical\","));
    ck_assert_ptr_nonnull(strstr(shown, "\"labels\":{\"kind\":\"dangling_edge\","
                                        "\"process\":\"p\"},\"value\":3,"
                                        "\"threshold\":0,"));
    fixture_clock(clock_monotonic() + ALERTING_LIFETIME);
    ck_assert_int_eq(asked("alerts", ""), 503);
    ck_assert_ptr_nonnull(strstr(body.data, "a sensor hangs"));
    fixture_clock(0);
}
END_TEST

/* The number behind a key, the first one after `from`. */
static uint64_t number(const char *from, const char *key)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"%s\":", key);
    const char *at = strstr(from, wanted);
    ck_assert_msg(at != NULL, "%s is not in %s", wanted, from);
    return strtoull(at + strlen(wanted), NULL, 10);
}

static const char *process(const char *text, const char *name)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "{\"process\":\"%s\",\"owner\":%u,", name, geteuid());
    return strstr(text, wanted);
}

START_TEST(processes_that_run)
{
    fixture_process("b");
    engram_counter_new("x_total", "", NULL);
    fixture_process("a");
    fixture_process("b");
    pipeline_collect(&pipeline, none);
    const char *a = process(document("processes", ""), "a"), *b = process(body.data, "b");
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert(a < b);
    ck_assert_uint_eq(number(a, "up"), 1);
    ck_assert_uint_eq(number(b, "up"), 2);
    ck_assert_uint_eq(number(b, "pid"), (uint64_t)getpid());
    const char *first = strstr(b, "\"regions\":[{"), *second = strstr(first, "},{");
    ck_assert_uint_eq(number(first, "series"), number(second, "series") + 1);
    ck_assert_uint_gt(number(first, "memory_bytes"), 0);
    ck_assert_uint_ge(number(first, "last_seen_ms"), number(first, "since_ms"));
    ck_assert_ptr_nonnull(strstr(first, "\"alive\":true,\"main_process\":\"running\""));
    ck_assert_ptr_null(strstr(b, "\"kept\""));
    ck_assert_ptr_null(process(document("processes", "process=b"), "a"));
    ck_assert_ptr_nonnull(process(body.data, "b"));
}
END_TEST

/* It is over, but its region is not part of the totals yet; it is not said to be seen later. */
START_TEST(process_that_has_ended)
{
    struct engram_region *own = fixture_process("a");
    pipeline_collect(&pipeline, none);
    uint64_t seen = number(document("processes", ""), "last_seen_ms");
    fixture_end(own);
    usleep(5000);
    pipeline_collect(&pipeline, none);
    ck_assert_uint_eq(number(document("processes", ""), "last_seen_ms"), seen);
    ck_assert_uint_eq(number(body.data, "up"), 0);
    ck_assert_ptr_nonnull(strstr(body.data, "\"alive\":false,\"main_process\":\"ended\""));
}
END_TEST

static void fold(struct region *region)
{
    struct fold all = {.regions = &region, .region_count = 1, .series_limit = UINT32_MAX, .now = 7};
    pipeline.found.totals = totals_fold(pipeline.found.totals, &all, pipeline.topology);
    ck_assert_ptr_nonnull(pipeline.found.totals);
    found_folded(&pipeline.found, &region, 1);
}

START_TEST(what_is_kept)
{
    struct engram_region *own = fixture_process("a");
    engram_counter_new("x_total", "", NULL);
    engram_counter_new("y_total", "", NULL);
    engram_gauge_set(engram_gauge_new("g", "", NULL), 1);
    pipeline_collect(&pipeline, none);
    uint64_t series = number(document("processes", ""), "series");
    fixture_end(own);
    pipeline_collect(&pipeline, none);
    fold(pipeline.found.files[0]->region);
    fixture_process("b");
    pipeline_collect(&pipeline, none);
    const char *a = process(document("processes", ""), "a");
    ck_assert_ptr_nonnull(a);
    ck_assert_uint_eq(number(a, "up"), 0);
    ck_assert_ptr_nonnull(strstr(a, "\"regions\":[]"));
    ck_assert_uint_eq(number(strstr(a, "\"kept\""), "series"), series - 1);
    ck_assert_uint_gt(number(a, "ended_ms"), 0);
    ck_assert_ptr_nonnull(process(a, "b"));
}
END_TEST

static void write_list(const char *directory, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/%s", directory, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* A machine of hwloc's description, but with the lists of CPUs in /sys as given: of the two, hwloc
 * would take the latter alone. */
static const char *described(const char *machine, const char *present, const char *online)
{
    static const char *const levels[] = {"/sys", "/sys/devices", "/sys/devices/system",
                                         "/sys/devices/system/cpu"};
    char path[256];
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        snprintf(path, sizeof path, "%s%s", fixture_directory, levels[i]);
        ck_assert_int_eq(mkdir(path, 0755), 0);
    }
    write_list(fixture_directory, "present", present);
    write_list(fixture_directory, "online", online);
    setenv("HWLOC_SYNTHETIC", machine, 1);
    struct topology *topology = topology_load("/");
    ck_assert_ptr_nonnull(topology);
    free(topology->sysroot);
    topology->sysroot = strdup(fixture_directory);
    topology->possible_cpus = 8;
    api.topology = topology;
    document("topology", "");
    topology_free(topology);
    return body.data;
}

START_TEST(machine_of_two_packages)
{
    live_set(live, LIVE_CPU_BUSY, 1, 0.12345);
    live_set(live, LIVE_NODE_TAKEN, 1, 1);
    ck_assert_str_eq(
        described("package:2 numa:1(memory=1048576) l2:1(size=4096) core:1 pu:2", "0-5\n",
                  "0-1,3\n"),
        "{\"possible_cpus\":8,\"offline_cpus\":[2,4,5],"
        "\"packages\":[{\"package\":0,\"numa_nodes\":[0],\"cpus\":[0,1]},"
        "{\"package\":1,\"numa_nodes\":[1],\"cpus\":[2,3]}],"
        "\"numa_nodes\":[{\"numa_node\":0,\"package\":0,\"memory_bytes\":1048576,\"cpus\":[0,1]},"
        "{\"numa_node\":1,\"package\":1,\"memory_bytes\":1048576,"
        "\"memory_taken_ratio\":1,\"cpus\":[2,3]}],"
        "\"caches\":[{\"level\":2,\"type\":\"unified\",\"size_bytes\":4096,\"line_bytes\":64,"
        "\"package\":0,\"cpus\":[0,1]},"
        "{\"level\":2,\"type\":\"unified\",\"size_bytes\":4096,\"line_bytes\":64,"
        "\"package\":1,\"cpus\":[2,3]}],"
        "\"cores\":[{\"core\":0,\"package\":0,\"cpus\":[0,1]},"
        "{\"core\":1,\"package\":1,\"cpus\":[2,3]}],"
        "\"cpus\":[{\"cpu\":0,\"core\":0,\"package\":0,\"numa_node\":0},"
        "{\"cpu\":1,\"core\":0,\"package\":0,\"numa_node\":0,\"busy_ratio\":0.123},"
        "{\"cpu\":2,\"core\":1,\"package\":1,\"numa_node\":1},"
        "{\"cpu\":3,\"core\":1,\"package\":1,\"numa_node\":1}],\"distances\":[]}\n");
}
END_TEST

/* Nothing is said of what cannot be read. */
START_TEST(lists_that_cannot_be_read)
{
    ck_assert_ptr_null(strstr(described(ONE_NODE, "0-3\n", "rubbish\n"), "offline_cpus"));
}
END_TEST

Suite *api_suite(void)
{
    Suite *suite = suite_create("api");
    TCase *tests = tcase_create("documents");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_loop_test(tests, errors_are_documents, 0, sizeof wrongs / sizeof wrongs[0]);
    tcase_add_test(tests, alerts_are_listed);
    tcase_add_test(tests, processes_that_run);
    tcase_add_test(tests, process_that_has_ended);
    tcase_add_test(tests, what_is_kept);
    tcase_add_test(tests, machine_of_two_packages);
    tcase_add_test(tests, lists_that_cannot_be_read);
    suite_add_tcase(suite, tests);
    return suite;
}
