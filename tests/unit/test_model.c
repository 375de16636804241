/* SPDX-License-Identifier: MIT */
/* Kinds of CPU that this machine may not be: libpfm is told that it is. */
#include "suites.h"

#include "daemon/pmu/encode.h"
#include "daemon/pmu/model.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many events a kind has, and one or two whose code is in its maker's manual. */
static const struct kind {
    const char *name;
    int events;
    struct {
        const char *name;
        uint64_t config;
        double scale;
    } some[4];
} kinds[] = {
#if defined __x86_64__
    {"skx",
     25,
     {{"fp_512_single", 0x80c7, 1},
      {"contended_loads_local", 0x4d2, 1},
      {"dram_loads_remote", 0x2d3, 1},
      {"stalls_memory", 0x60006a3, 1}}},
    {"clx", 25, {{"l2_useless_prefetches", 0x4f2, 1}, {"memory_loads", 0x10b0, 1}}},
    {"icx", 25, {{"l2_lines_in", 0x1ff1, 1}, {"contended_loads_remote", 0x4d3, 1}}},
    {"spr", 23, {{"l2_lines_in", 0x1f25, 1}, {"l2_useless_prefetches", 0x426, 1}}},
    {"amd64_fam17h_zen2",
     6,
     {{"l2_reads", 0xf864, 1}, {"l2_read_misses", 0x864, 1}, {"fma_operations", 0x803, 0.5}}},
    {"amd64_fam19h_zen3", 8, {{"contended_loads_remote", 0x1043, 1}, {"l2_reads", 0xf864, 1}}},
    {"amd64_fam19h_zen4", 12, {{"fp_512_uops", 0x2008, 1}, {"dram_loads_remote", 0x4043, 1}}},
#elif defined __aarch64__
    {"arm_n1", 3, {{"l2_reads", 0x50, 1}, {"simd_instructions", 0x74, 1}}},
    {"arm_v1", 7, {{"fp_scalable_operations", 0x80c0, 2}, {"stalls_memory", 0x4005, 1}}},
    {"arm_n2", 7, {{"fp_scalable_operations", 0x80c0, 1}, {"l2_read_misses", 0x52, 1}}},
#endif
};

static struct pmu_group groups[MODEL_GROUPS];

static const struct pmu_event *event_named(const char *name)
{
    for (int group = 0; group < MODEL_GROUPS; group++)
        for (int i = 0; i < PMU_GROUP_MOST && groups[group].events[i].name; i++)
            if (strcmp(groups[group].events[i].name, name) == 0)
                return &groups[group].events[i];
    ck_abort_msg("no %s", name);
}

static int count_known(void)
{
    int count = 0;
    for (int group = 0; group < MODEL_GROUPS; group++)
        for (int i = 0; i < PMU_GROUP_MOST && groups[group].events[i].name; i++)
            count += groups[group].events[i].type == PERF_TYPE_RAW;
    return count;
}

START_TEST(each_kind_has_its_events)
{
    const struct kind *kind = &kinds[_i];
    setenv("LIBPFM_FORCE_PMU", kind->name, 1);
    model_groups(groups);
    ck_assert_msg(count_known() == kind->events, "%s has %d", kind->name, count_known());
    for (int i = 0; i < 4 && kind->some[i].name; i++) {
        const struct pmu_event *event = event_named(kind->some[i].name);
        ck_assert_msg(event->config == kind->some[i].config, "%s of %s is %llx", event->name,
                      kind->name, (unsigned long long)event->config);
        ck_assert_double_eq(event->scale, kind->some[i].scale);
        ck_assert_str_eq(event->source, "pmu");
    }
}
END_TEST

/* No event is left out, so that each says why it is not there. */
START_TEST(unknown_kind_has_events_that_nobody_counts)
{
    setenv("LIBPFM_FORCE_PMU", "perf", 1);
    model_groups(groups);
    ck_assert_int_eq(count_known(), 0);
    ck_assert_uint_eq(event_named("l2_reads")->type, UINT32_MAX);
}
END_TEST

START_TEST(group_has_no_more_than_any_pmu_counts)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        setenv("LIBPFM_FORCE_PMU", kinds[i].name, 1);
        model_groups(groups);
        for (int group = 0; group < MODEL_GROUPS; group++) {
            int general = 0;
            for (int k = 0; k < PMU_GROUP_MOST && groups[group].events[k].name; k++)
                general += groups[group].events[k].type == PERF_TYPE_RAW &&
                           !strstr(groups[group].events[k].name, "core_cycles") &&
                           !strstr(groups[group].events[k].name, "reference_cycles");
            ck_assert_int_le(general, 4);
        }
    }
}
END_TEST

START_TEST(what_libpfm_does_not_know_is_left_as_it_is)
{
    struct pmu_event event = {.name = "x", .type = 7, .config = 8};
    setenv("LIBPFM_FORCE_PMU", kinds[0].name, 1);
    ck_assert(encode_begin());
    ck_assert(encode_is_here(kinds[0].name));
    ck_assert(!encode_is_here(kinds[1].name));
    ck_assert(!encode_event(kinds[0].name, "NO_SUCH_EVENT", &event));
    ck_assert_uint_eq(event.type, 7);
    ck_assert_uint_eq(event.config, 8);
    encode_end();
}
END_TEST

static bool is_mapped(const char *library)
{
    static char maps[1 << 16];
    FILE *file = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(file);
    size_t length = fread(maps, 1, sizeof maps - 1, file);
    fclose(file);
    ck_assert_uint_lt(length, sizeof maps - 1);
    maps[length] = 0;
    return strstr(maps, library) != NULL;
}

/* Its tables would be a sixth of the daemon's memory. */
START_TEST(libpfm_is_there_only_while_it_is_asked)
{
    ck_assert(!is_mapped("/libpfm"));
    ck_assert(encode_begin());
    ck_assert(is_mapped("/libpfm"));
    encode_end();
    ck_assert(!is_mapped("/libpfm"));
}
END_TEST

Suite *model_suite(void)
{
    Suite *suite = suite_create("model");
    TCase *tests = tcase_create("model");
    tcase_add_loop_test(tests, each_kind_has_its_events, 0, sizeof kinds / sizeof kinds[0]);
    tcase_add_test(tests, unknown_kind_has_events_that_nobody_counts);
    tcase_add_test(tests, group_has_no_more_than_any_pmu_counts);
    tcase_add_test(tests, what_libpfm_does_not_know_is_left_as_it_is);
    tcase_add_test(tests, libpfm_is_there_only_while_it_is_asked);
    suite_add_tcase(suite, tests);
    return suite;
}
