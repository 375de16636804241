/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include "daemon/base/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 500 /* more names than there is room for at a time */

START_TEST(file_is_read_as_far_as_there_is_room)
{
    char text[8];
    ck_assert(small_file_read("/proc/sys/kernel/ostype", text, sizeof text));
    ck_assert_str_eq(text, "Linux\n");
    ck_assert(small_file_read("/proc/sys/kernel/ostype", text, 4));
    ck_assert_str_eq(text, "Lin");
    ck_assert(!small_file_read("/proc/nothing", text, sizeof text));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_str_eq(text, "");
    ck_assert(!small_file_read("/proc", text, sizeof text));
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(every_name_is_listed_once)
{
    char directory[] = "/tmp/engram-unit-XXXXXX", path[64];
    bool seen[FILES] = {false};
    struct listing listing;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/file-%d", directory, i);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY), others = 0;
    listing_start(&listing, fd);
    for (const char *name; (name = listing_next(&listing));) {
        if (strncmp(name, "file-", 5) != 0) {
            others++;
            continue;
        }
        ck_assert(!seen[atoi(name + 5)]);
        seen[atoi(name + 5)] = true;
    }
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(others, 2); /* "." and ".." */
    close(fd);
    for (int i = 0; i < FILES; i++) {
        ck_assert(seen[i]);
        snprintf(path, sizeof path, "%s/file-%d", directory, i);
        unlink(path);
    }
    rmdir(directory);
}
END_TEST

START_TEST(listing_that_fails_says_so)
{
    struct listing listing;
    listing_start(&listing, -1);
    ck_assert_ptr_null(listing_next(&listing));
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

Suite *small_file_suite(void)
{
    Suite *suite = suite_create("small_file");
    TCase *tcase = tcase_create("small_file");
    tcase_add_test(tcase, file_is_read_as_far_as_there_is_room);
    tcase_add_test(tcase, every_name_is_listed_once);
    tcase_add_test(tcase, listing_that_fails_says_so);
    suite_add_tcase(suite, tcase);
    return suite;
}
