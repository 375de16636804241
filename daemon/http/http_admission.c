/* SPDX-License-Identifier: MIT */
#include "daemon/http/http_admission.h"
#include "daemon/base/clock.h"

#include <string.h>
#include <sys/resource.h>

#define CONNECTIONS_MAX 1024
#define STREAMS_MAX 16384
#define OWED_MAX (32 << 20)
#define PATIENCE_MS 1000

static int least(rlim_t a, int b)
{
    return a < (rlim_t)b ? (int)a : b;
}

struct http_limits admission_limits(void)
{
    struct rlimit files = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &files);
    struct http_limits limits = {.connections = least(files.rlim_cur / 8, CONNECTIONS_MAX),
                                 .streams = least(files.rlim_cur / 4 * 3, STREAMS_MAX),
                                 .owed = OWED_MAX,
                                 .patience_ms = PATIENCE_MS};
    limits.connections_of_one = limits.connections / 4;
    limits.streams_of_one = limits.streams / 16;
    limits.streams_local = limits.streams - limits.streams_of_one; /* another host finds room */
    return limits;
}

static void move(struct connection *connection, struct connections *to)
{
    if (connection->among)
        TAILQ_REMOVE(connection->among, connection, link);
    connection->among = to;
    connection->since = clock_monotonic();
    TAILQ_INSERT_TAIL(to, connection, link);
}

/* Whether it was accepted just now: if it has said something, that was not read yet. */
static bool is_unheard(const struct connection *idle)
{
    return idle->since >= idle->server->accepting_since;
}

static bool is_of(const struct connection *connection, const struct peer *peer)
{
    return !peer || connection->peer == peer;
}

/* Whether it takes an answer in small bites: none is long in coming, but their sum is. */
static bool nibbles(const struct connection *connection, uint64_t now, uint64_t patience)
{
    uint64_t time = now > connection->asked_at ? now - connection->asked_at : 0;
    return connection->answering && time >= patience &&
           (double)connection->taken < (double)time * 1e-9 * HTTP_LEAST_RATE;
}

/* Who has kept the server waiting for longest, of one address or, for NULL, of all: without any
 * progress or, if there is nobody, with too little. */
static struct connection *find_slow(struct http_server *server, const struct peer *peer)
{
    uint64_t now = clock_monotonic(), patience = server->limits.patience_ms * UINT64_C(1000000);
    struct connection *connection, *slow = NULL;
    TAILQ_FOREACH (connection, &server->busy, link) {
        if (now - connection->since < patience)
            break;
        if (is_of(connection, peer))
            return connection;
    }
    TAILQ_FOREACH (connection, &server->busy, link)
        if (is_of(connection, peer) && nibbles(connection, now, patience) &&
            (!slow || connection->asked_at < slow->asked_at))
            slow = connection;
    return slow;
}

/* Who has to go, of one address or, for NULL, of all; NULL: nobody. */
static struct connection *find_victim(struct http_server *server, const struct peer *peer)
{
    struct connection *connection;
    TAILQ_FOREACH (connection, &server->idle, link) {
        if (is_unheard(connection))
            break; /* as are those behind it */
        if (is_of(connection, peer))
            return connection;
    }
    return find_slow(server, peer);
}

static bool has_unheard(const struct http_server *server, const struct peer *peer)
{
    const struct connection *connection;
    TAILQ_FOREACH_REVERSE (connection, &server->idle, connections, link) {
        if (!is_unheard(connection))
            break;
        if (is_of(connection, peer))
            return true;
    }
    return false;
}

/* Closes it, if there is one, for somebody else. */
static bool crowd_out(struct http_server *server, struct connection *victim)
{
    if (!victim)
        return false;
    server->crowded[victim->among == &server->idle ? HTTP_WAS_IDLE : HTTP_WAS_SLOW]++;
    connection_close(victim);
    return true;
}

bool admission_close_slow(const struct connection *spared)
{
    struct http_server *server = spared->server;
    struct connection *slow = find_slow(server, NULL);
    return slow != spared && crowd_out(server, slow);
}

bool admission_close_reader(const struct connection *spared, const size_t *account)
{
    struct connection *connection, *oldest = NULL;
    TAILQ_FOREACH (connection, &spared->server->busy, link)
        if (connection != spared && connection->account == account &&
            (!oldest || connection->asked_at < oldest->asked_at))
            oldest = connection;
    return crowd_out(spared->server, oldest);
}

void admission_close_one(struct http_server *server)
{
    struct connection *stream = TAILQ_FIRST(&server->streams);
    if (!crowd_out(server, find_victim(server, NULL)) && stream)
        connection_close(stream);
}

/* With the newcomer counted for its address already.  If those who may have to go have yet to be
 * heard, it is let in all the same, and the next one waits. */
static bool make_room(struct http_server *server, const struct peer *peer)
{
    for (;;) {
        bool of_one = peer->connections > server->limits.connections_of_one;
        const struct peer *whose = of_one ? peer : NULL;
        if (!of_one && server->connection_count < server->limits.connections)
            return true;
        if (crowd_out(server, find_victim(server, whose)))
            continue;
        bool unheard = has_unheard(server, whose);
        server->accept_later |= unheard;
        return unheard;
    }
}

bool admission_enter(struct connection *newcomer, int fd, const struct sockaddr *address)
{
    struct http_server *server = newcomer->server;
    struct peer *peer = peers_enter(server->peers, fd, address);
    if (!peer)
        return false;
    if (!make_room(server, peer)) {
        server->crowded[HTTP_REFUSED]++;
        peer->connections--;
        peers_leave(server->peers, peer);
        return false;
    }
    newcomer->peer = peer;
    server->connection_count++;
    move(newcomer, &server->idle);
    return true;
}

void admission_leave(struct connection *connection)
{
    struct http_server *server = connection->server;
    TAILQ_REMOVE(connection->among, connection, link);
    if (connection->streaming) {
        server->stream_count--;
        server->local_stream_count -= connection->peer->is_local;
        connection->peer->streams--;
    } else {
        server->connection_count--;
        connection->peer->connections--;
    }
    peers_leave(server->peers, connection->peer);
}

void admission_is_idle(struct connection *connection)
{
    move(connection, &connection->server->idle);
}

void admission_is_busy(struct connection *connection)
{
    move(connection, &connection->server->busy);
}

bool connection_may_become_stream(const struct connection *connection)
{
    const struct http_server *server = connection->server;
    const struct peer *peer = connection->peer;
    return server->stream_count < server->limits.streams &&
           (peer->is_local ? server->local_stream_count < server->limits.streams_local
                           : peer->streams < server->limits.streams_of_one);
}

bool connection_becomes_stream(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct peer *peer = connection->peer;
    if (!connection_may_become_stream(connection))
        return false;
    server->connection_count--;
    server->stream_count++;
    server->local_stream_count += peer->is_local;
    peer->connections--;
    peer->streams++;
    connection->streaming = true;
    move(connection, &server->streams);
    return true;
}

struct http_counts http_server_counts(const struct http_server *server)
{
    struct http_counts counts = {.connections = (uint32_t)server->connection_count,
                                 .owed = server->owed[HTTP_SHARED] + server->owed[HTTP_OWN]};
    memcpy(counts.crowded, server->crowded, sizeof counts.crowded);
    return counts;
}
