/* SPDX-License-Identifier: MIT */
/* What is served under which path. */
#include "fixture.h"
#include "http_client.h"
#include "suites.h"

#include "daemon/base/clock.h"
#include "daemon/collect/collector.h"
#include "daemon/machine/live.h"
#include "daemon/web.h"

#include <isa-l/igzip_lib.h>
#include <stdio.h>

static const struct computed_family *const none[] = {NULL};

static struct pipeline pipeline;
static struct history history;
static struct web web;
static struct figures *figures;
static struct live *live;
static struct alerting *alerting;
static enum health_state found; /* of one component */

static struct finding look(void *argument)
{
    (void)argument;
    return (struct finding){.state = found, .unit = "", .source = "a test", .reason = "as told"};
}

static void start_web(void)
{
    http_start();
    http_server_free(http.server);
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
    history_start(&history, 1 << 20);
    figures = figures_new();
    live = live_new(2, 1);
    alerting = alerting_new(figures, pipeline.store);
    web = (struct web){pipeline.store,
                       pipeline.self,
                       bodies_new(http.base, pipeline.store, pipeline.self),
                       documents_new(&(struct api){pipeline.store, pipeline.topology, live,
                                                   pipeline.self, &history, alerting}),
                       NULL,
                       health_new(figures)};
    health_set_check(web.health, HEALTH_THREAD_POOL, look, NULL);
    http.server = http_server_new(http.base, web_handle, web_observe, &web);
    char error[256];
    ck_assert_msg(http_server_listen(http.server, http.listened, error, sizeof error), "%s", error);
}

static void stop_web(void)
{
    bodies_free(web.bodies);
    documents_free(web.documents);
    history_stop(&history);
    health_free(web.health);
    alerting_free(alerting);
    figures_free(figures);
    live_free(live);
    pipeline_stop(&pipeline);
    http_stop();
}

static const struct response *got(const char *path, const char *headers)
{
    char request[512];
    struct client *client = client_new(0);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path,
             headers);
    client_ask(client, request);
    const struct response *response = client_next(client, false);
    client_free(client);
    return response;
}

START_TEST(paths_have_a_status)
{
    ck_assert_int_eq(got("/-/ready", "")->status, 503);
    ck_assert_int_eq(got("/metrics", "")->status, 503);
    ck_assert_int_eq(got("/-/healthy", "")->status, 200);
    pipeline_collect(&pipeline, none);
    ck_assert_int_eq(got("/-/ready", "")->status, 200);
    ck_assert_int_eq(got("/metrics", "")->status, 200);
    ck_assert_int_eq(got("/metrics/prometheus?a=b", "")->status, 200);
    ck_assert_int_eq(got("/metrics", "Accept: image/png\r\n")->status, 406);
    ck_assert_int_eq(got("/metrics", "Accept: application/json\r\n")->status, 503);
    alerting_look(alerting);
    ck_assert_int_eq(got("/api/v1/alerts", "")->status, 200);
    ck_assert_int_eq(got("/api/v1", "")->status, 404);
    ck_assert_int_eq(got("/api/v1/alerts?a=b", "")->status, 400);
    ck_assert_int_eq(got("/", "")->status, 200);
    ck_assert_int_eq(got("/metrics/", "")->status, 404);
    ck_assert_int_eq(got("/../etc/passwd", "")->status, 404);
}
END_TEST

/* Only what is known to be wrong takes a host out of service. */
START_TEST(health_is_503_when_something_is_unhealthy)
{
    static const struct {
        enum health_state found;
        int status;
    } cases[] = {{HEALTH_HEALTHY, 200},
                 {HEALTH_DEGRADED, 200},
                 {HEALTH_UNHEALTHY, 503},
                 {HEALTH_UNKNOWN, 200}};
    ck_assert_int_eq(got("/health", "")->status, 200);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        found = cases[i].found;
        for (int looks = 0; looks < 3; looks++)
            health_assess(web.health);
        const struct response *response = got("/health", "");
        ck_assert_int_eq(response->status, cases[i].status);
        ck_assert_ptr_nonnull(strstr(response->head, "\r\nContent-Type: application/json\r\n"));
        ck_assert_ptr_nonnull(strstr(response->body, "\"component\":\"thread_pool\""));
        ck_assert_ptr_nonnull(strstr(response->body, "\"reason\":\"as told\""));
    }
}
END_TEST

START_TEST(gzip_is_the_same_text)
{
    char plain[sizeof((struct response *)0)->body], text[sizeof plain];
    fixture_process("p");
    engram_histogram_new("h_seconds", "Enough text to be worth it.", NULL);
    pipeline_collect(&pipeline, none);
    const struct response *response = got("/metrics", "");
    ck_assert_ptr_null(strstr(response->head, "Content-Encoding"));
    memcpy(plain, response->body, sizeof plain);
    ck_assert_uint_gt(strlen(plain), 1024);
    response = got("/metrics", "Accept-Encoding: gzip\r\n");
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nContent-Encoding: gzip\r\n"));
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nVary: Accept, Accept-Encoding\r\n"));
    struct inflate_state inflate;
    isal_inflate_init(&inflate);
    inflate.crc_flag = ISAL_GZIP;
    inflate.next_in = (uint8_t *)response->body;
    inflate.avail_in = (uint32_t)response->length;
    inflate.next_out = (uint8_t *)text;
    inflate.avail_out = sizeof text - 1;
    ck_assert_int_eq(isal_inflate(&inflate), ISAL_DECOMP_OK);
    ck_assert_int_eq(inflate.block_state, ISAL_BLOCK_FINISH);
    text[inflate.total_out] = 0;
    ck_assert_str_eq(text, plain);
}
END_TEST

START_TEST(each_format_says_what_it_is)
{
    static const char *const types[] = {
        "text/plain; version=0.0.4; charset=utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
        "encoding=delimited"};
    char accept[256], told[256];
    pipeline_collect(&pipeline, none);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        snprintf(accept, sizeof accept, "Accept: %s\r\n", types[i]);
        snprintf(told, sizeof told, "\r\nContent-Type: %s\r\n", types[i]);
        ck_assert_ptr_nonnull(strstr(got("/metrics", accept)->head, told));
    }
}
END_TEST

/* As users of the engine read it: the windows at the address of the metrics. */
START_TEST(windows_for_those_who_want_json)
{
    char body[sizeof((struct response *)0)->body];
    fixture_process("p");
    engram_counter_new("x_total", "", NULL);
    pipeline_collect(&pipeline, none);
    history_take(&history, snapshot_begin(pipeline.store), 1);
    snapshot_end();
    memcpy(body, got("/api/v1/snapshot?match=x_total", "")->body, sizeof body);
    ck_assert_ptr_nonnull(strstr(body, "\"one_second\":{\"x_total\":{\"count\":0,"));
    const struct response *response = got("/metrics?match=x_total", "Accept: application/json\r\n");
    ck_assert_int_eq(response->status, 200);
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nContent-Type: application/json\r\n"));
    ck_assert_str_eq(response->body, body);
}
END_TEST

/* Made once for each sample, whoever asks, and for each query by itself. */
/* Whoever asks each time for another document takes a share of the time, and not all of it. */
START_TEST(other_documents_each_time_are_refused_in_the_end)
{
    size_t account = 0;
    bool gzip = false;
    int status = 200, asked = 0;
    char query[64];
    pipeline_collect(&pipeline, none);
    history_take(&history, snapshot_begin(pipeline.store), 1);
    snapshot_end();
    for (; status == 200; asked++) {
        snprintf(query, sizeof query, "match=x%d", asked);
        frame_release(documents_get(web.documents, API_SNAPSHOT, query, &gzip, &account, &status));
    }
    ck_assert_int_eq(status, 503);
    ck_assert_int_gt(asked, 10);
    snprintf(query, sizeof query, "match=x%d", asked - 2); /* it is there still */
    frame_release(documents_get(web.documents, API_SNAPSHOT, query, &gzip, &account, &status));
    ck_assert_int_eq(status, 200);
    fixture_clock(clock_monotonic() + UINT64_C(3000000000));
    frame_release(documents_get(web.documents, API_SNAPSHOT, "match=y", &gzip, &account, &status));
    ck_assert_int_eq(status, 200);
    documents_forget(web.documents);
}
END_TEST

START_TEST(documents_are_shared_until_the_next_sample)
{
    bool gzip = false;
    int status;
    size_t account = 0;
    struct frame *frames[4];
    pipeline_collect(&pipeline, none);
    history_take(&history, snapshot_begin(pipeline.store), 1);
    snapshot_end();
    frames[0] = documents_get(web.documents, API_SNAPSHOT, "", &gzip, &account, &status);
    frames[1] = documents_get(web.documents, API_SNAPSHOT, "", &gzip, &account, &status);
    frames[2] = documents_get(web.documents, API_SNAPSHOT, "match=x", &gzip, &account, &status);
    documents_forget(web.documents);
    frames[3] = documents_get(web.documents, API_SNAPSHOT, "", &gzip, &account, &status);
    ck_assert_ptr_eq(frames[0], frames[1]);
    ck_assert_ptr_ne(frames[0], frames[2]);
    ck_assert_ptr_ne(frames[0], frames[3]);
    for (int i = 0; i < 100; i++) { /* more than are kept */
        char query[16];
        snprintf(query, sizeof query, "match=%d", i);
        frame_release(documents_get(web.documents, API_SNAPSHOT, query, &gzip, &account, &status));
    }
    ck_assert_uint_lt(account, 16 * frames[0]->length);
    for (int i = 0; i < 4; i++)
        frame_release(frames[i]);
    documents_forget(web.documents);
    ck_assert_uint_eq(account, 0);
    frame_release(documents_get(web.documents, "/api/v1/x", "", &gzip, &account, &status));
    ck_assert_int_eq(status, 404);
    ck_assert_uint_eq(account, 0); /* what is wrong is not kept */
}
END_TEST

static TCase *of_paths(void)
{
    TCase *tests = tcase_create("paths");
    tcase_add_checked_fixture(tests, start_web, stop_web);
    tcase_add_test(tests, paths_have_a_status);
    tcase_add_test(tests, health_is_503_when_something_is_unhealthy);
    tcase_add_test(tests, gzip_is_the_same_text);
    tcase_add_test(tests, each_format_says_what_it_is);
    tcase_add_test(tests, windows_for_those_who_want_json);
    tcase_add_test(tests, other_documents_each_time_are_refused_in_the_end);
    tcase_add_test(tests, documents_are_shared_until_the_next_sample);
    return tests;
}

Suite *web_suite(void)
{
    Suite *suite = suite_create("web");
    suite_add_tcase(suite, of_paths());
    return suite;
}
