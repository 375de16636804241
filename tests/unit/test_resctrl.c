/* SPDX-License-Identifier: MIT */
/* What caches say that they have moved, and when they say nothing. */
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/machine/resctrl.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOT "/sys/fs/resctrl"
#define LIST_READS 10

static struct topology *topology;
static struct resctrl *resctrl;

static void start(void)
{
    sysroot_start();
    setenv("HWLOC_SYNTHETIC", TWO_NODES, 1);
    topology = topology_load("/");
    resctrl = resctrl_new(sysroot, topology);
    ck_assert_ptr_nonnull(resctrl);
    for (int cpu = 0; cpu < 2; cpu++) {
        char path[96];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cache/index3/id", cpu);
        sysroot_put(path, "%d\n", cpu);
    }
}

static void stop(void)
{
    resctrl_free(resctrl);
    topology_free(topology);
    sysroot_stop();
}

static void put_event(int id, const char *event, const char *text)
{
    char path[96];
    snprintf(path, sizeof path, ROOT "/mon_data/mon_L3_%02d/%s", id, event);
    sysroot_put(path, "%s\n", text);
}

static void put(int id, const char *total, const char *local)
{
    put_event(id, "mbm_total_bytes", total);
    put_event(id, "mbm_local_bytes", local);
}

static void remove_cache(int id)
{
    char path[96];
    snprintf(path, sizeof path, ROOT "/mon_data/mon_L3_%02d/mbm_total_bytes", id);
    sysroot_remove(path);
    snprintf(path, sizeof path, ROOT "/mon_data/mon_L3_%02d/mbm_local_bytes", id);
    sysroot_remove(path);
    snprintf(path, sizeof path, ROOT "/mon_data/mon_L3_%02d", id);
    sysroot_remove(path);
}

static const struct resctrl_domain *domain_of(uint32_t id)
{
    for (uint32_t i = 0; i < resctrl_domains(resctrl); i++)
        if (resctrl_domain(resctrl, i)->id == id)
            return resctrl_domain(resctrl, i);
    ck_abort_msg("no cache %u", id);
}

static void expect(enum resctrl_reason reason, uint64_t total, uint64_t local)
{
    for (int event = 0; event < RESCTRL_EVENTS; event++)
        ck_assert_str_eq(resctrl_word(resctrl_reason(resctrl, event)), resctrl_word(reason));
    ck_assert_uint_eq(resctrl_bytes(resctrl, RESCTRL_TOTAL), total);
    ck_assert_uint_eq(resctrl_bytes(resctrl, RESCTRL_LOCAL), local);
}

START_TEST(what_caches_have_moved)
{
    put(0, "1000", "900");
    put(1, "5000", "5000");
    put_event(1, "llc_occupancy", "77");
    sysroot_put(ROOT "/mon_data/mon_MB_00/x", "other\n");
    resctrl_read(resctrl);
    expect(RESCTRL_COUNTS, 0, 0); /* before the daemon came */
    ck_assert_uint_eq(resctrl_domains(resctrl), 2);
    put(0, "1300", "1000");
    put(1, "5007", "5005");
    resctrl_read(resctrl);
    expect(RESCTRL_COUNTS, 307, 105);
    ck_assert_uint_eq(domain_of(0)->bytes[RESCTRL_TOTAL], 300);
    ck_assert_uint_eq(domain_of(1)->bytes[RESCTRL_LOCAL], 5);
    ck_assert_uint_eq(domain_of(0)->node, 0);
    ck_assert_uint_eq(domain_of(1)->node, 1);
}
END_TEST

START_TEST(counters_that_are_reset_only_rise)
{
    put(0, "1000", "1000");
    resctrl_read(resctrl);
    put(0, "1010", "1001");
    resctrl_read(resctrl);
    put(0, "3", "2");
    resctrl_read(resctrl);
    expect(RESCTRL_COUNTS, 10, 1);
    put(0, "8", "2");
    resctrl_read(resctrl);
    expect(RESCTRL_COUNTS, 15, 1);
}
END_TEST

static const struct {
    const char *text;
    enum resctrl_reason reason;
} refusals[] = {{"Unavailable", RESCTRL_UNAVAILABLE}, {"Error", RESCTRL_UNREADABLE},
                {"Unassigned", RESCTRL_UNREADABLE},   {"", RESCTRL_UNREADABLE},
                {"-5", RESCTRL_UNREADABLE},           {"99999999999999999999", RESCTRL_UNREADABLE},
                {"12 bytes?", RESCTRL_COUNTS}};

/* One of two is enough: the other is not the whole.  What happened meanwhile is not known. */
START_TEST(cache_that_says_nothing)
{
    put(0, "10", "10");
    put(1, "10", "10");
    resctrl_read(resctrl);
    put(0, refusals[_i].text, refusals[_i].text);
    resctrl_read(resctrl);
    for (int event = 0; event < RESCTRL_EVENTS; event++)
        ck_assert_int_eq(resctrl_reason(resctrl, event), refusals[_i].reason);
    put(0, "1000", "1000");
    resctrl_read(resctrl);
    put(0, "1001", "1001");
    resctrl_read(resctrl);
    bool good = refusals[_i].reason == RESCTRL_COUNTS;
    expect(RESCTRL_COUNTS, good ? 991 : 1, good ? 991 : 1);
}
END_TEST

START_TEST(it_is_not_mounted_and_then_is)
{
    resctrl_read(resctrl);
    expect(RESCTRL_NOT_FOUND, 0, 0);
    sysroot_put(ROOT "/mon_data/nothing", "\n"); /* CPUs that do not count */
    resctrl_read(resctrl);
    expect(RESCTRL_NOT_FOUND, 0, 0);
    put(0, "10", "10");
    resctrl_read(resctrl);
    put(0, "11", "11");
    resctrl_read(resctrl);
    expect(RESCTRL_COUNTS, 1, 1);
}
END_TEST

START_TEST(one_of_the_events_alone)
{
    put_event(0, "mbm_total_bytes", "10");
    resctrl_read(resctrl);
    put_event(0, "mbm_total_bytes", "12");
    resctrl_read(resctrl);
    ck_assert_int_eq(resctrl_reason(resctrl, RESCTRL_TOTAL), RESCTRL_COUNTS);
    ck_assert_int_eq(resctrl_reason(resctrl, RESCTRL_LOCAL), RESCTRL_NOT_FOUND);
    ck_assert_uint_eq(resctrl_bytes(resctrl, RESCTRL_TOTAL), 2);
}
END_TEST

/* What other control groups moved is not in the root's numbers; of groups that only monitor it is.
 */
START_TEST(other_control_groups)
{
    put(0, "10", "10");
    sysroot_put(ROOT "/mon_groups/watched/mon_data/mon_L3_00/mbm_total_bytes", "5\n");
    sysroot_put(ROOT "/info/L3_MON/num_rmids", "5\n");
    resctrl_read(resctrl);
    put(0, "20", "20");
    resctrl_read(resctrl);
    expect(RESCTRL_COUNTS, 10, 10);
    sysroot_put(ROOT "/tenant/mon_data/mon_L3_00/mbm_total_bytes", "5\n");
    for (int i = 0; i < LIST_READS; i++)
        resctrl_read(resctrl);
    expect(RESCTRL_PARTIAL, 10, 10);
    put(0, "500", "500");
    sysroot_remove(ROOT "/tenant/mon_data/mon_L3_00/mbm_total_bytes");
    sysroot_remove(ROOT "/tenant/mon_data/mon_L3_00");
    sysroot_remove(ROOT "/tenant/mon_data");
    for (int i = 0; i < LIST_READS; i++)
        resctrl_read(resctrl);
    put(0, "501", "501");
    resctrl_read(resctrl);
    expect(RESCTRL_COUNTS, 11, 11);
}
END_TEST

START_TEST(cache_goes_with_its_cpus_and_comes_back)
{
    put(0, "10", "10");
    put(1, "10", "10");
    resctrl_read(resctrl);
    put(0, "11", "11");
    put(1, "13", "13");
    resctrl_read(resctrl);
    remove_cache(1);
    resctrl_read(resctrl);
    ck_assert_int_eq(resctrl_reason(resctrl, RESCTRL_TOTAL), RESCTRL_NOT_FOUND);
    resctrl_read(resctrl);
    expect(RESCTRL_COUNTS, 4, 4);
    ck_assert_uint_eq(resctrl_domains(resctrl), 1);
    put(1, "100", "100");
    for (int i = 0; i < LIST_READS; i++)
        resctrl_read(resctrl);
    put(1, "105", "105");
    resctrl_read(resctrl);
    expect(RESCTRL_COUNTS, 9, 9);
    ck_assert_uint_eq(domain_of(1)->node, 1);
}
END_TEST

START_TEST(cache_of_several_nodes)
{
    put(0, "10", "10");
    sysroot_put("/sys/devices/system/cpu/cpu1/cache/index3/id", "0\n");
    resctrl_read(resctrl);
    ck_assert_uint_eq(domain_of(0)->node, RESCTRL_NODE_NONE);
}
END_TEST

START_TEST(more_caches_than_there_is_room_for)
{
    for (int i = 0; i <= RESCTRL_DOMAINS_MOST; i++)
        put(i, "1", "1");
    resctrl_read(resctrl);
    expect(RESCTRL_UNREADABLE, 0, 0);
    ck_assert_uint_eq(resctrl_domains(resctrl), RESCTRL_DOMAINS_MOST);
}
END_TEST

Suite *resctrl_suite(void)
{
    Suite *suite = suite_create("resctrl");
    TCase *tests = tcase_create("resctrl");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, what_caches_have_moved);
    tcase_add_test(tests, counters_that_are_reset_only_rise);
    tcase_add_loop_test(tests, cache_that_says_nothing, 0, sizeof refusals / sizeof refusals[0]);
    tcase_add_test(tests, it_is_not_mounted_and_then_is);
    tcase_add_test(tests, one_of_the_events_alone);
    tcase_add_test(tests, other_control_groups);
    tcase_add_test(tests, cache_goes_with_its_cpus_and_comes_back);
    tcase_add_test(tests, cache_of_several_nodes);
    tcase_add_test(tests, more_caches_than_there_is_room_for);
    suite_add_tcase(suite, tests);
    return suite;
}
