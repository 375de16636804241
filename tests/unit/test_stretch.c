/* SPDX-License-Identifier: MIT */
/* What is written into a stretch is read from it, wherever it stands. */
#include "daemon/history/stretch.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

static struct stretch_writer writer;
static struct stretch *stretch;

static void start(void)
{
    writer = (struct stretch_writer){0};
}

static void stop(void)
{
    free(stretch);
    stretch = NULL;
    stretch_writer_free(&writer);
}

static const struct count_change counts[] = {
    {0, 0},         {1, 0},  {127, 0}, {INT64_C(1) << 61, 0},   {INT64_C(1) << 62, 0},
    {INT64_MAX, 0}, {-1, 1}, {5, 3},   {INT64_MIN, UINT64_MAX},
};
#define COUNTS (sizeof counts / sizeof counts[0])

START_TEST(counts_come_back)
{
    stretch_begin(&writer, false);
    stretch_group_begin(&writer);
    for (uint32_t i = 0; i < COUNTS; i++)
        stretch_put_count(&writer, 2 * i, counts[i]);
    stretch_group_end(&writer);
    stretch = stretch_end(&writer);
    struct stretch_reader reader = stretch_read(stretch, 0);
    for (uint32_t i = 0; i < COUNTS; i++) {
        ck_assert(reader.changed >> 2 * i & 1);
        ck_assert(!(reader.changed >> (2 * i + 1) & 1));
        struct count_change change = stretch_take_count(&reader);
        ck_assert_int_eq(change.net, counts[i].net);
        ck_assert_uint_eq(change.fall, counts[i].fall);
    }
}
END_TEST

START_TEST(an_ordinary_count_is_small)
{
    stretch_begin(&writer, false);
    stretch_group_begin(&writer);
    for (uint32_t i = 0; i < STRETCH_GROUP; i++)
        stretch_put_count(&writer, i, (struct count_change){1000, 0});
    stretch_group_end(&writer);
    ck_assert_uint_le(writer.bytes.length, 8 + 2 * STRETCH_GROUP);
}
END_TEST

static const uint64_t numbers[] = {0,
                                   1,
                                   0xff,
                                   UINT64_C(0xff00) << 32,
                                   UINT64_C(1) << 63,
                                   UINT64_MAX,
                                   UINT64_C(0x3ff0000000000000)};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

/* Without and with the summary of several samples. */
START_TEST(numbers_come_back)
{
    stretch_begin(&writer, _i);
    stretch_group_begin(&writer);
    for (uint32_t i = 0; i < NUMBERS; i++)
        stretch_put_number(&writer, i,
                           &(struct number_change){numbers[i], -1.5, i, 2.5 * i, 1000 * i});
    stretch_group_end(&writer);
    stretch = stretch_end(&writer);
    struct stretch_reader reader = stretch_read(stretch, 0);
    for (uint32_t i = 0; i < NUMBERS; i++) {
        struct number_change change = stretch_take_number(&reader);
        ck_assert_uint_eq(change.bits, numbers[i]);
        ck_assert(change.least == (_i ? -1.5 : 0));
        ck_assert(change.most == (_i ? i : 0));
        ck_assert(change.sum == (_i ? 2.5 * i : 0));
        ck_assert_uint_eq(change.count, _i ? 1000 * i : 0);
    }
}
END_TEST

/* Entries of each kind, one after the other; a reader passes over what it does not want. */
START_TEST(entries_are_passed_over)
{
    double sum;
    uint32_t gap;
    stretch_begin(&writer, false);
    stretch_group_begin(&writer);
    stretch_put_cells(&writer, 0, 2, 1.25);
    stretch_put_cell(&writer, 300, (struct count_change){7, 0});
    stretch_put_cell(&writer, 0, (struct count_change){-8, 9});
    stretch_put_number(&writer, 1, &(struct number_change){.bits = 5});
    stretch_put_count(&writer, 2, (struct count_change){-8, 9});
    stretch_put_cells(&writer, 63, 1, -0.5);
    stretch_put_cell(&writer, 2, (struct count_change){3, 0});
    stretch_group_end(&writer);
    stretch = stretch_end(&writer);
    struct stretch_reader reader = stretch_read(stretch, 0);
    ck_assert_uint_eq(reader.changed, UINT64_C(7) | UINT64_C(1) << 63);
    stretch_skip(&reader, CHANGE_CELLS);
    stretch_skip(&reader, CHANGE_NUMBER);
    stretch_skip(&reader, CHANGE_COUNT);
    ck_assert_uint_eq(stretch_take_cells(&reader, &sum), 1);
    ck_assert(sum == -0.5);
    ck_assert_int_eq(stretch_take_cell(&reader, &gap).net, 3);
    ck_assert_uint_eq(gap, 2);
}
END_TEST

START_TEST(groups_have_their_own)
{
    stretch_begin(&writer, false);
    for (int group = 0; group < 3; group++) {
        stretch_group_begin(&writer);
        if (group != 1)
            stretch_put_count(&writer, 63, (struct count_change){group + 1, 0});
        stretch_group_end(&writer);
    }
    stretch = stretch_end(&writer);
    ck_assert_uint_eq(stretch->groups, 3);
    struct stretch_reader reader = stretch_read(stretch, 2);
    ck_assert_int_eq(stretch_take_count(&reader).net, 3);
    ck_assert_uint_eq(stretch_read(stretch, 1).changed, 0);
    ck_assert_uint_eq(stretch_read(stretch, 3).changed, 0); /* it has no such group */
}
END_TEST

Suite *stretch_suite(void)
{
    Suite *suite = suite_create("stretch");
    TCase *tests = tcase_create("entries");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, counts_come_back);
    tcase_add_test(tests, an_ordinary_count_is_small);
    tcase_add_loop_test(tests, numbers_come_back, 0, 2);
    tcase_add_test(tests, entries_are_passed_over);
    tcase_add_test(tests, groups_have_their_own);
    suite_add_tcase(suite, tests);
    return suite;
}
