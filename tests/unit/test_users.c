/* SPDX-License-Identifier: MIT */
/* Several users in one region directory: nobody takes names, room or the log from the others. */
#include "fixture.h"
#include "suites.h"

#include "daemon/totals/excess.h"
#include "daemon/totals/forget.h"
#include "shmlib/guard.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRANGER 65534u

static struct pipeline pipeline;
static const struct computed_family *const nothing[] = {NULL};

static void start(void)
{
    fixture_start();
    guard_install();
    log_capture();
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
}

static void stop(void)
{
    pipeline_stop(&pipeline);
    log_release(true);
    fixture_stop();
}

static double total_of(const char *process)
{
    char prefix[128];
    snprintf(prefix, sizeof prefix, "c_total{process=\"%s\",", process);
    pipeline_collect(&pipeline, nothing);
    return shown_value(pipeline.store, prefix);
}

/* A process of that user. */
static struct engram_region *process_of(uid_t owner, const char *name, uint64_t amount)
{
    struct engram_region *region = fixture_process(name);
    char hex[33];
    char file[128];
    fixture_add(engram_counter_new("c_total", "", NULL), 0, amount);
    engram_append_hex(hex, region->nonce, sizeof region->nonce);
    snprintf(file, sizeof file, "%s.%s", name, hex);
    ck_assert_int_eq(fchownat(fixture_dir, file, owner, (gid_t)-1, 0), 0);
    return region;
}

static int count_files(uid_t owner)
{
    int count = 0;
    for (uint32_t i = 0; i < pipeline.found.count; i++)
        count += pipeline.found.files[i]->user->owner == owner;
    return count;
}

static int logged(const char *text)
{
    int count = 0;
    for (const char *at = log_captured(); (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* Totals of processes that each left one histogram of `cells`. */
static struct totals *leave(uint32_t processes, uint32_t cells, uint32_t owners)
{
    struct totals *totals = totals_new(1, processes, 0, processes);
    for (uint32_t i = 0; i < processes; i++) {
        char name[16];
        struct total *total = &totals->list[totals->count++];
        struct known *ended = &totals->known[totals->known_count++];
        struct engram_descriptor *d = arena_take(&totals->arena, 1, sizeof *d);
        snprintf(name, sizeof name, "p%08u", i);
        *d = (struct engram_descriptor){.kind = ENGRAM_HISTOGRAM,
                                        .size = sizeof *d,
                                        .placement = ENGRAM_PER_CPU,
                                        .cells = cells};
        *ended = (struct known){arena_string(&totals->arena, name, 9), 9000 - i, 1, i % owners};
        *total = (struct total){.process = ended->process, .record = {i, d}};
        ck_assert(total_rows(totals, total));
    }
    return totals;
}

/* What is left of processes that have ended, as of a state that was read. */
static struct totals *remember(const char *process, uint32_t owner)
{
    struct totals *totals = totals_new(1, 0, 0, 1);
    totals->known[totals->known_count++] = (struct known){process, 1, 1, owner};
    return totals;
}

START_TEST(name_belongs_to_who_had_it_first)
{
    process_of(geteuid(), "p", 5);
    ck_assert_double_eq(total_of("p"), 5);
    process_of(STRANGER, "p", 7);
    process_of(STRANGER, "p", 1);
    process_of(STRANGER, "own", 3);
    ck_assert_double_eq(total_of("p"), 5);
    ck_assert_double_eq(total_of("p@65534"), 8);
    ck_assert_double_eq(total_of("own"), 3);
    ck_assert_ptr_nonnull(strstr(log_captured(), "process=p@65534 "));
    ck_assert_ptr_nonnull(strstr(log_captured(), "owner=65534 "));
}
END_TEST

START_TEST(oldest_file_has_the_name)
{
    process_of(STRANGER, "p", 7)->born = 2; /* whatever it says itself */
    usleep(20000);
    process_of(geteuid(), "p", 5)->born = 1;
    ck_assert_double_eq(total_of("p"), 7);
    ck_assert_double_eq(total_of("p@0"), 5);
}
END_TEST

START_TEST(name_stays_while_anything_is_known_of_it)
{
    struct totals *totals = remember("p", geteuid());
    pipeline.found.totals = totals;
    process_of(STRANGER, "p", 7);
    ck_assert(isnan(total_of("p")));
    ck_assert_double_eq(total_of("p@65534"), 7);
    pipeline.found.totals = pipeline.totals; /* forgotten */
    process_of(STRANGER, "p", 1);
    ck_assert_double_eq(total_of("p@65534"), 8); /* one user's one name is one */
    totals_release(totals);
}
END_TEST

START_TEST(name_that_looks_like_anothers_is_marked)
{
    process_of(STRANGER, "p@0", 7);
    ck_assert(isnan(total_of("p@0")));
    ck_assert_double_eq(total_of("p@0@65534"), 7);
    process_of(STRANGER, "q@65534", 1);
    ck_assert_double_eq(total_of("q@65534"), 1);
    process_of(STRANGER, "r@home", 1);
    ck_assert_double_eq(total_of("r@home"), 1);
}
END_TEST

/* A name that has come back is as old as it was, so it says what its families are. */
START_TEST(old_name_defines_its_families)
{
    struct totals *totals = remember("old", geteuid());
    pipeline.found.totals = totals;
    process_of(geteuid(), "new", 1);
    engram_gauge_set(engram_gauge_new("x", "", NULL), 1);
    usleep(20000);
    process_of(geteuid(), "old", 1);
    engram_counter_add(engram_counter_new("x", "", NULL), 1);
    pipeline_collect(&pipeline, nothing);
    ck_assert_str_eq(shown(pipeline.store, "# TYPE x "), "# TYPE x counter\n");
    totals_release(totals);
}
END_TEST

START_TEST(junk_crowds_nobody_out)
{
    char name[32];
    for (uint32_t i = 0; i < QUOTA_FILES + 100; i++) {
        snprintf(name, sizeof name, "junk.%u", i);
        int fd = openat(fixture_dir, name, O_CREAT | O_WRONLY, 0640);
        ck_assert_int_eq(fchown(fd, STRANGER, (gid_t)-1), 0);
        close(fd);
    }
    process_of(geteuid(), "p", 5);
    ck_assert_double_eq(total_of("p"), 5);
    ck_assert_int_eq(count_files(STRANGER), QUOTA_FILES);
    ck_assert_int_eq(logged("file=junk."), LOG_LINES);
    ck_assert_ptr_nonnull(strstr(log_captured(), "process=p "));
}
END_TEST

static struct quota_user *account(uint32_t regions, uint64_t memory)
{
    struct quota_user *user = quota_user(&pipeline.found.quota, geteuid());
    user->files++; /* or the account is closed */
    user->regions = regions;
    quota_charge(&pipeline.found.quota, user, (int64_t)memory);
    return user;
}

START_TEST(regions_of_a_user_are_limited)
{
    struct quota_user *user = account(QUOTA_REGIONS, 0);
    process_of(geteuid(), "p", 5);
    process_of(STRANGER, "other", 7);
    ck_assert(isnan(total_of("p")));
    ck_assert_double_eq(total_of("other"), 7);
    ck_assert_ptr_nonnull(strstr(log_captured(), "reason=quota"));
    user->regions--;
    ck_assert_double_eq(total_of("p"), 5);
    ck_assert_uint_eq(user->regions, QUOTA_REGIONS);
}
END_TEST

static uint32_t most_of(rlim_t files)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = files;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return quota_regions_most();
}

/* Regions do not take what whoever asks for the metrics needs, and the state. */
START_TEST(some_descriptors_are_left)
{
    ck_assert_uint_eq(most_of(60), 0);
    ck_assert_uint_eq(most_of(200), 136);
    ck_assert_uint_eq(most_of(1000), 750);
    pipeline.found.quota.regions = 749; /* of other users */
    process_of(geteuid(), "p", 5);
    ck_assert_double_eq(total_of("p"), 5);
    process_of(geteuid(), "q", 7);
    ck_assert(isnan(total_of("q")));
    ck_assert_int_eq(logged("reason=memory"), 1);
    pipeline.found.quota.regions--; /* one of them ends */
    ck_assert_double_eq(total_of("q"), 7);
    ck_assert_uint_eq(pipeline.found.quota.regions, 750);
}
END_TEST

static uint32_t refused(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pipeline.found.count; i++)
        count += pipeline.found.files[i]->region->reader->refused;
    return count;
}

START_TEST(memory_of_a_user_is_limited)
{
    struct quota_user *user = account(0, QUOTA_MEMORY);
    struct engram_region *region = process_of(geteuid(), "p", 5);
    pipeline_collect(&pipeline, nothing);
    ck_assert_uint_eq(refused(), 1 + ENGRAM_OWN_COUNT);
    fixture_end(region);
    fixture_files(true);
    quota_charge(&pipeline.found.quota, user, -(int64_t)QUOTA_MEMORY);
    region = process_of(geteuid(), "p", 5);
    ck_assert_double_eq(total_of("p"), 5);
    ck_assert_uint_gt(user->memory, (1 + ENGRAM_OWN_COUNT) * 300); /* some 400 have been measured */
    ck_assert_uint_eq(pipeline.found.quota.memory, user->memory);
    fixture_end(region);
    fixture_files(true);
    pipeline_collect(&pipeline, nothing);
    ck_assert_uint_eq(user->memory, 0);
}
END_TEST

/* However much the others have, some is left for everybody. */
START_TEST(others_leave_some_memory)
{
    struct quota quota = {0};
    for (uint32_t i = 1; i <= 4; i++)
        quota_charge(&quota, quota_user(&quota, i), (int64_t)QUOTA_MEMORY);
    struct quota_user *late = quota_user(&quota, 5);
    ck_assert_uint_eq(quota_room(&quota, late), QUOTA_MEMORY_LEAST);
    quota_charge(&quota, late, (int64_t)QUOTA_MEMORY_LEAST);
    ck_assert_uint_eq(quota_room(&quota, late), 0);
    ck_assert_uint_eq(quota_room(&quota, quota_user(&quota, 1)), 0);
    quota_free(&quota);
}
END_TEST

/* What is looked at anew costs time as what is opened does. */
START_TEST(time_of_a_user_is_limited)
{
    struct engram_region *region = process_of(geteuid(), "p", 5);
    ck_assert_double_eq(total_of("p"), 5);
    struct quota_user *user = quota_find(&pipeline.found.quota, geteuid());
    fixture_end(region);
    user->spent = QUOTA_SWEEP_NS;
    ck_assert(!found_refresh(&pipeline.found, true, pipeline.self));
    ck_assert(pipeline.found.files[0]->alive);
    user->spent = 0;
    ck_assert(found_refresh(&pipeline.found, true, pipeline.self));
    ck_assert(!pipeline.found.files[0]->alive);
}
END_TEST

START_TEST(users_beyond_some_share_an_account)
{
    struct quota quota = {0};
    for (uint32_t i = 0; i < 300; i++)
        quota_user(&quota, i)->files++;
    ck_assert_ptr_ne(quota_user(&quota, 1), quota_user(&quota, 299));
    ck_assert_ptr_eq(quota_user(&quota, 298), quota_user(&quota, 299));
    ck_assert_ptr_eq(quota_find(&quota, 299), quota_user(&quota, 299));
    quota_user(&quota, 1)->files--;
    quota_sweep(&quota, 1);
    ck_assert_ptr_ne(quota_find(&quota, 2), quota_find(&quota, 1));
    quota_free(&quota);
}
END_TEST

/* Nobody gets new lines by taking all files away. */
START_TEST(lines_are_counted_for_a_minute)
{
    struct quota quota = {0};
    const uint64_t start_time = 5, minute = UINT64_C(60000000000);
    for (uint32_t i = 0; i < LOG_LINES; i++) {
        quota_sweep(&quota, start_time + i);
        ck_assert(log_may(&quota_user(&quota, 1)->log, start_time + i));
    }
    quota_sweep(&quota, start_time + minute - 1);
    ck_assert(!log_may(&quota_user(&quota, 1)->log, start_time + minute - 1));
    quota_sweep(&quota, start_time + minute);
    ck_assert_uint_eq(quota.count, 0);
    ck_assert(log_may(&quota_user(&quota, 1)->log, start_time + minute));
    quota_free(&quota);
}
END_TEST

START_TEST(forgotten_names_take_few_lines)
{
    uint32_t count;
    struct forget_room room = {0};
    struct totals *totals = leave(100, 1, 2);
    for (int i = 0; i < 2; i++) {
        forget_list(&room, totals, &pipeline.found, 20000, 1, &count);
        ck_assert_uint_eq(count, 100);
        ck_assert_int_eq(logged("no process of that name came back"), 2 * LOG_LINES);
    }
    forget_room_free(&room);
    totals_release(totals);
}
END_TEST

/* A nonce that was folded is kept as long as a file could be that region. */
START_TEST(what_was_not_opened_may_be_anything)
{
    struct nonce nonce = {.owner = geteuid()}, strangers = {.owner = STRANGER};
    account(QUOTA_REGIONS, 0);
    pipeline_collect(&pipeline, nothing);
    ck_assert(!found_may_have(&pipeline.found, &nonce));
    process_of(geteuid(), "p", 5);
    pipeline_collect(&pipeline, nothing);
    ck_assert(found_may_have(&pipeline.found, &nonce));
    ck_assert(!found_may_have(&pipeline.found, &strangers));
    ck_assert(found_may_have_more(&pipeline.found, geteuid()));
    ck_assert(!found_may_have_more(&pipeline.found, STRANGER));
}
END_TEST

START_TEST(replaced_file_is_looked_at_again)
{
    char name[256];
    close(openat(fixture_dir, "x", O_CREAT | O_WRONLY, 0640));
    process_of(geteuid(), "p", 5);
    snprintf(name, sizeof name, "%s", fixture_name("p"));
    ck_assert_int_eq(renameat(fixture_dir, name, fixture_dir, ".away"), 0);
    pipeline_collect(&pipeline, nothing);
    ck_assert_ptr_nonnull(strstr(log_captured(), "file=x reason=short"));
    ck_assert_int_eq(renameat(fixture_dir, ".away", fixture_dir, "x"), 0);
    ck_assert_double_eq(total_of("p"), 5);
}
END_TEST

START_TEST(who_leaves_too_much_loses_the_oldest)
{
    uint32_t count;
    struct forget_room room = {0};
    struct totals *totals = leave(1400, 4094, 2); /* 46 MB, half of which is either's */
    const char **names = forget_list(&room, totals, &pipeline.found, 9000, 9000, &count);
    ck_assert_uint_eq(count, 0);
    totals_release(totals);
    totals = leave(1700, 4094, 1);         /* 56 MB of one */
    process_of(geteuid(), "p00001699", 1); /* the oldest one lives */
    pipeline_collect(&pipeline, nothing);
    names = forget_list(&room, totals, &pipeline.found, 9000, 9000, &count);
    ck_assert_uint_gt(count, 150);
    ck_assert_uint_lt(count, 250);
    ck_assert_str_eq(names[0], "p00001698");
    forget_room_free(&room);
    totals_release(totals);
}
END_TEST

/* Names cost something though they leave next to nothing. */
START_TEST(who_leaves_too_many_names_loses_the_oldest)
{
    uint32_t count;
    struct forget_room room = {0};
    struct totals *totals = leave(QUOTA_NAMES + 5, 1, 1);
    const char **names = forget_list(&room, totals, &pipeline.found, 9000, 9000, &count);
    ck_assert_uint_eq(count, 5);
    ck_assert_str_eq(names[0], "p00004100");
    ck_assert_str_eq(names[4], "p00004096");
    ck_assert_ptr_nonnull(strstr(log_captured(), "processes=5 owner=0"));
    forget_room_free(&room);
    totals_release(totals);
}
END_TEST

/* A user may have 100,000 series, while they are served and when they are left. */
START_TEST(hundred_thousand_series_are_no_excess)
{
    struct engram_region *region = fixture_process("p");
    char number[16];
    const char *labels[] = {"operation", "benchmark", "series", number, NULL};
    for (int i = 0; i < 100000; i++) {
        snprintf(number, sizeof number, "%d", i);
        engram_counter_new("c_total", "Adds.", labels);
    }
    fixture_end(region);
    pipeline_collect(&pipeline, nothing);
    ck_assert_uint_eq(refused(), 0);
    uint32_t count;
    struct forget_room room = {0};
    struct region **dead = found_dead(&pipeline.found, &count);
    struct fold fold = {
        .regions = dead, .region_count = count, .series_limit = UINT32_MAX, .now = 9000};
    struct totals *totals = totals_fold(pipeline.totals, &fold, pipeline.topology);
    ck_assert_uint_ge(totals->count, 100000);
    ck_assert_uint_eq(totals->dropped, 0);
    fixture_files(true);
    region_release(dead[0]);
    free(dead);
    pipeline_collect(&pipeline, nothing); /* it is gone */
    forget_list(&room, totals, &pipeline.found, 9001, 9000, &count);
    ck_assert_uint_eq(count, 0);
    forget_room_free(&room);
    totals_release(totals);
}
END_TEST

/* Nonces of files that may be there are kept; who has too many folds no more. */
START_TEST(who_has_too_many_nonces_waits)
{
    struct totals *totals = totals_new(1, 0, QUOTA_FOLDED, 0);
    uint32_t count;
    while (totals->folded_count < QUOTA_FOLDED)
        totals->folded[totals->folded_count++] = (struct nonce){.owner = STRANGER};
    pipeline.found.totals = totals;
    fixture_end(process_of(STRANGER, "theirs", 7));
    fixture_end(process_of(geteuid(), "ours", 5));
    for (int i = 0; i < 2; i++) {
        pipeline_collect(&pipeline, nothing);
        struct region **dead = found_dead(&pipeline.found, &count);
        ck_assert_uint_eq(count, 1);
        ck_assert_str_eq(dead[0]->process, "ours");
        region_release(dead[0]);
        free(dead);
    }
    ck_assert_double_eq(total_of("theirs"), 7);
    const char *line = strstr(log_captured(), "their user has too many");
    ck_assert_ptr_nonnull(line);
    ck_assert_ptr_null(strstr(line + 1, "their user has too many"));
    totals_release(totals);
}
END_TEST

START_TEST(what_is_new_and_too_much_is_dropped)
{
    struct totals *totals = leave(3, 10, 1);
    for (uint32_t i = 0; i < 3; i++)
        totals->list[i].process = totals->known[0].process;
    totals->list[1].record.offset = 0; /* was there before */
    totals->list[0].record.offset = 5;
    totals->list[2].record.offset = 6;
    ck_assert_uint_eq(excess_drop(totals, 5, 2), 1);
    ck_assert_uint_eq(totals->count, 2);
    ck_assert_uint_eq(totals->list[0].record.offset, 5);
    ck_assert_uint_eq(totals->list[1].record.offset, 0);
    totals_release(totals);
    totals = leave(3000, 4094, 1); /* 98 MB */
    uint32_t dropped = excess_drop(totals, 0, UINT32_MAX);
    ck_assert_uint_gt(dropped, 900);
    ck_assert_uint_lt(dropped, 1000);
    totals_release(totals);
    totals = leave(3000, 4094, 1);
    ck_assert_uint_eq(excess_drop(totals, 3000, 1), 0); /* but what was there stays */
    totals_release(totals);
}
END_TEST

Suite *users_suite(void)
{
    Suite *suite = suite_create("users");
    TCase *names = tcase_create("names");
    tcase_add_checked_fixture(names, start, stop);
    TCase *shares = tcase_create("shares");
    tcase_add_checked_fixture(shares, start, stop);
    tcase_set_timeout(shares, 20);
    if (geteuid() == 0) { /* who else can be several users? */
        tcase_add_test(names, name_belongs_to_who_had_it_first);
        tcase_add_test(names, oldest_file_has_the_name);
        tcase_add_test(names, name_stays_while_anything_is_known_of_it);
        tcase_add_test(names, name_that_looks_like_anothers_is_marked);
        tcase_add_test(shares, junk_crowds_nobody_out);
        tcase_add_test(shares, regions_of_a_user_are_limited);
        tcase_add_test(shares, who_has_too_many_nonces_waits);
    }
    tcase_add_test(names, old_name_defines_its_families);
    tcase_add_test(shares, some_descriptors_are_left);
    tcase_add_test(shares, memory_of_a_user_is_limited);
    tcase_add_test(shares, others_leave_some_memory);
    tcase_add_test(shares, time_of_a_user_is_limited);
    tcase_add_test(shares, users_beyond_some_share_an_account);
    tcase_add_test(shares, lines_are_counted_for_a_minute);
    tcase_add_test(shares, forgotten_names_take_few_lines);
    tcase_add_test(shares, what_was_not_opened_may_be_anything);
    tcase_add_test(shares, replaced_file_is_looked_at_again);
    tcase_add_test(shares, who_leaves_too_much_loses_the_oldest);
    tcase_add_test(shares, who_leaves_too_many_names_loses_the_oldest);
    tcase_add_test(shares, hundred_thousand_series_are_no_excess);
    tcase_add_test(shares, what_is_new_and_too_much_is_dropped);
    suite_add_tcase(suite, names);
    suite_add_tcase(suite, shares);
    return suite;
}
