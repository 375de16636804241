/* SPDX-License-Identifier: MIT */
/* Events as the kernel describes them, on machines as they are, and texts as they should not be. */
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/pmu/sysfs.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static struct sysfs_device device;
static struct pmu_event event;
static struct sysfs_wrong wrong;

static void put(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, SYSFS_DEVICES "/%s", path);
    sysroot_put(full, "%s", text);
}

static bool read_event(const char *name, const char *which)
{
    event = (struct pmu_event){.scale = -1};
    return sysfs_device_read(sysroot, name, &device, &wrong) &&
           sysfs_event_read(sysroot, name, &device, which, &event, &wrong);
}

/* --- Machines --- */

START_TEST(memory_controller_of_intel)
{
    put("uncore_imc_0/type", "14\n");
    put("uncore_imc_0/cpumask", "0,28\n");
    put("uncore_imc_0/format/event", "config:0-7\n");
    put("uncore_imc_0/format/umask", "config:8-15\n");
    put("uncore_imc_0/format/edge", "config:18\n");
    put("uncore_imc_0/format/inv", "config:23\n");
    put("uncore_imc_0/format/thresh", "config:24-31\n");
    put("uncore_imc_0/events/clockticks", "event=0x00,umask=0x00\n");
    put("uncore_imc_0/events/cas_count_read", "event=0x04,umask=0x03\n");
    put("uncore_imc_0/events/cas_count_read.scale", "6.103515625e-5\n");
    put("uncore_imc_0/events/cas_count_read.unit", "MiB\n");
    ck_assert(read_event("uncore_imc_0", "cas_count_read"));
    ck_assert_uint_eq(event.type, 14);
    ck_assert_uint_eq(event.config, 0x304);
    ck_assert_uint_eq(event.config1 | event.config2, 0);
    ck_assert_double_eq_tol(event.scale, 64, 1e-9);
    ck_assert_uint_eq(device.cpu_count, 2);
    ck_assert_uint_eq(device.cpus[1], 28);
    ck_assert(read_event("uncore_imc_0", "clockticks"));
    ck_assert_double_eq(event.scale, 0); /* the kernel says none */
    ck_assert(!read_event("uncore_imc_0", "cas_count_write"));
    ck_assert_str_eq(wrong.text, ""); /* it is not there, which is nothing wrong */
}
END_TEST

/* It has no events by name. */
START_TEST(memory_controller_of_amd)
{
    put("amd_umc_3/type", "21\n");
    put("amd_umc_3/cpumask", "64\n");
    put("amd_umc_3/format/event", "config:0-7\n");
    put("amd_umc_3/format/rdwrmask", "config:8-9\n");
    ck_assert(!read_event("amd_umc_3", "umc_cas_cmd.rd"));
    ck_assert_str_eq(wrong.text, "");
    ck_assert(sysfs_encode(&device, "event=0x0a,rdwrmask=0x2", &event, &wrong));
    ck_assert_uint_eq(event.type, 21);
    ck_assert_uint_eq(event.config, 0x20a);
    ck_assert_uint_eq(device.cpu_count, 1);
}
END_TEST

/* A value in two parts, and one in another word. */
START_TEST(data_fabric_of_amd)
{
    put("amd_df/type", "12\n");
    put("amd_df/format/event", "config:0-7,32-37\n");
    put("amd_df/format/umask", "config:8-15,24-27\n");
    ck_assert(sysfs_device_read(sysroot, "amd_df", &device, &wrong));
    ck_assert(sysfs_encode(&device, "event=0x1f07,umask=0xbfe", &event, &wrong));
    ck_assert_uint_eq(event.config, 0x1f0b00fe07);
    ck_assert(!sysfs_encode(&device, "event=0x4000", &event, &wrong)); /* 15 bits */
    ck_assert_str_eq(wrong.text, "\"event=0x4000\" is no term of it");
}
END_TEST

START_TEST(cores_and_mesh_of_arm)
{
    put("armv8_pmuv3_0/type", "8\n");
    put("armv8_pmuv3_0/cpus", "0-63\n");
    put("armv8_pmuv3_0/format/event", "config:0-15\n");
    put("armv8_pmuv3_0/format/long", "config1:0\n");
    put("armv8_pmuv3_0/format/threshold", "config3:5-16\n"); /* of a word that we do not set */
    put("armv8_pmuv3_0/events/cpu_cycles", "event=0x0011\n");
    put("armv8_pmuv3_0/events/chained", "event=0x0011,long\n");
    put("armv8_pmuv3_0/events/above", "event=0x0011,threshold=2\n");
    ck_assert(read_event("armv8_pmuv3_0", "chained"));
    ck_assert_uint_eq(event.config, 0x11);
    ck_assert_uint_eq(event.config1, 1);
    ck_assert_uint_eq(device.cpu_count, 0); /* each CPU has its own */
    ck_assert(!read_event("armv8_pmuv3_0", "above"));
    put("arm_cmn_0/type", "15\n");
    put("arm_cmn_0/cpumask", "0\n");
    put("arm_cmn_0/format/type", "config:0-15\n");
    put("arm_cmn_0/format/eventid", "config:16-26\n");
    put("arm_cmn_0/format/wp_val", "config2:0-63\n");
    put("arm_cmn_0/events/hnf_mc_reqs", "type=0x5,eventid=0xd,wp_val=0xffffffffffffffff\n");
    ck_assert(read_event("arm_cmn_0", "hnf_mc_reqs"));
    ck_assert_uint_eq(event.config, 0xd0005);
    ck_assert_uint_eq(event.config2, UINT64_MAX);
}
END_TEST

/* --- Files as they should not be --- */

static const struct {
    const char *path, *text, *says;
} bad_files[] = {
    {"box/type", "fourteen\n", "its type is no number"},
    {"box/type", "4294967296\n", "its type is no number"},
    {"box/type", "", "its type is no number"},
    {"box/type", "7 8\n", "its type is no number"},
    {"box/cpumask", "0-40\n", "its cpumask is no list of at most 32 CPUs"},
    {"box/cpumask", "x\n", "its cpumask is no list of at most 32 CPUs"},
    {"box/format/event", "config:0-64\n", "\"event=1\" is no term of it"},
    {"box/format/event", "", "\"event=1\" is no term of it"},
    {"box/events/it", "event=1,,\n", "\"\" is no term of it"},
    {"box/events/it", "", "\"\" is no term of it"},
    {"box/events/it", "event=1\nevent=2\n", "\"event=1\" is no term of it"},
    {"box/events/it.scale", "much\n", "the scale of it is no number above 0"},
    {"box/events/it.scale", "-1\n", "the scale of it is no number above 0"},
    {"box/format/of_a_name_that_is_longer_than_any_there_is", "config:0",
     "it has more formats, or longer names, than are expected"},
};

START_TEST(file_that_is_not_understood)
{
    put("box/type", "7");
    put("box/cpumask", "0");
    put("box/format/event", "config:0-7");
    put("box/events/it", "event=1");
    ck_assert(read_event("box", "it"));
    put(bad_files[_i].path, bad_files[_i].text);
    ck_assert(!read_event("box", "it"));
    ck_assert_str_eq(wrong.text, bad_files[_i].says);
    ck_assert_double_eq(event.scale, -1); /* as it was */
}
END_TEST

START_TEST(more_formats_than_expected)
{
    char path[64];
    put("box/type", "7");
    for (int i = 0; i <= SYSFS_FORMATS_MOST; i++) {
        snprintf(path, sizeof path, "box/format/f%d", i);
        put(path, "config:0");
    }
    ck_assert(!sysfs_device_read(sysroot, "box", &device, &wrong));
    ck_assert(!sysfs_device_read(sysroot, "none", &device, &wrong));
    ck_assert_str_eq(wrong.text, "");
}
END_TEST

/* --- Texts --- */

START_TEST(formats)
{
    static const struct {
        const char *text;
        uint32_t word;
        uint64_t bits; /* 0: it is none */
    } texts[] = {
        {"config:0-7,32-35", 0, 0xf000000ff},
        {"config1:0-63\n", 1, UINT64_MAX},
        {"config2:63", 2, UINT64_C(1) << 63},
        {"config:", 0, 0},
        {"config:0-", 0, 0},
        {"config:7-0", 0, 0},
        {"config:0-64", 0, 0},
        {"config:0,", 0, 0},
        {"config:0 ", 0, 0},
        {"config:0\n1", 0, 0},
        {"config3:0", 0, 0},
        {"configuration:0", 0, 0},
        {":0", 0, 0},
        {"0-7", 0, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sysfs_format format;
        bool good = sysfs_parse_format(texts[i].text, &format);
        ck_assert_msg(good == (texts[i].bits != 0), "%s", texts[i].text);
        ck_assert(!good || (format.word == texts[i].word && format.bits == texts[i].bits));
    }
}
END_TEST

START_TEST(terms)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t config, config1;
    } texts[] = {
        {"event=0x04,umask=3", true, 0x304, 0},
        {"event=255", true, 0xff, 0},
        {"edge", true, 0x40000, 0},
        {"config=0xffffffffffffffff,event=0", true, 0xffffffffffffff00, 0},
        {"umask=1,umask=2,config1=5\n", true, 0x200, 5},
        {"event=256", false, 0, 0},
        {"event=0x", false, 0, 0},
        {"event=", false, 0, 0},
        {"event=?", false, 0, 0},
        {"event=-1", false, 0, 0},
        {"event=0x10000000000000000", false, 0, 0},
        {"event=18446744073709551616", false, 0, 0},
        {"even=1", false, 0, 0},
        {"eventt=1", false, 0, 0},
        {"=1", false, 0, 0},
        {"event=1,", false, 0, 0},
        {",event=1", false, 0, 0},
        {"event=1 ", false, 0, 0},
        {"", false, 0, 0},
    };
    device = (struct sysfs_device){
        .type = 9,
        .format_count = 3,
        .formats = {{"event", 0, 0xff}, {"umask", 0, 0xff00}, {"edge", 0, 1 << 18}}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        event = (struct pmu_event){.config = 77};
        bool good = sysfs_encode(&device, texts[i].text, &event, &wrong);
        ck_assert_msg(good == texts[i].good, "%s", texts[i].text);
        ck_assert_uint_eq(event.config, good ? texts[i].config : 77);
        ck_assert_uint_eq(event.config1, texts[i].config1);
    }
}
END_TEST

START_TEST(lists_of_cpus)
{
    static const struct {
        const char *text;
        int count;
    } texts[] = {
        {"0", 1},   {"0,28\n", 2}, {"0-3", 4},        {"1-2,4", 3}, {"\n", 0},
        {"", 0},    {"0-4", -1},   {"0,1,2,3,4", -1}, {"3-1", -1},  {"0,", -1},
        {"-1", -1}, {"0-3,x", -1}, {"65536", -1},     {"0 1", -1},  {"0-18446744073709551615", -1},
    };
    uint32_t cpus[4] = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(sysfs_parse_cpus(texts[i].text, cpus, 4) == texts[i].count, "%s",
                      texts[i].text);
    ck_assert_int_eq(sysfs_parse_cpus("1-2,4", cpus, 4), 3);
    ck_assert_uint_eq(cpus[2], 4);
}
END_TEST

/* In a locale with a comma, too, where the machine has one. */
START_TEST(scales)
{
    static const char *const bad[] = {"",    "x",   "0",   "-1",    "1e999", "nan",
                                      "inf", "0x1", "1,5", "1 MiB", "1e",    "\n"};
    double scale;
    setlocale(LC_ALL, "de_DE.UTF-8");
    ck_assert(sysfs_parse_scale("6.103515625e-5\n", &scale));
    ck_assert_double_eq(scale, 6.103515625e-5);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!sysfs_parse_scale(bad[i], &scale), "%s", bad[i]);
    ck_assert_double_eq(sysfs_unit_bytes("KiB"), 1024);
    ck_assert_double_eq(sysfs_unit_bytes("Joules"), 1);
    setlocale(LC_ALL, "C");
}
END_TEST

Suite *sysfs_suite(void)
{
    Suite *suite = suite_create("sysfs");
    TCase *tests = tcase_create("sysfs");
    tcase_add_checked_fixture(tests, sysroot_start, sysroot_stop);
    tcase_add_test(tests, memory_controller_of_intel);
    tcase_add_test(tests, memory_controller_of_amd);
    tcase_add_test(tests, data_fabric_of_amd);
    tcase_add_test(tests, cores_and_mesh_of_arm);
    tcase_add_loop_test(tests, file_that_is_not_understood, 0,
                        sizeof bad_files / sizeof bad_files[0]);
    tcase_add_test(tests, more_formats_than_expected);
    tcase_add_test(tests, formats);
    tcase_add_test(tests, terms);
    tcase_add_test(tests, lists_of_cpus);
    tcase_add_test(tests, scales);
    suite_add_tcase(suite, tests);
    return suite;
}
