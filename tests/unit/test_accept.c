/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include "daemon/http/accept.h"

/* What Prometheus 2.42 sends by default. */
#define PROMETHEUS                                                                                 \
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"       \
    "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

/* And with native histograms. */
#define PROTOBUF                                                                                   \
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
#define NATIVE                                                                                     \
    PROTOBUF ",application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;"     \
             "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

/* Prometheus 3, the same. */
#define PROMETHEUS_3                                                                               \
    PROTOBUF ";q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"       \
             "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"          \
             "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"

static const struct {
    const char *accept;
    enum exposition_format format;
} cases[] = {
    {NULL, EXPOSITION_TEXT},
    {"", EXPOSITION_TEXT},
    {"*/*", EXPOSITION_TEXT},
    {"text/*", EXPOSITION_TEXT},
    {"application/*", EXPOSITION_OPENMETRICS},
    {PROMETHEUS, EXPOSITION_OPENMETRICS},
    {"text/plain;version=0.0.4", EXPOSITION_TEXT},
    {"text/plain", EXPOSITION_TEXT},
    {"text/plain;version=1.0.0", EXPOSITION_NONE},
    {"text/plain; version=1.0.0, */*;q=0.1", EXPOSITION_TEXT},
    {"application/openmetrics-text", EXPOSITION_OPENMETRICS},
    {"application/openmetrics-text; version=\"0.0.1\"", EXPOSITION_OPENMETRICS},
    {"application/openmetrics-text;version=2.0.0", EXPOSITION_NONE},
    {"application/openmetrics-text;q=0.2, text/plain;q=0.3", EXPOSITION_TEXT},
    {"application/openmetrics-text, text/plain", EXPOSITION_OPENMETRICS},
    {"application/openmetrics-text;q=0, */*", EXPOSITION_TEXT},
    {"text/plain;q=0, */*", EXPOSITION_OPENMETRICS},
    {"text/plain;q=0.000", EXPOSITION_NONE},
    {"application/json", EXPOSITION_JSON},
    {"application/json, text/plain, */*", EXPOSITION_JSON}, /* as some clients ask by default */
    {"application/json;q=0.5, text/plain", EXPOSITION_TEXT},
    {"application/json;q=0", EXPOSITION_NONE},
    {"application/json, application/openmetrics-text", EXPOSITION_OPENMETRICS},
    {"application/yaml", EXPOSITION_NONE},
    {"TEXT/PLAIN", EXPOSITION_TEXT},
    {"text/html,application/xhtml+xml,*/*;q=0.8", EXPOSITION_TEXT},
    {",,;;=", EXPOSITION_NONE},
    {NATIVE, EXPOSITION_PROTOBUF},
    {PROMETHEUS_3, EXPOSITION_PROTOBUF},
    {PROTOBUF, EXPOSITION_PROTOBUF},
    {PROTOBUF ";q=0", EXPOSITION_NONE},
    {PROTOBUF ";q=0, */*", EXPOSITION_TEXT},
    {PROTOBUF ";q=0.5, text/plain;q=0.6", EXPOSITION_TEXT},
    {PROTOBUF ";q=0.5, application/openmetrics-text;q=0.6", EXPOSITION_OPENMETRICS},
    {PROTOBUF ";q=0.5, application/*;q=0.6", EXPOSITION_OPENMETRICS},
    {PROTOBUF ";q=0.5, application/json;q=0.6", EXPOSITION_JSON},
    {"text/plain, application/openmetrics-text, application/json, " PROTOBUF, EXPOSITION_PROTOBUF},
    {"application/vnd.google.protobuf", EXPOSITION_PROTOBUF},
    {"application/vnd.google.protobuf;proto=\"io.prometheus.client.MetricFamily\"",
     EXPOSITION_PROTOBUF},
    {"application/vnd.google.protobuf;proto=io.prometheus.write.v2.Request", EXPOSITION_NONE},
    {"application/vnd.google.protobuf;encoding=text", EXPOSITION_NONE},
    {"application/vnd.google.protobuf;encoding=compact-text, */*;q=0.1", EXPOSITION_TEXT},
};

START_TEST(format_is_negotiated)
{
    ck_assert_msg(accept_format(cases[_i].accept) == cases[_i].format, "Accept: %s gave %d",
                  cases[_i].accept ? cases[_i].accept : "(none)",
                  (int)accept_format(cases[_i].accept));
}
END_TEST

START_TEST(gzip_is_negotiated)
{
    ck_assert(accept_gzip("gzip"));
    ck_assert(accept_gzip("deflate, GZIP;q=0.5"));
    ck_assert(accept_gzip("*"));
    ck_assert(!accept_gzip(NULL));
    ck_assert(!accept_gzip(""));
    ck_assert(!accept_gzip("identity"));
    ck_assert(!accept_gzip("gzip;q=0"));
    ck_assert(!accept_gzip("gzip;q=0, *"));
    ck_assert(!accept_gzip("gzipped"));
}
END_TEST

Suite *accept_suite(void)
{
    Suite *suite = suite_create("accept");
    TCase *tests = tcase_create("negotiation");
    tcase_add_loop_test(tests, format_is_negotiated, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tests, gzip_is_negotiated);
    suite_add_tcase(suite, tests);
    return suite;
}
