/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/json.h"
#include "suites.h"

static struct buffer out;
static struct json json;

static void start(void)
{
    out = (struct buffer){0};
    json = (struct json){&out, false};
}

static void stop(void)
{
    buffer_free(&out);
}

static const char *written(void)
{
    buffer_append_char(&out, 0);
    ck_assert(!out.failed);
    return out.data;
}

START_TEST(test_commas)
{
    json_object(&json);
    json_key(&json, "empty");
    json_array(&json);
    json_array_end(&json);
    json_key(&json, "list");
    json_array(&json);
    json_object(&json);
    json_object_end(&json);
    json_array(&json);
    json_u64(&json, 1);
    json_string(&json, "two");
    json_array_end(&json);
    json_null(&json);
    json_encoded(&json, "{\"a\":3}", 7);
    json_array_end(&json);
    json_key(&json, "last");
    json_bool(&json, true);
    json_object_end(&json);
    ck_assert_str_eq(written(),
                     "{\"empty\":[],\"list\":[{},[1,\"two\"],null,{\"a\":3}],\"last\":true}");
}
END_TEST

START_TEST(test_numbers)
{
    json_array(&json);
    json_u64(&json, UINT64_MAX);
    json_i64(&json, INT64_MIN);
    json_double(&json, 0.1);
    json_double(&json, -1e300);
    json_double(&json, 5e-324);
    json_double(&json, NAN);
    json_double(&json, INFINITY);
    json_double(&json, -INFINITY);
    json_bool(&json, false);
    json_array_end(&json);
    ck_assert_str_eq(written(), "[18446744073709551615,-9223372036854775808,0.1,-1e+300,5e-324,"
                                "null,null,null,false]");
}
END_TEST

#define FFFD "\xef\xbf\xbd"

/* What is overlong, a surrogate, beyond U+10FFFF or cut short. */
static const struct {
    const char *text;
    size_t length;
    const char *quoted;
} texts[] = {
#define TEXT(text, quoted)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, "\"" quoted "\""                                                   \
    }
    TEXT("", ""),
    TEXT("a\"b\\c/d", "a\\\"b\\\\c/d"),
    TEXT("\b\f\n\r\t", "\\b\\f\\n\\r\\t"),
    TEXT("\0a\x01\x1f", "\\u0000a\\u0001\\u001f"),
    TEXT("\x7f\xc2\x80\xdf\xbf", "\x7f\xc2\x80\xdf\xbf"),
    TEXT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
         "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
    TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
    TEXT("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"),
    TEXT("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"),
    TEXT("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B"),
    TEXT("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"),
    TEXT("x\xf0\x9f\x98", "x" FFFD FFFD FFFD),
    TEXT("\xc3", FFFD),
#undef TEXT
};

START_TEST(test_text)
{
    json_text(&json, texts[_i].text, texts[_i].length);
    ck_assert_str_eq(written(), texts[_i].quoted);
}
END_TEST

/* What lies behind a text's end is not looked at. */
START_TEST(test_end_of_text)
{
    json_text(&json, "a\xc3\xa9", 2);
    ck_assert_str_eq(written(), "\"a" FFFD "\"");
}
END_TEST

Suite *json_suite(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("writer");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_commas);
    tcase_add_test(tcase, test_numbers);
    tcase_add_loop_test(tcase, test_text, 0, sizeof texts / sizeof texts[0]);
    tcase_add_test(tcase, test_end_of_text);
    suite_add_tcase(suite, tcase);
    return suite;
}
