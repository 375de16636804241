/* SPDX-License-Identifier: MIT */
#include "daemon/config.h"
#include "daemon/http/cors.h"

#include "daemon/http/http_listen.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_LISTEN "127.0.0.1:7433"
#define DEFAULT_REGIONS "/dev/shm/engram/regions"
#define DEFAULT_STATE "/var/lib/engramd"
#define TICK_LEAST 10
#define TICK_MOST 1000
#define BUDGET 0.05
#define BUDGET_LEAST 0.0001
#define SERIES_LIMIT 20000
#define SERIES_MOST 10000000
#define HISTORY_MB 32
#define HISTORY_MOST 65536
#define FORGET_AFTER (7 * 24 * 3600)
#define FORGET_MOST (10 * 365 * 24 * 3600)
#define CAPACITY_LEAST 0.1
#define CAPACITY_MOST 100000

static const char usage[] =
    "Usage: engramd [OPTION]...\n"
    "Serves the metrics of instrumented processes to Prometheus.\n"
    "\n"
    "  --listen ADDRESS   where to serve: HOST:PORT or unix:PATH; repeatable\n"
    "                     (default: " DEFAULT_LISTEN ")\n"
    "  --cors-origin URL  an origin whose pages may read answers in a browser, as\n"
    "                     https://dashboards.example; repeatable (default: none)\n"
    "  --web-config FILE  TLS, users and tokens for who comes over TCP, in YAML, see\n"
    "                     engramd-web(5)\n"
    "  --admin-socket PATH  where engramctl's commands are taken (default:\n"
    "                     /run/engramd/admin.sock, if that directory is there)\n"
    "  --region-dir DIR   where processes leave their regions; repeatable\n"
    "                     (default: " DEFAULT_REGIONS ", and flat\n"
    "                     names in /dev/shm)\n"
    "  --state-dir DIR    what outlives the daemon (default: $STATE_DIRECTORY, else\n"
    "                     " DEFAULT_STATE ")\n"
    "  --forget-after S   how long totals of a process name are kept after its last\n"
    "                     process ended, in seconds (default: 604800, a week)\n"
    "  --series-limit N   how many series of one process are served at most\n"
    "                     (default: 20000)\n"
    "  --history-memory N memory for the recent past of all series, in megabytes; it\n"
    "                     reaches back an hour if that is enough (default: 32)\n"
    "  --config FILE      the same options, as \"listen = ADDRESS\" and so on\n"
    "  --tick MS          how often regions are read, 10 to 1000 (default: 100)\n"
    "  --cpu-budget N     share of one core that collecting may take before it is done\n"
    "                     less often, 0.0001 to 1 (default: 0.05)\n"
    "  --alert-command FILE  program that is run when an alert begins to fire and when\n"
    "                     it has ended (default: none)\n"
    "  --cross-socket-capacity N  what the links of one socket carry one way, in 10^9\n"
    "                     bytes per second; how busy they are is judged by it\n"
    "                     (default: not known)\n"
    "  --sysroot DIR      where /proc and /sys are read, for tests (default: /)\n"
    "  --check-config     read the configuration, say what is wrong with it, exit\n"
    "  --once             one scrape on stdout, then exit\n"
    "  --version          the version\n"
    "  --help             this text\n"
    "\n"
    "See engramd(8).\n";

#define KEYS_MOST 16 /* of which there may be one value in a file */
#define NO_PAIR "no line of the form key = value"

/* A file's values are taken first, so that a list on the command line replaces the file's. */
struct loading {
    struct config *config;
    bool from_file;
    bool listen_replaced, regions_replaced, origins_replaced;
    FILE *file;
    int line;
    int lines[KEYS_MOST]; /* of the file, where a key stands; 0: it does not */
    char wrong[256];
};

static bool set_string(char **to, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        return false;
    free(*to);
    *to = copy;
    return true;
}

static void list_clear(struct config_list *list)
{
    while (list->count > 0)
        free(list->items[--list->count]);
    list->items[0] = NULL;
}

static bool list_add(struct loading *loading, struct config_list *list, bool *replaced,
                     const char *value)
{
    if (!loading->from_file && !*replaced) {
        list_clear(list);
        *replaced = true;
    }
    if (list->count == CONFIG_LIST_MAX) {
        snprintf(loading->wrong, sizeof loading->wrong, "more than %d values", CONFIG_LIST_MAX);
        return false;
    }
    list->items[list->count] = strdup(value);
    return list->items[list->count++] != NULL;
}

static bool parse_number(struct loading *loading, const char *value, long least, long most,
                         const char *unit, long *number)
{
    char *end;
    errno = 0;
    *number = strtol(value, &end, 10);
    if (!errno && *value && !*end && *number >= least && *number <= most)
        return true;
    snprintf(loading->wrong, sizeof loading->wrong, "\"%s\" is no number of %s from %ld to %ld",
             value, unit, least, most);
    return false;
}

static bool set_tick(struct loading *loading, const char *value)
{
    long tick;
    if (!parse_number(loading, value, TICK_LEAST, TICK_MOST, "milliseconds", &tick))
        return false;
    loading->config->tick_ms = (uint32_t)tick;
    return true;
}

static bool set_cpu_budget(struct loading *loading, const char *value)
{
    char *end;
    double share = strtod(value, &end);
    if (*end || !(share >= BUDGET_LEAST && share <= 1)) {
        snprintf(loading->wrong, sizeof loading->wrong, "\"%s\" is no share from 0.0001 to 1",
                 value);
        return false;
    }
    loading->config->cpu_budget = share;
    return true;
}

/* Said at the start, and not when the first alert fires. */
static bool set_alert_command(struct loading *loading, const char *value)
{
    struct stat status;
    if (*value != '/' || stat(value, &status) || !S_ISREG(status.st_mode) ||
        access(value, X_OK) != 0) {
        snprintf(loading->wrong, sizeof loading->wrong,
                 "\"%s\" is no program that this user may run, by its whole path", value);
        return false;
    }
    return set_string(&loading->config->alert_command, value);
}

static bool set_capacity(struct loading *loading, const char *value)
{
    char *end;
    double capacity = strtod(value, &end);
    if (*end || !(capacity >= CAPACITY_LEAST && capacity <= CAPACITY_MOST)) {
        snprintf(loading->wrong, sizeof loading->wrong,
                 "\"%s\" is no number of 10^9 bytes per second from 0.1 to 100000", value);
        return false;
    }
    loading->config->cross_socket_capacity = capacity;
    return true;
}

static bool set_forget_after(struct loading *loading, const char *value)
{
    long seconds;
    if (!parse_number(loading, value, 1, FORGET_MOST, "seconds", &seconds))
        return false;
    loading->config->forget_after = (uint64_t)seconds;
    return true;
}

static bool set_series_limit(struct loading *loading, const char *value)
{
    long limit;
    if (!parse_number(loading, value, 1, SERIES_MOST, "series", &limit))
        return false;
    loading->config->series_limit = (uint32_t)limit;
    return true;
}

static bool add_origin(struct loading *loading, const char *value)
{
    if (cors_origin_valid(value))
        return list_add(loading, &loading->config->cors_origins, &loading->origins_replaced, value);
    snprintf(loading->wrong, sizeof loading->wrong,
             "\"%s\" is no origin; write one as https://dashboards.example:8443, in lower case and "
             "without a path",
             value);
    return false;
}

static bool set_history_memory(struct loading *loading, const char *value)
{
    long megabytes;
    if (!parse_number(loading, value, 1, HISTORY_MOST, "megabytes", &megabytes))
        return false;
    loading->config->history_memory = (size_t)megabytes << 20;
    return true;
}

static bool set(struct loading *loading, const char *key, const char *value)
{
    struct config *config = loading->config;
    if (*value == 0) {
        snprintf(loading->wrong, sizeof loading->wrong, "%s has no value",
                 loading->from_file ? key : "it");
        return false;
    }
    if (strcmp(key, "listen") == 0)
        return http_listen_valid(value, loading->wrong, sizeof loading->wrong) &&
               list_add(loading, &config->listen, &loading->listen_replaced, value);
    if (strcmp(key, "region-dir") == 0)
        return list_add(loading, &config->region_dirs, &loading->regions_replaced, value);
    if (strcmp(key, "cors-origin") == 0)
        return add_origin(loading, value);
    if (strcmp(key, "state-dir") == 0)
        return set_string(&config->state_dir, value);
    if (strcmp(key, "sysroot") == 0)
        return set_string(&config->sysroot, value);
    if (strcmp(key, "web-config") == 0)
        return set_string(&config->web_config, value);
    if (strcmp(key, "admin-socket") == 0)
        return set_string(&config->admin_socket, value);
    if (strcmp(key, "alert-command") == 0)
        return set_alert_command(loading, value);
    if (strcmp(key, "tick") == 0)
        return set_tick(loading, value);
    if (strcmp(key, "cpu-budget") == 0)
        return set_cpu_budget(loading, value);
    if (strcmp(key, "cross-socket-capacity") == 0)
        return set_capacity(loading, value);
    if (strcmp(key, "forget-after") == 0)
        return set_forget_after(loading, value);
    if (strcmp(key, "series-limit") == 0)
        return set_series_limit(loading, value);
    if (strcmp(key, "history-memory") == 0)
        return set_history_memory(loading, value);
    snprintf(loading->wrong, sizeof loading->wrong,
             "unknown key \"%s\"; known are listen, cors-origin, web-config, "
             "admin-socket, region-dir, state-dir, forget-after, series-limit, "
             "history-memory, alert-command, cross-socket-capacity, sysroot, tick and cpu-budget",
             key);
    return false;
}

/* Of two values of one key, one would count for nothing. */
static bool once_only(struct loading *loading, const char *key)
{
    static const char *const single[KEYS_MOST] = {"web-config",     "admin-socket",
                                                  "state-dir",      "sysroot",
                                                  "tick",           "cpu-budget",
                                                  "forget-after",   "series-limit",
                                                  "history-memory", "cross-socket-capacity",
                                                  "alert-command",  NULL};
    for (int i = 0; single[i]; i++) {
        if (strcmp(key, single[i]) != 0)
            continue;
        if (loading->lines[i])
            snprintf(loading->wrong, sizeof loading->wrong, "%s stands in line %d already", key,
                     loading->lines[i]);
        loading->lines[i] = loading->line;
    }
    return loading->wrong[0] == 0;
}

/* A file's lines are taken as they are, and who writes quotes or a comment expects otherwise. */
static bool value_plain(struct loading *loading, const char *key, const char *value)
{
    const char *hash = strchr(value, '#');
    if (hash && hash != value && strchr(" \t", hash[-1]))
        snprintf(loading->wrong, sizeof loading->wrong, "\"%s\": a comment needs a line of its own",
                 hash);
    else if (*value == '"' || *value == '\'')
        snprintf(loading->wrong, sizeof loading->wrong, "%s: a value stands without quotes", key);
    return loading->wrong[0] == 0;
}

static int on_pair(void *argument, const char *section, const char *key, const char *value)
{
    struct loading *loading = argument;
    char option[32];
    size_t length = strlen(key);
    if (*section) { /* behind a blank or a byte-order mark */
        snprintf(loading->wrong, sizeof loading->wrong, "there are no sections, so no [%s]",
                 section);
        return 0;
    }
    /* A file may write state_dir for --state-dir, as is usual in such files. */
    for (size_t i = 0; i <= length && i < sizeof option; i++)
        option[i] = (char)(key[i] == '_' ? '-' : key[i]);
    if (length >= sizeof option)
        return set(loading, key, value);
    return value_plain(loading, key, value) && once_only(loading, option) &&
           set(loading, option, value);
}

/* Whether all before a separator is one word: "listen 127.0.0.1:1" lacks its "=". */
static bool key_alone(const char *text, const char *separator)
{
    size_t word = strcspn(text, " \t=:"), blanks = strspn(text + word, " \t");
    return text + word + blanks == separator;
}

/* What inih would take silently: a part of a line as the whole of it, a section, and ":" for "=".
 * A line that begins with a blank goes on with the one before, and may hold anything. */
static void check_line(struct loading *loading, const char *text, int size)
{
    const char *separator = text + strcspn(text, "=:");
    if (!strchr(text, '\n') && !feof(loading->file))
        snprintf(loading->wrong, sizeof loading->wrong,
                 "the line holds a NUL or is longer than %d bytes", size - 2);
    else if (*text == '[')
        snprintf(loading->wrong, sizeof loading->wrong, "there are no sections, so no %.*s",
                 (int)strcspn(text, "\r\n"), text);
    else if (*separator == ':' && !strchr("#; \t", *text) && !key_alone(text, separator))
        snprintf(loading->wrong, sizeof loading->wrong, NO_PAIR);
    else if (*separator == ':' && !strchr("#; \t", *text))
        snprintf(loading->wrong, sizeof loading->wrong, "\"%.*s:\" has a colon where \"=\" belongs",
                 (int)(separator - text), text);
}

/* inih goes on after an error and reports the first line: stopping here keeps text and line one. */
static char *next_line(char *text, int size, void *stream)
{
    struct loading *loading = stream;
    if (loading->wrong[0])
        return NULL;
    loading->line++;
    if (!fgets(text, size, loading->file))
        return NULL;
    check_line(loading, text, size);
    return loading->wrong[0] ? NULL : text;
}

static bool load_file(struct loading *loading, const char *path)
{
    loading->file = fopen(path, "re");
    if (!loading->file) {
        fprintf(stderr, "engramd: cannot read the configuration file %s: %s; see --config\n", path,
                strerror(errno));
        return false;
    }
    loading->from_file = true;
    loading->line = 0;
    memset(loading->lines, 0, sizeof loading->lines);
    int line = ini_parse_stream(next_line, loading, on_pair, loading);
    bool unread = ferror(loading->file) != 0;
    fclose(loading->file);
    loading->from_file = false;
    if (line == 0 && !loading->wrong[0] && !unread)
        return true;
    /* A line without "=" is inih's to find; what it says of a later one is another matter. */
    bool ours = line == 0 || (line == loading->line && loading->wrong[0]);
    const char *wrong = ours ? loading->wrong : NO_PAIR;
    if (unread)
        fprintf(stderr, "engramd: cannot read %s: is it a file?\n", path);
    else
        fprintf(stderr, "engramd: %s:%d: %s; see engramd(8)\n", path, ours ? loading->line : line,
                wrong);
    return false;
}

static const struct option known[] = {{"listen", required_argument, NULL, 0},
                                      {"region-dir", required_argument, NULL, 0},
                                      {"cors-origin", required_argument, NULL, 0},
                                      {"state-dir", required_argument, NULL, 0},
                                      {"sysroot", required_argument, NULL, 0},
                                      {"web-config", required_argument, NULL, 0},
                                      {"admin-socket", required_argument, NULL, 0},
                                      {"tick", required_argument, NULL, 0},
                                      {"cpu-budget", required_argument, NULL, 0},
                                      {"forget-after", required_argument, NULL, 0},
                                      {"series-limit", required_argument, NULL, 0},
                                      {"history-memory", required_argument, NULL, 0},
                                      {"cross-socket-capacity", required_argument, NULL, 0},
                                      {"alert-command", required_argument, NULL, 0},
                                      {"config", required_argument, NULL, 'c'},
                                      {"check-config", no_argument, NULL, 'k'},
                                      {"once", no_argument, NULL, 'o'},
                                      {"version", no_argument, NULL, 'V'},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

/* Goes through the command line once for the files alone and once for the rest. */
static enum config_result load_arguments(struct loading *loading, int argc, char **argv, bool files)
{
    int index = 0;
    optind = 1;
    opterr = files; /* say it once */
    for (int option; (option = getopt_long(argc, argv, "", known, &index)) != -1;) {
        if (option == '?') {
            fputs("engramd: see engramd --help\n", stderr);
            return CONFIG_WRONG;
        }
        if (files && option == 'h')
            return fputs(usage, stdout) < 0 ? CONFIG_WRONG : CONFIG_DONE;
        if (files && option == 'V')
            return puts("engramd " ENGRAM_VERSION) < 0 ? CONFIG_WRONG : CONFIG_DONE;
        if (files && option == 'c' && !load_file(loading, optarg))
            return CONFIG_WRONG;
        loading->config->once |= option == 'o';
        loading->config->check |= option == 'k';
        if (!files && option == 0 && !set(loading, known[index].name, optarg)) {
            fprintf(stderr, "engramd: --%s: %s; see engramd --help\n", known[index].name,
                    loading->wrong[0] ? loading->wrong : "no memory");
            return CONFIG_WRONG;
        }
    }
    if (optind == argc)
        return CONFIG_RUN;
    fprintf(stderr, "engramd: \"%s\" is no option; see engramd --help\n", argv[optind]);
    return CONFIG_WRONG;
}

static bool set_defaults(struct config *config)
{
    const char *state = getenv("STATE_DIRECTORY");
    memset(config, 0, sizeof *config);
    config->tick_ms = 100;
    config->cpu_budget = BUDGET;
    config->forget_after = FORGET_AFTER;
    config->series_limit = SERIES_LIMIT;
    config->history_memory = (size_t)HISTORY_MB << 20;
    if (!set_string(&config->state_dir, state && *state ? state : DEFAULT_STATE))
        return false;
    if (state && *state)
        config->state_dir[strcspn(config->state_dir, ":")] =
            0; /* systemd lists all, ours is first */
    return set_string(&config->sysroot, "/");
}

static bool fill_lists(struct loading *loading)
{
    struct config *config = loading->config;
    config->default_listen = config->listen.count == 0;
    config->default_regions = config->region_dirs.count == 0;
    loading->from_file = true;
    return (config->listen.count || list_add(loading, &config->listen, NULL, DEFAULT_LISTEN)) &&
           (config->region_dirs.count ||
            list_add(loading, &config->region_dirs, NULL, DEFAULT_REGIONS));
}

enum config_result config_load(struct config *config, int argc, char **argv)
{
    struct loading loading = {.config = config};
    if (!set_defaults(config))
        return CONFIG_WRONG;
    enum config_result result = load_arguments(&loading, argc, argv, true);
    if (result == CONFIG_RUN)
        result = load_arguments(&loading, argc, argv, false);
    if (result == CONFIG_RUN && !fill_lists(&loading))
        return CONFIG_WRONG;
    return result;
}

void config_free(struct config *config)
{
    list_clear(&config->listen);
    list_clear(&config->region_dirs);
    list_clear(&config->cors_origins);
    free(config->state_dir);
    free(config->sysroot);
    free(config->web_config);
    free(config->alert_command);
    free(config->admin_socket);
}
