/* SPDX-License-Identifier: MIT */
/* Server-Sent Events, as engramctl reads them. */
#include "suites.h"

#include "tools/engramctl/sse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 64

/* All that came out, as one text: "event|id|data;" and "#comment;". */
static char seen[4096];

static void on_message(void *argument, const struct sse_message *message)
{
    size_t used = strlen(seen);
    (void)argument;
    ck_assert_uint_eq(strlen(message->data), message->length);
    snprintf(seen + used, sizeof seen - used, "%s|%s|%s;", message->event, message->id,
             message->data);
}

static void on_comment(void *argument, const char *text, size_t length)
{
    size_t used = strlen(seen);
    (void)argument;
    ck_assert_uint_eq(strlen(text), length);
    snprintf(seen + used, sizeof seen - used, "#%s;", text);
}

static const struct sse_sink sink = {on_message, on_comment, NULL};

static struct sse *start(void)
{
    struct sse *sse = sse_new(&sink, MOST);
    ck_assert_ptr_nonnull(sse);
    seen[0] = 0;
    return sse;
}

static bool feed(struct sse *sse, const char *text)
{
    return sse_feed(sse, text, strlen(text));
}

static const struct {
    const char *stream, *seen;
} streams[] = {
    {"data: one\n\n", "message||one;"},
    {"data:one\r\n\r\n", "message||one;"},
    {"data:one\r\r", "message||one;"},
    {"data:  two blanks\n\n", "message|| two blanks;"},
    {"data: a\ndata: b\r\ndata\n\n", "message||a\nb\n;"},
    {"data\n\n", "message||;"},
    {"data:\n\ndata", "message||;"},
    {"event: metrics\nid: 7-1\ndata: {}\n\ndata: x\n\n", "metrics|7-1|{};message|7-1|x;"},
    {"event: lost\n\ndata: x\n\n", "message||x;"},
    {"id: 1\n\ndata: x\n\nid\ndata: y\n\n", "message|1|x;message||y;"},
    {"\xef\xbb\xbf"
     "data: x\n\n",
     "message||x;"},
    {"data: x\n\n\xef\xbb\xbf"
     "data: y\n\n",
     "message||x;"},
    {": beat\n\n:\n\n", "# beat;#;"},
    {"data: cut", ""},
    {"data: cut\n", ""},
    {"dat: a\ndatas: b\nDATA: c\n data: d\n\n", ""},
    {"event: a\nevent: b\ndata: x\n\n", "b||x;"},
    {"data: a:b\nid: :\n\n", "message|:|a:b;"},
    {"\n\n\r\n\r\r", ""},
};
#define STREAMS (int)(sizeof streams / sizeof *streams)

/* In one piece, and in all two. */
START_TEST(streams_are_cut_into_messages)
{
    const char *stream = streams[_i].stream;
    for (size_t cut = 0; cut <= strlen(stream); cut++) {
        struct sse *sse = start();
        ck_assert(sse_feed(sse, stream, cut));
        ck_assert(feed(sse, stream + cut));
        ck_assert_msg(strcmp(seen, streams[_i].seen) == 0, "cut at %zu: %s", cut, seen);
        sse_free(sse);
    }
}
END_TEST

START_TEST(id_with_a_nul_is_none)
{
    struct sse *sse = start();
    ck_assert(sse_feed(sse, "id: 1\n\nid: 2\0\n\n", 16));
    ck_assert_str_eq(sse_last_id(sse), "1");
    sse_free(sse);
}
END_TEST

/* One goes on behind the last message that was whole. */
START_TEST(id_counts_when_its_message_is_whole)
{
    struct sse *sse = start();
    ck_assert_str_eq(sse_last_id(sse), "");
    ck_assert(feed(sse, "id: 1\ndata: x\n\nid: 2\ndata: y\n"));
    ck_assert_str_eq(sse_last_id(sse), "1");
    sse_end(sse);
    ck_assert(feed(sse, "\xef\xbb\xbf"
                        "data: z\n\n"));
    ck_assert_str_eq(seen, "message|1|x;message|1|z;");
    sse_free(sse);
}
END_TEST

START_TEST(retry_is_a_number_of_milliseconds)
{
    struct sse *sse = start();
    ck_assert_uint_eq(sse_retry_ms(sse, 5), 5);
    ck_assert(feed(sse, "retry: 3000\n"));
    ck_assert_uint_eq(sse_retry_ms(sse, 5), 3000);
    ck_assert(feed(sse, "retry: 1s\nretry:\nretry: -1\n"));
    ck_assert_uint_eq(sse_retry_ms(sse, 5), 3000);
    ck_assert(feed(sse, "retry: 99999999999999999999999999\n"));
    ck_assert_uint_eq(sse_retry_ms(sse, 5), 3600000);
    sse_free(sse);
}
END_TEST

static const char *const endless[] = {"data: 0123456789\n", "0123456789abcdef", "data\n",
                                      "data: 0123456789\r\n"};

START_TEST(what_is_too_long_ends_the_stream)
{
    struct sse *sse = start();
    int fed = 0;
    while (fed < 100 && feed(sse, endless[_i]))
        fed++;
    ck_assert_int_le(fed, MOST + 1);
    ck_assert_str_eq(seen, "");
    sse_free(sse);
}
END_TEST

START_TEST(longest_line_is_taken)
{
    char line[MOST + 3] = "data:";
    struct sse *sse = start();
    memset(line + 5, 'x', MOST - 5);
    memcpy(line + MOST, "\n\n", 2);
    ck_assert(feed(sse, line));
    ck_assert_uint_eq(strlen(seen), strlen("message||;") + MOST - 5);
    sse_free(sse);
}
END_TEST

Suite *sse_suite(void)
{
    Suite *suite = suite_create("sse");
    TCase *tests = tcase_create("parser");
    tcase_add_loop_test(tests, streams_are_cut_into_messages, 0, STREAMS);
    tcase_add_test(tests, id_with_a_nul_is_none);
    tcase_add_test(tests, id_counts_when_its_message_is_whole);
    tcase_add_test(tests, retry_is_a_number_of_milliseconds);
    tcase_add_loop_test(tests, what_is_too_long_ends_the_stream, 0,
                        (int)(sizeof endless / sizeof *endless));
    tcase_add_test(tests, longest_line_is_taken);
    suite_add_tcase(suite, tests);
    return suite;
}
