/* SPDX-License-Identifier: MIT */
/* Files of the kernel that are read again and again. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/machine/source.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

static struct machine_source source;
static char text[64];

static void open_source(const char *path)
{
    ck_assert(source_init(&source, sysroot, "%s", path));
}

START_TEST(file_is_read_as_it_is_now)
{
    sysroot_put("/proc/x", "one\n");
    open_source("/proc/x");
    ck_assert(source_read(&source, text, sizeof text));
    ck_assert_str_eq(text, "one\n");
    int file = source.file;
    sysroot_put("/proc/x", "other\n");
    ck_assert(source_read(&source, text, sizeof text));
    ck_assert_str_eq(text, "other\n");
    ck_assert_int_eq(source.file, file); /* and is not opened again */
}
END_TEST

START_TEST(file_that_vanishes_and_comes_back)
{
    open_source("/sys/x");
    for (int i = 0; i < 3; i++) {
        ck_assert(!source_read(&source, text, sizeof text));
        ck_assert_str_eq(source_word(source.reason), "not_found");
        ck_assert_str_eq(text, "");
        sysroot_put("/sys/x", "%d\n", i);
        ck_assert(source_read(&source, text, sizeof text));
        ck_assert_str_eq(source_word(source.reason), "");
        ck_assert_int_eq(atoi(text), i);
        sysroot_remove("/sys/x");
    }
}
END_TEST

START_TEST(only_whole_lines_are_given)
{
    sysroot_put("/proc/x", "first 1\nsecond 2\n");
    open_source("/proc/x");
    ck_assert(source_read(&source, text, 17));
    ck_assert_str_eq(text, "first 1\n");
    ck_assert(source_read(&source, text, 18 + 1));
    ck_assert_str_eq(text, "first 1\nsecond 2\n");
    ck_assert(source_read(&source, text, 5));
    ck_assert_str_eq(text, "");
    sysroot_put("/proc/x", "%s", "");
    ck_assert(source_read(&source, text, sizeof text));
    ck_assert_str_eq(text, "");
}
END_TEST

/* More than the kernel gives at once. */
START_TEST(long_file_is_read_whole)
{
    static char all[1 << 16], again[1 << 16];
    ck_assert(source_init(&source, "/", "/proc/self/%s", "smaps"));
    ck_assert(source_read(&source, all, sizeof all));
    ck_assert_uint_gt(strlen(all), 8192);
    ck_assert(source_read(&source, again, sizeof again));
    ck_assert_int_eq(strncmp(all, again, 20), 0); /* from the start */
}
END_TEST

START_TEST(reasons)
{
    static const struct {
        int error;
        const char *word;
    } words[] = {{ENOENT, "not_found"}, {ENODEV, "not_found"},      {EACCES, "permission"},
                 {EPERM, "permission"}, {EMFILE, "no_descriptors"}, {EOPNOTSUPP, "unsupported"},
                 {EIO, "unreadable"},   {0, "unreadable"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_str_eq(source_word(source_reason_of(words[i].error)), words[i].word);
    sysroot_put("/proc/x/y", "%s", "");
    open_source("/proc/x"); /* a folder opens, and cannot be read */
    ck_assert(!source_read(&source, text, sizeof text));
    ck_assert_str_eq(source_word(source.reason), "unreadable");
}
END_TEST

START_TEST(no_descriptor_is_left)
{
    struct rlimit files, none = {0, 0};
    sysroot_put("/proc/x", "one\n");
    open_source("/proc/x");
    getrlimit(RLIMIT_NOFILE, &files);
    none.rlim_max = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &none);
    ck_assert(!source_read(&source, text, sizeof text));
    setrlimit(RLIMIT_NOFILE, &files);
    ck_assert_str_eq(source_word(source.reason), "no_descriptors");
    ck_assert(source_read(&source, text, sizeof text));
}
END_TEST

static void end_source(void)
{
    source_close(&source);
    sysroot_stop();
}

Suite *source_suite(void)
{
    Suite *suite = suite_create("source");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, sysroot_start, end_source);
    tcase_add_test(tests, file_is_read_as_it_is_now);
    tcase_add_test(tests, file_that_vanishes_and_comes_back);
    tcase_add_test(tests, only_whole_lines_are_given);
    tcase_add_test(tests, long_file_is_read_whole);
    tcase_add_test(tests, reasons);
    tcase_add_test(tests, no_descriptor_is_left);
    suite_add_tcase(suite, tests);
    return suite;
}
