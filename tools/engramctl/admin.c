/* SPDX-License-Identifier: MIT */
/* engramctl reload, forget and learn: commands to engramd over its admin socket, a line each. */
#define _GNU_SOURCE
#include "engramctl.h"
#include "json_out.h"

#include <engram/region.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_SECONDS 60 /* the daemon answers once totals are on disk */
#define REPLY_MOST 1024

/* The path fits into an address. */
static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Reads a line without its end; false when there is none. */
static bool read_line(int fd, char *line)
{
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length<REPLY_MOST - 1; length += got> 0 ? (size_t)got : 0) {
        char *end = memchr(line, '\n', length);
        if (end) {
            *end = 0;
            return true;
        }
        got = recv(fd, line + length, REPLY_MOST - 1 - length, 0);
    }
    return false;
}

/* The answer to a command; `text` is what is wrong, or "".  False, with a message, when there is
 * none. */
static bool ask(const char *path, const char *command, char *reply)
{
    int fd = dial(path);
    if (fd < 0) {
        fprintf(stderr, "engramctl: no engramd takes commands at %s: %s; %s\n", path,
                strerror(errno),
                errno == EACCES ? "be root or the user that it runs as"
                                : "see --admin-socket, of engramd and of this command");
        return false;
    }
    /* Whoever is not heard is told so at once, and then nobody listens. */
    ssize_t sent = send(fd, command, strlen(command), MSG_NOSIGNAL);
    bool answered = read_line(fd, reply);
    if (!answered)
        fprintf(stderr, "engramctl: engramd at %s does not answer%s\n", path,
                sent < 0 ? "; is it ending?" : "; see its log");
    close(fd);
    return answered;
}

static int tell(const struct options *options, const char *reply)
{
    bool done = strcmp(reply, "ok") == 0;
    const char *error = strncmp(reply, "error ", 6) == 0 ? reply + 6 : reply;
    if (options->json) {
        struct json_object *object = json_object_new_object();
        put_bool(object, "ok", done);
        if (!done)
            put_text(object, "error", error);
        print_json(object);
    } else if (!done) {
        fprintf(stderr, "engramctl: %s\n", error);
    }
    return done ? EXIT_FINE : EXIT_WRONG;
}

static int command(const struct options *options, const char *line)
{
    const size_t room = sizeof((struct sockaddr_un *)NULL)->sun_path;
    char reply[REPLY_MOST];
    if (strlen(options->admin_socket) >= room) {
        fprintf(stderr, "engramctl: the path of a socket has at most %zu bytes\n", room - 1);
        return EXIT_USAGE;
    }
    return ask(options->admin_socket, line, reply) ? tell(options, reply) : EXIT_WRONG;
}

int command_reload(const struct options *options)
{
    return command(options, "reload\n");
}

int command_forget(const struct options *options)
{
    char line[sizeof "forget \n" + ENGRAM_PROCESS_MAX];
    if (!engram_process_valid(options->word)) {
        fputs("engramctl: that is no name of a process\n", stderr);
        return EXIT_USAGE;
    }
    snprintf(line, sizeof line, "forget %s\n", options->word);
    return command(options, line);
}

int command_learn(const struct options *options)
{
    return command(options, "learn\n");
}
