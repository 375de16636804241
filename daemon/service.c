/* SPDX-License-Identifier: MIT */
#include "daemon/base/boot.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "daemon/http/listening.h"
#include "daemon/notify.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_SECONDS 5
#define SUPERVISE_MS 250
#define FIRST_MOST 200 /* looks for the first values, 10 ms apart */
#define GRACE_SECONDS 1
#define LAST_LOOKS_MS 10

#define DEFAULT_ADMIN_DIRECTORY "/run/engramd"
#define DEFAULT_ADMIN DEFAULT_ADMIN_DIRECTORY "/admin.sock"

static void add_event(struct daemon *d, int signal_or_fd, short what, event_callback_fn call,
                      const struct timeval *every)
{
    bool has_room = d->event_count < EVENTS_MOST;
    struct event *event = has_room ? event_new(d->base, signal_or_fd, what, call, d) : NULL;
    if (event)
        d->events[d->event_count++] = event;
    if (!event || event_add(event, every))
        daemon_fail("an event is not watched", "free some memory");
}

/* Whether somebody who has begun to ask has no answer yet. */
static bool owes(const struct daemon *d)
{
    return http_server_counts(d->server).connections > 0 || (d->admin && admin_owes(d->admin));
}

static void on_last_look(evutil_socket_t fd, short what, void *argument)
{
    const struct daemon *d = argument;
    (void)fd, (void)what;
    if (!owes(d))
        event_base_loopexit(d->base, NULL);
}

static void on_grace_over(evutil_socket_t fd, short what, void *argument)
{
    const struct daemon *d = argument;
    (void)fd, (void)what;
    log_event(LOG_LEVEL_WARNING, "clients are left without an answer", "connections=%u",
              http_server_counts(d->server).connections);
    event_base_loopexit(d->base, NULL);
}

/* It leaves at once, or when everybody is answered, but waits for nobody for long: whoever restarts
 * it wants the next one to serve. */
static void on_stop(evutil_socket_t signal_number, short what, void *argument)
{
    struct daemon *d = argument;
    (void)what;
    if (d->stopping)
        return;
    d->stopping = true;
    log_event(LOG_LEVEL_INFO, "stopping", "signal=%s", strsignal((int)signal_number));
    notify_send("STOPPING=1");
    http_server_drain(d->server);
    on_last_look(-1, 0, d);
    add_event(d, -1, EV_PERSIST, on_last_look, &(struct timeval){.tv_usec = LAST_LOOKS_MS * 1000});
    add_event(d, -1, 0, on_grace_over, &(struct timeval){.tv_sec = GRACE_SECONDS});
}

/* The watchdog is petted only when every thread that it is about has got on since the last time. */
static void on_watchdog(evutil_socket_t fd, short what, void *argument)
{
    struct daemon *d = argument;
    (void)fd, (void)what;
    if (self_has_moved(d->self))
        notify_send("WATCHDOG=1");
}

/* On the event loop, so that neither collectors nor writers ever wait for it. */
static void take_history(struct daemon *d)
{
    const struct history *history = &d->history;
    const struct snapshot *snapshot = snapshot_begin(d->store);
    if (snapshot) {
        uint64_t age = clock_monotonic() - snapshot->time;
        documents_forget(d->web.documents);
        history_take(&d->history, snapshot, (boot_clock() + boot_epoch() - age) / 1000000);
    }
    snapshot_end();
    self_kept_history(d->self,
                      &(struct self_history){
                          .bytes = history_bytes(history),
                          .limit = history->budget,
                          .series = history->tracking.count,
                          .left_out = history->tracking.left_out,
                          .reach_seconds = (double)(history->to - history_oldest(history)) / 1000});
}

static void on_history(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    take_history(argument);
}

static void on_supervise(evutil_socket_t fd, short what, void *argument)
{
    struct daemon *d = argument;
    (void)fd, (void)what;
    struct http_counts clients = http_server_counts(d->server);
    self_clients(d->self, clients.connections, clients.owed, clients.crowded);
    collectors_supervise(d->collectors);
    sensors_supervise(d->sensing.sensors);
    if (!d->history.started) /* the sooner it starts, the less is from before it */
        take_history(d);
    if (pace_review(d->pace))
        self_paced(d->self, (double)pace_tick(d->pace) * 1e-9, pace_ratio(d->pace));
}

/* What stood in the way may be gone: a full disk, say. */
static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    pipeline_retry(argument);
}

static void learn(void *argument)
{
    struct daemon *d = argument;
    sensing_learn(&d->sensing);
}

static bool reload(void *argument, char *error, size_t size)
{
    struct daemon *d = argument;
    return !d->access || web_access_reload(d->access, error, size);
}

static void on_hangup(evutil_socket_t signal_number, short what, void *argument)
{
    char error[512];
    (void)signal_number, (void)what;
    reload(argument, error, sizeof error); /* which the log tells */
}

static bool make_access(struct daemon *d)
{
    char error[512];
    if (!d->config.web_config)
        return true;
    d->access = web_access_new(d->base, d->config.web_config, d->self, error, sizeof error);
    if (d->access)
        http_server_set_gate(d->server, web_access_gate(d->access));
    else
        log_event(LOG_LEVEL_ERROR, "the web configuration cannot be used", "error=%s advice=%s",
                  error, "see engramd-web(5)");
    return d->access != NULL;
}

/* Nobody has asked for the default: without it, there are signals. */
static bool make_admin(struct daemon *d)
{
    char error[512];
    const char *path = d->config.admin_socket;
    const struct admin_options options = {d->base, d->order, reload, learn, d};
    if (!path && access(DEFAULT_ADMIN_DIRECTORY, W_OK) != 0)
        return true;
    d->admin = admin_new(&options, path ? path : DEFAULT_ADMIN, error, sizeof error);
    if (!d->admin)
        log_event(path ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "no commands can be taken",
                  "path=%s error=%s advice=%s", path ? path : DEFAULT_ADMIN, error,
                  "name another path with --admin-socket");
    return d->admin || !path;
}

bool service_make(struct daemon *d)
{
    d->base = event_base_new();
    if (!d->base)
        return daemon_fail("no memory to serve", "free some");
    struct bodies *bodies = bodies_new(d->base, d->store, d->self);
    d->streams =
        streams_new(&(struct stream_options){d->base, d->store, d->feed, d->self, STREAM_BUDGET});
    history_start(&d->history, d->config.history_memory);
    struct documents *documents = documents_new(&(struct api){
        d->store, d->topology, d->sensing.live, d->self, &d->history, d->sensing.alerting});
    d->web = (struct web){d->store, d->self, bodies, documents, d->streams, d->sensing.health};
    if (bodies && documents && d->streams)
        d->server = http_server_new(d->base, web_handle, web_observe, &d->web);
    if (!d->server)
        return daemon_fail("no memory to serve", "free some");
    http_server_allow_origins(d->server, d->config.cors_origins.items);
    return make_access(d) && make_admin(d) && listening_start(d->server, &d->config, d->access);
}

/* Whoever waited in an inherited socket is answered with values, and not told that there are none;
 * but a thread that hangs keeps nobody from being told. */
static void await_values(struct daemon *d)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    bool there = false;
    for (int i = 0; i < FIRST_MOST && !there; i++) {
        there = snapshot_begin(d->store) != NULL;
        snapshot_end();
        if (!there)
            nanosleep(&pause, NULL);
    }
}

static void watch(struct daemon *d)
{
    uint32_t watchdog = notify_watchdog_ms();
    struct timeval every = {(time_t)(watchdog / 1000), (suseconds_t)(watchdog % 1000) * 1000};
    add_event(d, SIGTERM, EV_SIGNAL | EV_PERSIST, on_stop, NULL);
    add_event(d, SIGINT, EV_SIGNAL | EV_PERSIST, on_stop, NULL);
    add_event(d, SIGHUP, EV_SIGNAL | EV_PERSIST, on_hangup, NULL);
    add_event(d, -1, EV_PERSIST, on_supervise, &(struct timeval){.tv_usec = SUPERVISE_MS * 1000});
    add_event(d, -1, EV_PERSIST, on_history, &(struct timeval){.tv_sec = HISTORY_SAMPLE_MS / 1000});
    if (!d->state)
        add_event(d, -1, EV_PERSIST, on_retry, &(struct timeval){.tv_sec = RETRY_SECONDS});
    if (watchdog)
        add_event(d, -1, EV_PERSIST, on_watchdog, &every);
}

int service_run(struct daemon *d)
{
    self_paced(d->self, (double)pace_tick(d->pace) * 1e-9, NAN);
    d->collectors = collectors_start(&(struct collector_options){d->store, d->topology, d->self,
                                                                 d->pace, d->feed, d->sensing.pmu});
    if (!d->collectors || !sensing_start(&d->sensing) || !discovery_start(d->discovery)) {
        daemon_fail("cannot start a thread", "raise the limit on tasks");
        return EXIT_FAILURE;
    }
    await_values(d);
    watch(d);
    log_event(LOG_LEVEL_INFO, "started", "version=%s revision=%s sockets=%u tick_ms=%u",
              ENGRAM_VERSION, ENGRAM_REVISION, topology_sockets(d->topology), d->config.tick_ms);
    notify_send("READY=1");
    int failed = event_base_dispatch(d->base) < 0;
    discovery_stop(d->discovery);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void service_unmake(struct daemon *d)
{
    if (d->web.bodies)
        bodies_free(d->web.bodies);
    if (d->web.documents)
        documents_free(d->web.documents);
    if (d->server)
        http_server_free(d->server);
    if (d->access)
        web_access_free(d->access);
    if (d->admin)
        admin_free(d->admin);
    if (d->streams)
        streams_free(d->streams);
    history_stop(&d->history);
    while (d->event_count > 0)
        event_free(d->events[--d->event_count]);
    if (d->base)
        event_base_free(d->base);
    libevent_global_shutdown();
}
