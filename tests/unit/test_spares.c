/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include "daemon/base/spares.h"

#include <stdint.h>

static struct spares spares;

static void start(void)
{
    spares_init(&spares, 2);
}

static void stop(void)
{
    spares_destroy(&spares);
}

START_TEST(what_was_given_back_is_taken_again)
{
    void *first = spares_take(&spares, 100), *second = spares_take(&spares, 100);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_ne(first, second);
    ck_assert_uint_eq((uintptr_t)first % _Alignof(max_align_t), 0);
    spares_give(&spares, first);
    spares_give(&spares, NULL);
    spares_give(&spares, second);
    ck_assert_ptr_eq(spares_take(&spares, 100), second); /* still in the caches */
    ck_assert_ptr_eq(spares_take(&spares, 100), first);
    spares_give(&spares, first);
    spares_give(&spares, second);
}
END_TEST

START_TEST(sizes_are_kept_apart)
{
    void *small = spares_take(&spares, 100);
    spares_give(&spares, small);
    void *large = spares_take(&spares, 101);
    ck_assert_ptr_ne(large, small);
    ck_assert_uint_eq(spares.count, 1);
    spares_give(&spares, large);
    ck_assert_ptr_eq(spares_take(&spares, 100), small);
    spares_give(&spares, small);
}
END_TEST

/* Or those of a size that nobody wants any more would stay for good. */
START_TEST(who_has_waited_longest_goes)
{
    void *blocks[] = {spares_take(&spares, 1), spares_take(&spares, 2), spares_take(&spares, 3)};
    for (int i = 0; i < 3; i++)
        spares_give(&spares, blocks[i]);
    ck_assert_uint_eq(spares.count, 2);
    for (size_t i = 1; i < 3; i++)
        ck_assert_ptr_eq(spares_take(&spares, i + 1), blocks[i]);
    ck_assert_uint_eq(spares.count, 0);
    for (int i = 1; i < 3; i++)
        spares_give(&spares, blocks[i]);
}
END_TEST

Suite *spares_suite(void)
{
    Suite *suite = suite_create("spares");
    TCase *tcase = tcase_create("spares");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, what_was_given_back_is_taken_again);
    tcase_add_test(tcase, sizes_are_kept_apart);
    tcase_add_test(tcase, who_has_waited_longest_goes);
    suite_add_tcase(suite, tcase);
    return suite;
}
