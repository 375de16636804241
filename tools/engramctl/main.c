/* SPDX-License-Identifier: MIT */
#include "engramctl.h"

#include <engram/abi.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_DIRECTORY "/dev/shm/engram/regions"
#define DEFAULT_ADDRESS "127.0.0.1:7433"

static const char usage[] =
    "Usage: engramctl [OPTION]... COMMAND\n"
    "Shows what instrumented processes write and what engramd serves.\n"
    "\n"
    "Commands:\n"
    "  status   who writes: alive or dead, how many series, how much memory\n"
    "  dump     every series, from a running engramd; straight from the regions when none\n"
    "           runs or --region-dir names them\n"
    "\n"
    "Options:\n"
    "  --region-dir DIR   where regions are; repeatable (default: $ENGRAM_DIR,\n"
    "                     else " DEFAULT_DIRECTORY ")\n"
    "  --address HOST:PORT  of engramd (default: " DEFAULT_ADDRESS ")\n"
    "  --help             this text\n"
    "  --version          the version\n"
    "\n"
    "Exit status: 0 all went well, 1 something could not be shown, 2 wrong usage.\n"
    "See engramctl(1).\n";

static int used_wrongly(const char *what, const char *word)
{
    fprintf(stderr, "engramctl: %s%s%s; see engramctl --help\n", what, word ? " " : "",
            word ? word : "");
    return EXIT_USED_WRONGLY;
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

static int run(const char *command, const struct options *options)
{
    if (strcmp(command, "status") == 0)
        return command_status(options);
    if (strcmp(command, "dump") == 0)
        return command_dump(options);
    return used_wrongly("unknown command", command);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"region-dir", required_argument, NULL, 'r'},
                                          {"address", required_argument, NULL, 'a'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'V'},
                                          {NULL, 0, NULL, 0}};
    const size_t room = sizeof((struct options *)0)->directories / sizeof(char *);
    struct options options = {.address = DEFAULT_ADDRESS};
    size_t directories = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'r':
            if (directories + 1 == room)
                return used_wrongly("too many --region-dir", NULL);
            options.directories[directories++] = optarg;
            options.directories_given = true;
            break;
        case 'a':
            options.address = optarg;
            options.address_given = true;
            break;
        case 'h':
            return fputs(usage, stdout) < 0;
        case 'V':
            return puts("engramctl " ENGRAM_VERSION) < 0;
        default:
            fputs("engramctl: see engramctl --help\n", stderr); /* getopt has said what is wrong */
            return EXIT_USED_WRONGLY;
        }
    }
    if (optind + 1 != argc)
        return used_wrongly(optind == argc ? "a command is missing" : "too many words after",
                            optind == argc ? NULL : argv[optind]);
    if (!directories)
        default_directories(&options);
    return run(argv[optind], &options);
}
