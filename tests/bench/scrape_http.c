/* SPDX-License-Identifier: MIT */
/*
 * Scrapes a server on loopback, whoever wrote it.  Each connection asks again as
 * soon as it has its answer, or PACE milliseconds after it asked last, and is kept
 * as long as the server keeps it: to connect anew is a part of a scrape.
 *
 *     scrape_http PORT CONNECTIONS MILLISECONDS PACE PATH [HEADER...]
 *
 * Prints one line of JSON: how many answers came and in how many seconds, the
 * median and the 99th percentile of a scrape in microseconds, and how many bytes
 * one took on the wire, its head and its framing included.
 */
#define _GNU_SOURCE
#include "http_bench.h"

#include <poll.h>

#define CONNECTIONS_MOST 64
#define READ_MOST (128 << 10)
#define END "\r\n0\r\n\r\n" /* of a body in chunks: nothing follows that nobody asked for */
#define END_LENGTH (sizeof END - 1)
#define ANSWERS_MOST (1 << 20)

struct client {
    int fd;
    double asked, next; /* us */
    bool waiting, in_body;
    size_t have; /* of the head, or of what was read last */
    long left;   /* of the body; -1: it comes in chunks */
    size_t bytes;
    char room[END_LENGTH + READ_MOST + 1]; /* the last bytes of the read before stand first */
};

static struct client clients[CONNECTIONS_MOST];
static double took[ANSWERS_MOST];
static size_t answers;
static char request[2048];
static int port;

static void send_request(const struct client *client)
{
    if (send(client->fd, request, strlen(request), MSG_NOSIGNAL) < 0 && errno != EPIPE &&
        errno != ECONNRESET)
        die("send");
}

static void ask_again(struct client *client)
{
    client->asked = now_us();
    client->waiting = true;
    client->in_body = false;
    client->have = client->bytes = 0;
    send_request(client);
}

/* The server has closed after its last answer. */
static void connect_again(struct client *client)
{
    close(client->fd);
    client->fd = ask(1, port, NULL, 0);
    send_request(client);
}

/* The value of a field of the head, which ends at `body`; NULL when it has none. */
static const char *field(const struct client *client, const char *name, const char *body)
{
    const char *at = strcasestr(client->room, name);
    return at && at < body ? at + strlen(name) : NULL;
}

/* The head has ended: how the body is delimited. */
static void begin_body(struct client *client, const char *body)
{
    const char *length = field(client, "\r\nContent-Length:", body);
    size_t there = client->have - (size_t)(body - client->room);
    if (strncmp(client->room, "HTTP/1.1 200", 12) != 0)
        die("an answer that is no 200");
    client->in_body = true;
    client->left = length ? strtol(length, NULL, 10) - (long)there : -1;
}

static bool is_last(const struct client *client)
{
    if (client->left >= 0)
        return client->left == 0;
    return client->have >= END_LENGTH &&
           memcmp(client->room + client->have - END_LENGTH, END, END_LENGTH) == 0;
}

/* Only what may be the start of the end is kept of a body. */
static void forget_body(struct client *client)
{
    size_t kept = client->have < END_LENGTH ? client->have : END_LENGTH;
    memmove(client->room, client->room + client->have - kept, kept);
    client->have = kept;
}

/* Takes in what has come; true when the answer is whole. */
static bool take(struct client *client)
{
    if (client->in_body)
        forget_body(client);
    ssize_t got =
        recv(client->fd, client->room + client->have, sizeof client->room - 1 - client->have, 0);
    if (got <= 0 && client->bytes)
        die("a server that closed amid an answer");
    if (got <= 0) {
        connect_again(client);
        return false;
    }
    client->have += (size_t)got;
    client->bytes += (size_t)got;
    client->room[client->have] = 0;
    if (client->in_body) {
        client->left -= client->left < 0 ? 0 : (long)got;
        return is_last(client);
    }
    const char *blank = strstr(client->room, "\r\n\r\n");
    if (blank)
        begin_body(client, blank + 4);
    return blank && is_last(client);
}

static void note(struct client *client, double now, double pace)
{
    client->waiting = false;
    client->next = client->asked + pace;
    if (answers == ANSWERS_MOST)
        die("more answers than there is room for");
    took[answers++] = now - client->asked;
}

/* Whoever is due asks, until the end; returns how many wait for an answer. */
static int ask_due(int count, double end)
{
    double now = now_us();
    int waiting = 0;
    for (int i = 0; i < count; i++) {
        if (!clients[i].waiting && now >= clients[i].next && now < end)
            ask_again(&clients[i]);
        waiting += clients[i].waiting;
    }
    return waiting;
}

/* Asks until `end` and reads until all is answered. */
static void scrape(int count, double end, double pace)
{
    struct pollfd polled[CONNECTIONS_MOST];
    while (ask_due(count, end) || now_us() < end) {
        for (int i = 0; i < count; i++)
            polled[i] =
                (struct pollfd){.fd = clients[i].waiting ? clients[i].fd : -1, .events = POLLIN};
        poll(polled, (nfds_t)count, pace > 0 ? 1 : 1000);
        for (int i = 0; i < count; i++)
            if (polled[i].revents && take(&clients[i]))
                note(&clients[i], now_us(), pace);
    }
}

static void make_request(const char *path, int count, char **headers)
{
    size_t length =
        (size_t)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n", path);
    for (int i = 0; i < count; i++)
        length += (size_t)snprintf(request + length, sizeof request - length, "%s\r\n", headers[i]);
    snprintf(request + length, sizeof request - length, "\r\n");
}

int main(int argc, char **argv)
{
    int count = argc > 5 ? atoi(argv[2]) : 0;
    if (count < 1 || count > CONNECTIONS_MOST) {
        fprintf(stderr, "usage: %s PORT CONNECTIONS MILLISECONDS PACE PATH [HEADER...]\n", argv[0]);
        return 2;
    }
    make_request(argv[5], argc - 6, argv + 6);
    port = atoi(argv[1]);
    for (int i = 0; i < count; i++)
        clients[i].fd = ask(1, port, NULL, 0);
    double pace = atof(argv[4]) * 1e3, start = now_us();
    scrape(count, start + atof(argv[3]) * 1e3, pace);
    double seconds = (now_us() - start) * 1e-6;
    printf("{\"answers\": %zu, \"seconds\": %.6f, \"p50\": %.1f, \"p99\": %.1f, \"bytes\": %zu}\n",
           answers, seconds, quantile(took, answers, 0.5), quantile(took, answers, 0.99),
           clients[0].bytes);
    return 0;
}
