/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/admin.h"
#include "daemon/base/log.h"
#include "daemon/http/http_listen.h"

#include <engram/valid.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    struct admin *admin;
    struct bufferevent *stream;
    struct ucred peer;
    int place; /* among the clients */
};

struct admin {
    struct admin_options options;
    struct evconnlistener *listener;
    struct event *answered; /* the order */
    char *path;
    struct client *clients[ADMIN_CLIENTS_MOST]; /* NULL where there is none */
    struct client *asker;                       /* of the order; NULL: none, or it has left */
};

static void run_reload(struct client *client, const char *argument);
static void run_forget(struct client *client, const char *argument);
static void run_learn(struct client *client, const char *argument);

/* Everything that can be asked for.  `run` replies, now or later. */
static const struct {
    const char *name;
    bool has_argument;
    void (*run)(struct client *client, const char *argument);
} commands[ADMIN_COMMANDS] = {
    [ADMIN_RELOAD] = {"reload", false, run_reload},
    [ADMIN_FORGET] = {"forget", true, run_forget},
    [ADMIN_LEARN] = {"learn", false, run_learn},
};

const char *admin_parse(char *line, size_t length, enum admin_command *command,
                        const char **argument)
{
    if (!engram_utf8_valid(line, length))
        return "a command is a line of text";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            return "a command is a line of text";
    char *blank = memchr(line, ' ', length);
    line[length] = 0;
    if (blank)
        *blank++ = 0;
    for (*command = 0; *command < ADMIN_COMMANDS; ++*command) {
        if (strcmp(line, commands[*command].name) != 0)
            continue;
        if (commands[*command].has_argument != (blank && *blank))
            return blank && *blank ? "this command takes nothing" : "this command takes a name";
        *argument = blank ? blank : "";
        return NULL;
    }
    return "there is no such command; there are reload, forget NAME and learn";
}

static void reply(struct client *client, const char *how, const char *text)
{
    evbuffer_add_printf(bufferevent_get_output(client->stream), "%s%s%s\n", how, *text ? " " : "",
                        text);
}

static void run_reload(struct client *client, const char *argument)
{
    const struct admin_options *options = &client->admin->options;
    char error[512] = "";
    (void)argument;
    bool done = options->reload(options->argument, error, sizeof error);
    reply(client, done ? "ok" : "error", done ? "" : error);
}

static void run_learn(struct client *client, const char *argument)
{
    const struct admin_options *options = &client->admin->options;
    (void)argument;
    options->learn(options->argument);
    reply(client, "ok", "");
}

/* What is answered later keeps the next command waiting. */
static void run_forget(struct client *client, const char *argument)
{
    struct admin *admin = client->admin;
    if (!forget_order_place(admin->options.order, argument)) {
        reply(client, "error", "another name is being forgotten; try again");
        return;
    }
    admin->asker = client;
    bufferevent_disable(client->stream, EV_READ);
}

static void client_close(struct client *client)
{
    struct admin *admin = client->admin;
    admin->clients[client->place] = NULL;
    if (admin->asker == client)
        admin->asker = NULL;
    bufferevent_free(client->stream);
    free(client);
}

static void run_line(struct client *client, char *line, size_t length)
{
    enum admin_command command;
    const char *argument, *wrong = admin_parse(line, length, &command, &argument);
    if (wrong) {
        reply(client, "error", wrong);
        return;
    }
    log_event(LOG_LEVEL_INFO, "command", "name=%s argument=%s pid=%d owner=%u",
              commands[command].name, argument, (int)client->peer.pid, client->peer.uid);
    commands[command].run(client, argument);
}

static void take_lines(struct client *client)
{
    struct evbuffer *in = bufferevent_get_input(client->stream);
    size_t length;
    char *line;
    while (client->admin->asker != client &&
           (line = evbuffer_readln(in, &length, EVBUFFER_EOL_LF))) {
        run_line(client, line, length);
        free(line);
    }
    if (client->admin->asker != client && evbuffer_get_length(in) >= ADMIN_LINE_MOST)
        client_close(client);
}

static void on_read(struct bufferevent *stream, void *argument)
{
    (void)stream;
    take_lines(argument);
}

static void on_event(struct bufferevent *stream, short what, void *argument)
{
    (void)stream, (void)what;
    client_close(argument);
}

static void on_answered(evutil_socket_t fd, short what, void *argument)
{
    static const struct {
        const char *how, *text;
    } replies[] = {
        [FORGET_DONE] = {"ok", ""},
        [FORGET_UNKNOWN] = {"error", "no totals are kept under that name; see the label process"},
        [FORGET_IN_USE] = {"error", "a process of that name records, or has ended just now; "
                                    "stop it and try again"},
        [FORGET_NO_STATE] = {"error", "the state directory cannot be written; see the log"},
        [FORGET_FAILED] = {"error", "the totals cannot be written, so all stay; see the log"},
    };
    struct admin *admin = argument;
    struct client *client = admin->asker;
    enum forget_answer answer;
    (void)fd, (void)what;
    if (!forget_order_answered(admin->options.order, &answer) || !client)
        return;
    admin->asker = NULL;
    reply(client, replies[answer].how, replies[answer].text);
    bufferevent_enable(client->stream, EV_READ);
    take_lines(client);
}

static bool client_start(struct admin *admin, int place, evutil_socket_t fd,
                         const struct ucred *peer)
{
    struct timeval idle = {.tv_sec = ADMIN_IDLE_SECONDS};
    struct client *client = calloc(1, sizeof *client);
    if (client)
        client->stream = bufferevent_socket_new(admin->options.base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!client || !client->stream) {
        free(client);
        return false;
    }
    client->admin = admin;
    client->peer = *peer;
    client->place = place;
    admin->clients[place] = client;
    bufferevent_setcb(client->stream, on_read, NULL, on_event, client);
    bufferevent_setwatermark(client->stream, EV_READ, 0, ADMIN_LINE_MOST);
    bufferevent_set_timeouts(client->stream, &idle, &idle);
    bufferevent_enable(client->stream, EV_READ | EV_WRITE);
    return true;
}

/* Says why and hangs up; what the socket does not take at once is lost. */
static void turn_away(evutil_socket_t fd, const char *line)
{
    if (send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_event(LOG_LEVEL_INFO, "a client of the admin socket left at once", NULL);
    evutil_closesocket(fd);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *argument)
{
    struct admin *admin = argument;
    struct ucred peer;
    socklen_t size = sizeof peer;
    int place = 0;
    (void)listener, (void)address, (void)length;
    while (place < ADMIN_CLIENTS_MOST && admin->clients[place])
        place++;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ||
        (peer.uid != 0 && peer.uid != geteuid()))
        turn_away(fd, "error only root and the user that engramd runs as may command\n");
    else if (place == ADMIN_CLIENTS_MOST || !client_start(admin, place, fd, &peer))
        turn_away(fd, "error too many clients; try again\n");
}

static bool start(struct admin *admin, const char *path, char *error, size_t size)
{
    char address[256];
    snprintf(address, sizeof address, "unix:%s,mode=0600", path);
    int fd = http_listen(address, error, size);
    if (fd < 0)
        return false;
    snprintf(error, size, "no memory to listen");
    admin->path = strdup(path);
    admin->listener = evconnlistener_new(admin->options.base, on_accept, admin,
                                         LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!admin->listener)
        close(fd);
    admin->answered = event_new(admin->options.base, forget_order_fd(admin->options.order),
                                EV_READ | EV_PERSIST, on_answered, admin);
    return admin->path && admin->listener && admin->answered &&
           event_add(admin->answered, NULL) == 0;
}

struct admin *admin_new(const struct admin_options *options, const char *path, char *error,
                        size_t size)
{
    struct admin *admin = calloc(1, sizeof *admin);
    snprintf(error, size, "no memory");
    if (!admin)
        return NULL;
    admin->options = *options;
    if (start(admin, path, error, size))
        return admin;
    admin_free(admin);
    return NULL;
}

bool admin_owes(const struct admin *admin)
{
    for (int i = 0; i < ADMIN_CLIENTS_MOST; i++)
        if (admin->clients[i] &&
            evbuffer_get_length(bufferevent_get_output(admin->clients[i]->stream)) > 0)
            return true;
    return admin->asker != NULL;
}

void admin_free(struct admin *admin)
{
    for (int i = 0; i < ADMIN_CLIENTS_MOST; i++)
        if (admin->clients[i])
            client_close(admin->clients[i]);
    if (admin->answered)
        event_free(admin->answered);
    if (admin->listener)
        evconnlistener_free(admin->listener);
    if (admin->path)
        unlink(admin->path);
    free(admin->path);
    free(admin);
}
