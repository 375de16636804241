/* SPDX-License-Identifier: MIT */
/* The command line: options of all commands, then a command with its own. */
#include "engramctl.h"
#include "terminal.h"

#include <argp.h>
#include <ctype.h>
#include <engram/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "127.0.0.1:7433"
#define DEFAULT_ADMIN "/run/engramd/admin.sock"

enum {
    KEY_REGION_DIR = 256,
    KEY_USAGE,
    KEY_STATE_DIR,
    KEY_ADMIN_SOCKET,
    KEY_FAST,
    KEY_SVG,
    KEY_MATCH,
    KEY_LABEL,
    KEY_PROCESS,
    KEY_NODE,
    KEY_INTERVAL,
    KEY_CA_FILE,
    KEY_CERT_FILE,
    KEY_KEY_FILE,
    KEY_USER_FILE,
    KEY_TOKEN_FILE,
};

struct command {
    const char *name;
    const char *word; /* that stands behind it, in brackets if it may be left out; NULL: none */
    const char *about;
    int (*run)(const struct options *options);
    const struct argp_option *options; /* of its own; NULL: none */
};

static const struct argp_option filter_options[] = {
    {"match", KEY_MATCH, "GLOB", 0, "Only families and events of such a name; repeatable", 0},
    {"label", KEY_LABEL, "NAME:VALUE", 0, "Only what has this label; repeatable", 0},
    {"process", KEY_PROCESS, "NAME", 0, "Only what is of processes of this name", 0},
    {"node", KEY_NODE, "N", 0, "Only what is of this memory node", 0},
    {"interval", KEY_INTERVAL, "TIME", 0,
     "Between two messages of metrics, 10ms to 1m (default: the daemon's tick)", 0},
    {0}};

static const struct argp_option replay_options[] = {
    {"fast", KEY_FAST, NULL, 0, "All at once, not at the pace at which it came", 0}, {0}};

static const struct argp_option topology_options[] = {
    {"svg", KEY_SVG, NULL, 0, "A picture for a browser instead of text", 0}, {0}};

static const struct argp_option doctor_options[] = {
    {"state-dir", KEY_STATE_DIR, "DIR", 0,
     "The daemon's, looked at when no daemon answers (default: /var/lib/engramd)", 0},
    {0}};

static const struct argp_option admin_options[] = {
    {"admin-socket", KEY_ADMIN_SOCKET, "PATH", 0,
     "Where the daemon takes commands (default: " DEFAULT_ADMIN ")", 0},
    {0}};

static const struct command commands[] = {
    {"status", NULL, "who writes: alive or dead, series, memory", command_status, NULL},
    {"processes", NULL, "of whom engramd serves metrics or keeps totals", command_processes, NULL},
    {"alerts", NULL, "which alerts are on, and since when", command_alerts, NULL},
    {"health", NULL, "what is wrong with the machine and the engine, and what is unknown",
     command_health, NULL},
    {"topology", NULL, "the machine as engramd sees it, and how it is used", command_topology,
     topology_options},
    {"dump", NULL, "every series, by engramd or out of the regions", command_dump, NULL},
    {"watch", NULL, "metrics, events, processes, health and alerts as they change", command_watch,
     filter_options},
    {"events", NULL, "events, processes, health and alerts as they come", command_events,
     filter_options},
    {"record", "FILE", "keep what watch would show in a file", command_record, filter_options},
    {"replay", "FILE", "show what was recorded, at the pace it came", command_replay,
     replay_options},
    {"metrics", "[on|off]", "switch recording for all of a host, or show it", command_metrics,
     NULL},
    {"reload", NULL, "let engramd read its web configuration again", command_reload, admin_options},
    {"forget", "NAME", "drop the totals of a process name that nobody uses", command_forget,
     admin_options},
    {"learn", NULL, "let engramd learn anew what is usual", command_learn, admin_options},
    {"doctor", NULL, "what is wrong with this installation, and what to do", command_doctor,
     doctor_options},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static const char about[] = "Shows what instrumented processes write and what engramd serves.\v";
static const char outcome[] =
    "\nExit status: 0 all is well, 1 something is wrong or cannot be shown, 2 wrong usage.\n"
    "engramctl COMMAND --help says more of one; see also engramctl(1).";

static const struct argp_option common_options[] = {
    {"region-dir", KEY_REGION_DIR, "DIR", 0,
     "Where regions are; repeatable (default: $ENGRAM_DIR, else " DEFAULT_DIRECTORY ")", 0},
    {"address", 'a', "ADDRESS", 0,
     "Of engramd: HOST:PORT, unix:PATH or a URL (default: " DEFAULT_ADDRESS ")", 0},
    {"ca-file", KEY_CA_FILE, "FILE", 0,
     "Certificates, in PEM, that may vouch for an engramd with TLS", 0},
    {"cert-file", KEY_CERT_FILE, "FILE", 0, "Our certificate, in PEM, if it asks for one", 0},
    {"key-file", KEY_KEY_FILE, "FILE", 0, "The key of that", 0},
    {"user-file", KEY_USER_FILE, "FILE", 0, "Its first line is USER:PASSWORD, if it asks for one",
     0},
    {"token-file", KEY_TOKEN_FILE, "FILE", 0, "Its first line is a bearer token", 0},
    {"json", 'j', NULL, 0, "JSON instead of text", 0},
    {"help", 'h', NULL, 0, "This text", -1},
    {"usage", KEY_USAGE, NULL, 0, "The options alone", -1},
    {"version", 'V', NULL, 0, "The version", -1},
    {0}};

/* Nothing that is asked for has an empty name. */
static void refuse_empty(const char *word, struct argp_state *state)
{
    if (word && !*word)
        argp_error(state, "a value is empty");
}

static void set_address(struct options *options, const char *address, struct argp_state *state)
{
    if (!http_address_valid(address))
        argp_error(state, "\"%s\" is no address: write HOST:PORT, unix:PATH or a URL", address);
    options->daemon.address = address;
    options->address_given = true;
}

static error_t add_directory(struct options *options, const char *path, struct argp_state *state)
{
    const size_t room = sizeof options->directories / sizeof *options->directories;
    size_t count = 0;
    while (options->directories[count])
        count++;
    if (count + 1 == room)
        argp_error(state, "more than %zu --region-dir", room - 1);
    options->directories[count] = path;
    options->directories_given = true;
    return 0;
}

static const char **file_named(struct http_daemon *daemon, int key)
{
    switch (key) {
    case KEY_CA_FILE:
        return &daemon->ca_file;
    case KEY_CERT_FILE:
        return &daemon->cert_file;
    case KEY_KEY_FILE:
        return &daemon->key_file;
    case KEY_USER_FILE:
        return &daemon->user_file;
    case KEY_TOKEN_FILE:
        return &daemon->token_file;
    default:
        return NULL;
    }
}

static error_t parse_common(int key, char *word, struct argp_state *state)
{
    struct options *options = state->input;
    refuse_empty(word, state);
    switch (key) {
    case KEY_REGION_DIR:
        return add_directory(options, word, state);
    case 'a':
        set_address(options, word, state);
        return 0;
    case 'j':
        options->json = true;
        return 0;
    case 'h':
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
        return 0;
    case KEY_USAGE:
        argp_state_help(state, stdout, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
        return 0;
    case 'V':
        puts("engramctl " ENGRAM_VERSION);
        exit(EXIT_FINE);
    default:
        if (!file_named(&options->daemon, key))
            return ARGP_ERR_UNKNOWN;
        *file_named(&options->daemon, key) = word;
        return 0;
    }
}

static const struct argp common = {.options = common_options, .parser = parse_common};
static const struct argp_child children[] = {{&common, 0, NULL, 0}, {0}};

/* The input of all parsers: options first, for the children. */
struct parsing {
    struct options options;
    const struct command *command;
};

/* The daemon looks at the value, and knows which are good. */
static error_t add_filter(struct options *options, const char *name, const char *value,
                          struct argp_state *state)
{
    if (options->filter_count == sizeof options->filters / sizeof *options->filters)
        argp_error(state, "too many filters");
    options->filters[options->filter_count++] = (struct filter){name, value};
    return 0;
}

static const char *filter_named(int key)
{
    static const char *const names[] = {"match", "label", "process", "node", "interval"};
    return key >= KEY_MATCH && key <= KEY_INTERVAL ? names[key - KEY_MATCH] : NULL;
}

static error_t parse_own(int key, char *word, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    const char *wanted = parsing->command->word;
    refuse_empty(word, state);
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &parsing->options;
        return 0;
    case ARGP_KEY_ARG:
        if (!wanted || parsing->options.word)
            argp_error(state, "\"%s\" is too much", word);
        parsing->options.word = word;
        return 0;
    case KEY_STATE_DIR:
        parsing->options.state_dir = word;
        return 0;
    case KEY_ADMIN_SOCKET:
        parsing->options.admin_socket = word;
        return 0;
    case KEY_SVG:
        parsing->options.svg = true;
        return 0;
    case KEY_FAST:
        parsing->options.fast = true;
        return 0;
    case ARGP_KEY_NO_ARGS:
        if (wanted && *wanted != '[')
            argp_error(state, "%s is missing", wanted);
        return 0;
    default:
        return filter_named(key) ? add_filter(&parsing->options, filter_named(key), word, state)
                                 : ARGP_ERR_UNKNOWN;
    }
}

static const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* What follows a command's name is its own. */
static void parse_rest(const struct command *command, struct argp_state *state)
{
    struct argp argp = {.options = command->options,
                        .parser = parse_own,
                        .args_doc = command->word,
                        .children = children};
    char name[64], doc[256], **rest = state->argv + state->next - 1, *kept = *rest;
    snprintf(name, sizeof name, "engramctl %s", command->name);
    snprintf(doc, sizeof doc, "%c%s.", toupper(*command->about), command->about + 1);
    argp.doc = doc;
    *rest = name;
    argp_parse(&argp, state->argc - state->next + 1, rest, ARGP_NO_HELP, NULL, state->input);
    *rest = kept;
    state->next = state->argc;
}

static error_t parse_first(int key, char *word, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &parsing->options;
        return 0;
    case ARGP_KEY_ARG:
        if ((parsing->command = command_named(word)))
            parse_rest(parsing->command, state);
        else
            argp_error(state, "there is no command \"%s\"", word);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a command is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The commands' list in the help; argp frees it. */
static char *list_commands(int key, const char *text, void *input)
{
    char *list = NULL;
    size_t size;
    FILE *to = key == ARGP_KEY_HELP_POST_DOC ? open_memstream(&list, &size) : NULL;
    (void)input;
    if (!to)
        return (char *)(uintptr_t)text;
    fputs("Commands:\n", to);
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *c = &commands[i];
        int length = fprintf(to, "  %s%s%s", c->name, c->word ? " " : "", c->word ? c->word : "");
        fprintf(to, "%*s%s\n", length < 20 ? 20 - length : 1, "", c->about);
    }
    fputs(outcome, to);
    fclose(to);
    return list;
}

/* Without --region-dir: what a writer started here would use, and the flat names. */
static void default_directories(struct options *options)
{
    const char *named = getenv("ENGRAM_DIR");
    if (named && *named) {
        options->directories[0] = named;
        return;
    }
    bool made = access(DEFAULT_DIRECTORY, F_OK) == 0;
    options->directories[0] = made ? DEFAULT_DIRECTORY : "/dev/shm";
    options->directories[1] = made ? "/dev/shm" : NULL;
}

/* What was printed may not have arrived: on a full disk, say. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "engramctl: cannot write what was asked for: %s\n", strerror(errno));
    return EXIT_WRONG;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {NULL,     parse_first,   "COMMAND", about,
                                     children, list_commands, NULL};
    struct parsing parsing = {
        .options = {.daemon = {.address = DEFAULT_ADDRESS}, .admin_socket = DEFAULT_ADMIN}};
    terminal_guard();
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP, NULL, &parsing);
    if (!parsing.options.directories_given)
        default_directories(&parsing.options);
    return finish(parsing.command->run(&parsing.options));
}
