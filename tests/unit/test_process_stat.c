/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include "daemon/process_stat.h"

#include <math.h>
#include <time.h>

START_TEST(start_is_true_and_stays)
{
    struct process_stat stat = {0};
    process_stat_read(&stat);
    ck_assert(stat.valid);
    double first = stat.start_time;
    ck_assert_double_lt(fabs(first - (double)time(NULL)), 60);
    for (int i = 0; i < 12; i++) {
        struct process_stat fresh = {0};
        nanosleep(&(struct timespec){.tv_nsec = 90000000}, NULL);
        process_stat_read(&stat);
        process_stat_read(&fresh);
        ck_assert_double_eq(stat.start_time, first);
        ck_assert_double_lt(fabs(fresh.start_time - first), 0.1);
    }
}
END_TEST

Suite *process_stat_suite(void)
{
    Suite *suite = suite_create("process_stat");
    TCase *tcase = tcase_create("process_stat");
    tcase_add_test(tcase, start_is_true_and_stays);
    suite_add_tcase(suite, tcase);
    return suite;
}
