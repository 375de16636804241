/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "suites.h"

#include "daemon/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void write_file(const char *text)
{
    unit_template(path);
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs(text, file);
    fclose(file);
}

static void remove_file(void)
{
    unlink(path);
}

#define LOAD(config, ...)                                                                          \
    config_load(config, (int)(sizeof((char *[]){"engramd", __VA_ARGS__}) / sizeof(char *)),        \
                (char *[]){"engramd", __VA_ARGS__, NULL})

START_TEST(defaults_are_loopback)
{
    struct config config;
    char *arguments[] = {"engramd", NULL};
    unsetenv("STATE_DIRECTORY");
    ck_assert_int_eq(config_load(&config, 1, arguments), CONFIG_RUN);
    ck_assert_str_eq(config.listen.items[0], "127.0.0.1:7433");
    ck_assert_str_eq(config.region_dirs.items[0], "/dev/shm/engram/regions");
    ck_assert_str_eq(config.state_dir, "/var/lib/engramd");
    ck_assert_uint_eq(config.tick_ms, 100);
    ck_assert(config.default_regions && !config.once);
    config_free(&config);
}
END_TEST

START_TEST(origins_are_a_list)
{
    struct config config;
    write_file("cors_origin = https://a.example\ncors-origin = http://b.example:3000\n");
    ck_assert_int_eq(LOAD(&config, "--config", path), CONFIG_RUN);
    ck_assert_str_eq(config.cors_origins.items[0], "https://a.example");
    ck_assert_str_eq(config.cors_origins.items[1], "http://b.example:3000");
    ck_assert_ptr_null(config.cors_origins.items[2]);
    config_free(&config);
    ck_assert_int_eq(LOAD(&config, "--config", path, "--cors-origin", "http://c"), CONFIG_RUN);
    ck_assert_str_eq(config.cors_origins.items[0], "http://c");
    ck_assert_int_eq(config.cors_origins.count, 1);
    config_free(&config);
    ck_assert_int_eq(LOAD(&config, "--cors-origin", "*"), CONFIG_WRONG);
    config_free(&config);
    remove_file();
}
END_TEST

START_TEST(command_line_replaces_the_file)
{
    struct config config;
    write_file("# a comment\nlisten = 127.0.0.1:1\nlisten = 127.0.0.1:2\ntick = 50\n");
    ck_assert_int_eq(LOAD(&config, "--listen", "127.0.0.1:3", "--config", path), CONFIG_RUN);
    ck_assert_int_eq(config.listen.count, 1);
    ck_assert_str_eq(config.listen.items[0], "127.0.0.1:3");
    ck_assert_uint_eq(config.tick_ms, 50);
    config_free(&config);
    ck_assert_int_eq(LOAD(&config, "--config", path), CONFIG_RUN);
    ck_assert_int_eq(config.listen.count, 2);
    config_free(&config);
    remove_file();
}
END_TEST

START_TEST(a_file_may_write_underscores)
{
    struct config config;
    write_file("state_dir = /s\nregion_dir = /a\nregion-dir = /b\nsysroot = /r\n"
               "web_config = /w\nadmin_socket = /m\n");
    ck_assert_int_eq(LOAD(&config, "--config", path), CONFIG_RUN);
    ck_assert_str_eq(config.state_dir, "/s");
    ck_assert_str_eq(config.sysroot, "/r");
    ck_assert_str_eq(config.web_config, "/w");
    ck_assert_str_eq(config.admin_socket, "/m");
    ck_assert_int_eq(config.region_dirs.count, 2);
    config_free(&config);
    remove_file();
}
END_TEST

START_TEST(state_directory_of_systemd)
{
    struct config config;
    setenv("STATE_DIRECTORY", "/first:/second", 1);
    ck_assert_int_eq(LOAD(&config, "--once"), CONFIG_RUN);
    ck_assert_str_eq(config.state_dir, "/first");
    config_free(&config);
    unsetenv("STATE_DIRECTORY");
}
END_TEST

START_TEST(region_dirs_repeat)
{
    struct config config;
    ck_assert_int_eq(LOAD(&config, "--region-dir", "/a", "--region-dir=/b", "--once"), CONFIG_RUN);
    ck_assert_int_eq(config.region_dirs.count, 2);
    ck_assert_ptr_null(config.region_dirs.items[2]);
    ck_assert(!config.default_regions && config.once);
    config_free(&config);
}
END_TEST

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

/* Each with what is said behind the file's name. */
static const struct {
    const char *text, *said;
} bad_files[] = {
    {"lisen = 127.0.0.1:1\n", ":1: unknown key \"lisen\""},
    {"tick = 5\n", ":1: \"5\" is no number of milliseconds from 10 to 1000"},
    {"cpu-budget = 0.00009\n", ":1: \"0.00009\" is no share from 0.0001 to 1"},
    {"# a\ntick = 10ms\n", ":2: \"10ms\" is no number"},
    {"cross_socket_capacity = 0\n",
     ":1: \"0\" is no number of 10^9 bytes per second from 0.1 to 100000"},
    {"cross_socket_capacity = 40\ncross_socket_capacity = 41\n",
     ":2: cross-socket-capacity stands in line 1 already"},
    {"alert_command = true\n", ":1: \"true\" is no program that this user may run"},
    {"alert_command = /etc/passwd\n", ":1: \"/etc/passwd\" is no program"},
    {"alert_command = /bin\n", ":1: \"/bin\" is no program"},
    {"listen =\n", ":1: listen has no value"},
    {"tick = 50\nlisten = 127.0.0.1\n", ":2: neither HOST:PORT nor unix:PATH"},
    {"\nnonsense\ntick = 5\n", ":2: no line of the form key = value"},
    {"tick = 50\n[section]\n\ntick = 50\n", ":2: there are no sections, so no [section]"},
    {"tick = 50\n[alone]\n", ":2: there are no sections, so no [alone]"},
    {"tick: 50\n", ":1: \"tick:\" has a colon where \"=\" belongs"},
    {"listen 127.0.0.1:1\n", ":1: no line of the form key = value"},
    {"listen : 127.0.0.1:1\n", ":1: \"listen :\" has a colon where \"=\" belongs"},
    {"tick = 50 # ms\n", ":1: \"# ms\": a comment needs a line of its own"},
    {"state_dir = \"/a\"\n", ":1: state_dir: a value stands without quotes"},
    {"state_dir = '/a'\n", ":1: state_dir: a value stands without quotes"},
    {"tick = 50\nlisten = [::1]:1\nlisten = [::1]:2\ntick = 60\n",
     ":4: tick stands in line 1 already"},
    {"state_dir = /a\nstate-dir = /a\n", ":2: state-dir stands in line 1 already"},
    {"listen = 127.0.0.1:99999\n", ":1: the port 99999 is too large; it must be 0..65535"},
    {"listen:127.0.0.1:1 = 2\n", ":1: \"listen:\" has a colon where \"=\" belongs"},
    {"nonsense\ntick: 50\n", ":1: no line of the form key = value"},
    {"tick = 50\nstate-dir = /" FIFTY FIFTY FIFTY "0123456789012345678901234567890123456\n",
     ":2: the line holds a NUL or is longer than 198 bytes"},
    {"# " FIFTY FIFTY FIFTY FIFTY "\nlisten = 127.0.0.1:1\n", ":1: the line holds a NUL"},
};

/* What is said of an option with a value, which is refused. */
static void refuse(const char *option, const char *value, char *said, size_t size)
{
    struct config config;
    FILE *kept = stderr;
    stderr = fmemopen(said, size, "w");
    enum config_result result = LOAD(&config, (char *)option, (char *)value);
    fclose(stderr);
    stderr = kept;
    ck_assert_int_eq(result, CONFIG_WRONG);
    config_free(&config);
}

START_TEST(bad_files_are_refused)
{
    char said[1024] = "", place[512];
    write_file(bad_files[_i].text);
    refuse("--config", path, said, sizeof said);
    snprintf(place, sizeof place, "%s%s", path, bad_files[_i].said);
    remove_file();
    ck_assert_msg(strstr(said, place), "%s: %s", bad_files[_i].text, said);
}
END_TEST

START_TEST(longest_line_is_whole)
{
    struct config config;
    write_file("state-dir = /" FIFTY FIFTY FIFTY "01234567890123456789012345678901234\n# a: b\n"
               "listen = 127.0.0.1:1\n  [::1]:2\n");
    ck_assert_int_eq(LOAD(&config, "--config", path), CONFIG_RUN);
    ck_assert_uint_eq(strlen(config.state_dir), 198 - strlen("state-dir = "));
    ck_assert_str_eq(config.listen.items[1], "[::1]:2");
    config_free(&config);
    remove_file();
}
END_TEST

static const struct {
    const char *option, *value, *said;
} bad_arguments[] = {
    {"--tick", "2000", "engramd: --tick: \"2000\" is no number of milliseconds"},
    {"--state-dir", "", "engramd: --state-dir: it has no value;"},
    {"--listen", "", "engramd: --listen: it has no value;"},
    {"--listen", "127.0.0.1:99999", "engramd: --listen: the port 99999 is too large"},
    {"--listen", "localhost:7433", "engramd: --listen: "},
    {"--listen", "unix:", "engramd: --listen: a socket's path has 1 to "},
    {"--config", "/nonexistent/file", "engramd: cannot read the configuration file /nonexistent/"},
};

START_TEST(bad_arguments_are_refused)
{
    char said[1024] = "";
    refuse(bad_arguments[_i].option, bad_arguments[_i].value, said, sizeof said);
    ck_assert_msg(strncmp(said, bad_arguments[_i].said, strlen(bad_arguments[_i].said)) == 0, "%s",
                  said);
}
END_TEST

START_TEST(unknown_arguments_are_refused)
{
    struct config config;
    ck_assert_int_eq(LOAD(&config, "--bogus"), CONFIG_WRONG);
    config_free(&config);
    ck_assert_int_eq(LOAD(&config, "word"), CONFIG_WRONG);
    config_free(&config);
}
END_TEST

Suite *config_suite(void)
{
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("sources");
    tcase_add_test(tests, defaults_are_loopback);
    tcase_add_test(tests, origins_are_a_list);
    tcase_add_test(tests, command_line_replaces_the_file);
    tcase_add_test(tests, a_file_may_write_underscores);
    tcase_add_test(tests, state_directory_of_systemd);
    tcase_add_test(tests, region_dirs_repeat);
    tcase_add_loop_test(tests, bad_files_are_refused, 0,
                        (int)(sizeof bad_files / sizeof bad_files[0]));
    tcase_add_test(tests, longest_line_is_whole);
    tcase_add_loop_test(tests, bad_arguments_are_refused, 0,
                        (int)(sizeof bad_arguments / sizeof bad_arguments[0]));
    tcase_add_test(tests, unknown_arguments_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
