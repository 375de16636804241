/* SPDX-License-Identifier: MIT */
#include "daemon/admin.h"
#include "daemon/boot.h"
#include "daemon/claim.h"
#include "daemon/clock.h"
#include "daemon/collector.h"
#include "daemon/config.h"
#include "daemon/derived.h"
#include "daemon/discovery.h"
#include "daemon/exposition.h"
#include "daemon/listening.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/processes.h"
#include "daemon/web.h"
#include "daemon/web_access.h"
#include "shmlib/guard.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MOST 6
#define RETRY_SECONDS 5
#define SUPERVISE_MS 250
#define FEED_ITEMS 65536 /* 3.5 MiB, of memory that is touched when they come */
#define SCANS_MOST 20    /* at the start */
#define FIRST_MOST 200   /* looks for the first values, 10 ms apart */
#define LOOKS_MOST 100   /* of --once, beside a daemon that folds all the time */

#define DEFAULT_ADMIN_DIRECTORY "/run/engramd"
#define DEFAULT_ADMIN DEFAULT_ADMIN_DIRECTORY "/admin.sock"

/* Everything that lives as long as the daemon, in the order in which it is made. */
struct daemon {
    struct config config;
    struct topology *topology;
    struct self *self;
    struct pace *pace;
    struct derived *derived;
    struct snapshot_store *store;
    struct feed *feed;
    struct state *state;
    enum claim claim; /* as the log has told it */
    struct forget_order *order;
    struct continuity *continuity;
    struct discovery *discovery;
    struct collectors *collectors;
    struct event_base *base;
    struct web_access *access; /* NULL: whoever reaches an address may ask */
    struct admin *admin;       /* NULL: there is no place for its socket */
    struct http_server *server;
    struct streams *streams;
    struct history history;
    struct web web;
    bool hangs; /* a thread: what it uses cannot be freed */
    struct event *events[EVENTS_MOST];
    int event_count;
};

static bool fail(const char *what, const char *advice)
{
    log_event(LOG_LEVEL_ERROR, what, "error=%s advice=%s", strerror(errno), advice);
    return false;
}

static void compute(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                    union word *row)
{
    struct daemon *daemon = argument;
    derived_fill(daemon->derived, plan, snapshot, row);
    self_fill(daemon->self, plan, row);
    processes_fill(plan, row);
}

static void on_round(void *feed)
{
    feed_ring(feed);
}

/* Root makes the directory that processes expect, as tmpfiles.d would at boot. */
static void make_regions(const struct config *config)
{
    if (!config->default_regions || geteuid() != 0)
        return;
    if (mkdir("/dev/shm/engram", 0755) == 0 || errno == EEXIST)
        if (mkdir(config->region_dirs.items[0], 03777) == 0)
            chmod(config->region_dirs.items[0], 03777); /* whatever the umask */
    struct stat status;
    if (lstat("/dev/shm/engram", &status) == 0 &&
        (!S_ISDIR(status.st_mode) || status.st_uid != 0 || (status.st_mode & 022)))
        log_event(LOG_LEVEL_WARNING,
                  "region directory can be replaced by others; processes avoid it",
                  "path=%s advice=%s", "/dev/shm/engram", "remove it and start again");
}

/* Each region takes a descriptor. */
static void raise_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* Two daemons that fold the same regions would each have a part of the totals.  A state that is
 * open is of no use without the regions; that they cannot be had is said once. */
static enum claim claim_regions(struct daemon *d)
{
    int which;
    enum claim claim =
        claim_directories(d->config.region_dirs.items, d->config.region_dirs.count, &which);
    const char *path = d->config.region_dirs.items[which];
    if (claim == CLAIM_TAKEN && d->claim != claim)
        log_event(LOG_LEVEL_ERROR, "another engramd serves the region directory",
                  "path=%s advice=%s", path, "stop it");
    if (claim == CLAIM_BLOCKED && d->claim != claim)
        log_event(LOG_LEVEL_WARNING,
                  "region directory cannot be claimed; regions of ended processes stay in memory",
                  "path=%s error=%s advice=%s", path, strerror(errno), "remove .engramd from it");
    d->claim = claim;
    if (claim == CLAIM_HELD) {
        self_state_opened(d->self);
        return claim;
    }
    state_close(d->state);
    d->state = NULL;
    return claim;
}

/* False when another daemon has it.  Without a state the daemon serves all the same, and says so at
 * the start, when somebody looks, and not when the first process has ended. */
static bool open_state(struct daemon *d)
{
    switch (state_open(d->config.state_dir, &d->state)) {
    case STATE_OPEN:
        return claim_regions(d) != CLAIM_TAKEN;
    case STATE_TAKEN:
        log_event(LOG_LEVEL_ERROR, "another engramd uses the state directory", "path=%s advice=%s",
                  d->config.state_dir, "stop it, or name another with --state-dir");
        return false;
    case STATE_UNWRITABLE:
        break;
    }
    log_event(LOG_LEVEL_WARNING,
              "state directory cannot be written; regions of ended processes stay in memory",
              "path=%s error=%s advice=%s", d->config.state_dir, strerror(errno),
              "make it, or name another with --state-dir");
    return true;
}

/* What stood in the way may be gone: a full disk, say. */
static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    struct daemon *d = argument;
    (void)fd, (void)what;
    const char *told = d->claim == CLAIM_HELD ? "state directory can be written now"
                                              : "region directories are claimed now";
    if (d->state || state_open(d->config.state_dir, &d->state) != STATE_OPEN ||
        claim_regions(d) != CLAIM_HELD)
        return;
    log_event(LOG_LEVEL_INFO, told, "path=%s", d->config.state_dir);
    continuity_offer(d->continuity, d->state);
}

static bool make_continuity(struct daemon *d)
{
    struct continuity_options options = {.state_dir = d->config.state_dir,
                                         .state = d->state,
                                         .topology = d->topology,
                                         .self = d->self,
                                         .order = d->order,
                                         .forget_after = d->config.forget_after,
                                         .series_limit = d->config.series_limit};
    d->continuity = continuity_new(&options);
    return d->continuity ||
           fail("cannot start without the totals", "see above, or free some memory");
}

static bool make_pipeline(struct daemon *d)
{
    guard_install();
    raise_limit();
    make_regions(&d->config);
    if (!(d->topology = topology_load(d->config.sysroot)))
        return fail("cannot read the machine's topology", "is /sys mounted?");
    d->self = self_new(topology_sockets(d->topology), ENGRAM_VERSION, ENGRAM_REVISION);
    d->pace = pace_new(d->config.tick_ms, d->config.cpu_budget);
    d->derived = derived_new();
    d->store = snapshot_store_new(d->topology, compute, d);
    d->feed = feed_new(FEED_ITEMS);
    if (!d->self || !d->pace || !d->derived || !d->store || !d->feed)
        return fail("no memory to start", "free some");
    snapshot_tell(d->store, on_round, d->feed);
    return true;
}

static bool make_discovery(struct daemon *d)
{
    struct discovery_options options = {
        .store = d->store,
        .topology = d->topology,
        .self = d->self,
        .continuity = d->continuity,
        .directories = (const char *const *)d->config.region_dirs.items,
        .flat = d->config.default_regions,
        .pace = d->pace,
        .series_limit = d->config.series_limit,
        .feed = d->feed,
    };
    d->discovery = discovery_new(&options);
    return d->discovery || fail("cannot watch for regions", "raise fs.inotify.max_user_instances");
}

/* Some users may have more than a scan has time for; what is shown first should not lack it.  But
 * none can keep us from starting. */
static void scan_all(struct daemon *d)
{
    for (int i = 0; i < SCANS_MOST && !discovery_scan(d->discovery); i++)
        continue;
}

/*
 * Finds what is there without taking the lock or folding: a look is no service.
 * A daemon beside it may fold a region after the totals were read and before its
 * directory is, so that it would be in neither: then it looks again.
 */
static bool look(struct daemon *d)
{
    for (int i = 0; i < LOOKS_MOST; i++) {
        uint64_t before = state_generation(d->config.state_dir);
        if (!make_continuity(d) || !make_discovery(d))
            return false;
        scan_all(d);
        if (state_generation(d->config.state_dir) == before)
            return true;
        discovery_free(d->discovery);
        continuity_free(d->continuity);
        d->discovery = NULL;
        d->continuity = NULL;
    }
    log_event(LOG_LEVEL_ERROR, "totals change too fast to be looked at", "path=%s advice=%s",
              d->config.state_dir, "ask the running daemon");
    return false;
}

static int run_once(struct daemon *d)
{
    struct buffer out = {0};
    if (!look(d))
        return EXIT_FAILURE;
    collect_once(d->store, d->topology, d->self);
    const struct snapshot *snapshot = snapshot_begin(d->store);
    bool done = snapshot && exposition_render(&out, snapshot, EXPOSITION_TEXT) &&
                fwrite(out.data, 1, out.length, stdout) == out.length && fflush(stdout) == 0;
    snapshot_end();
    buffer_free(&out);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void on_stop(evutil_socket_t signal_number, short what, void *argument)
{
    struct daemon *d = argument;
    (void)what;
    log_event(LOG_LEVEL_INFO, "stopping", "signal=%s", strsignal((int)signal_number));
    notify_send("STOPPING=1");
    http_server_drain(d->server);
    struct timeval patience = {.tv_sec = 1};
    event_base_loopexit(d->base, &patience);
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
    if (!d->history.started) /* the sooner it starts, the less is from before it */
        take_history(d);
    if (pace_review(d->pace))
        self_paced(d->self, (double)pace_tick(d->pace) * 1e-9, pace_ratio(d->pace));
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
    const struct admin_options options = {d->base, d->order, reload, d};
    if (!path && access(DEFAULT_ADMIN_DIRECTORY, W_OK) != 0)
        return true;
    d->admin = admin_new(&options, path ? path : DEFAULT_ADMIN, error, sizeof error);
    if (!d->admin)
        log_event(path ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "no commands can be taken",
                  "path=%s error=%s advice=%s", path ? path : DEFAULT_ADMIN, error,
                  "name another path with --admin-socket");
    return d->admin || !path;
}

static bool make_server(struct daemon *d)
{
    d->base = event_base_new();
    if (!d->base)
        return fail("no memory to serve", "free some");
    struct bodies *bodies = bodies_new(d->base, d->store, d->self);
    d->streams =
        streams_new(&(struct stream_options){d->base, d->store, d->feed, d->self, STREAM_BUDGET});
    history_start(&d->history, d->config.history_memory);
    struct documents *documents =
        documents_new(&(struct api){d->store, d->topology, d->self, &d->history});
    d->web = (struct web){d->store, d->self, bodies, documents, d->streams};
    if (bodies && documents && d->streams)
        d->server = http_server_new(d->base, web_handle, web_observe, &d->web);
    if (!d->server)
        return fail("no memory to serve", "free some");
    http_server_allow_origins(d->server, d->config.cors_origins.items);
    return make_access(d) && make_admin(d) && listening_start(d->server, &d->config, d->access);
}

static void add_event(struct daemon *d, int signal_or_fd, short what, event_callback_fn call,
                      const struct timeval *every)
{
    struct event *event = event_new(d->base, signal_or_fd, what, call, d);
    if (event)
        d->events[d->event_count++] = event;
    if (!event || event_add(event, every))
        fail("an event is not watched", "free some memory");
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

static int serve(struct daemon *d)
{
    d->order = forget_order_new();
    if (!d->order)
        fail("no memory to start", "free some");
    if (!d->order || !open_state(d) || !make_continuity(d) || !make_discovery(d) || !make_server(d))
        return EXIT_FAILURE;
    scan_all(d);
    self_paced(d->self, (double)pace_tick(d->pace) * 1e-9, NAN);
    d->collectors = collectors_start(d->store, d->topology, d->self, d->pace, d->feed);
    if (!d->collectors || !discovery_start(d->discovery)) {
        fail("cannot start a thread", "raise the limit on tasks");
        return EXIT_FAILURE;
    }
    await_values(d);
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
    log_event(LOG_LEVEL_INFO, "started", "version=%s revision=%s sockets=%u tick_ms=%u",
              ENGRAM_VERSION, ENGRAM_REVISION, topology_sockets(d->topology), d->config.tick_ms);
    notify_send("READY=1");
    int failed = event_base_dispatch(d->base) < 0;
    discovery_stop(d->discovery);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void unmake(struct daemon *d)
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
    if (d->collectors && !collectors_stop(d->collectors)) {
        log_event(LOG_LEVEL_WARNING, "a thread hangs; it is left behind", NULL);
        d->hangs = true;
        return;
    }
    if (d->discovery)
        discovery_free(d->discovery);
    if (d->continuity)
        continuity_free(d->continuity);
    if (d->order)
        forget_order_free(d->order);
    if (d->state)
        state_close(d->state);
    if (d->store)
        snapshot_store_free(d->store);
    if (d->feed)
        feed_free(d->feed);
    if (d->derived)
        derived_free(d->derived);
    if (d->pace)
        pace_free(d->pace);
    history_stop(&d->history);
    if (d->self)
        self_free(d->self);
    if (d->topology)
        topology_free(d->topology);
    while (d->event_count > 0)
        event_free(d->events[--d->event_count]);
    if (d->base)
        event_base_free(d->base);
    libevent_global_shutdown();
}

int main(int argc, char **argv)
{
    mallopt(M_ARENA_MAX, 1); /* or each thread keeps what others free in an arena of its own */
    struct daemon daemon = {0};
    enum config_result loaded = config_load(&daemon.config, argc, argv);
    int status = loaded == CONFIG_DONE ? EXIT_SUCCESS : 2;
    if (loaded == CONFIG_RUN) {
        signal(SIGPIPE, SIG_IGN);
        snapshot_thread_start();
        status = !make_pipeline(&daemon) ? EXIT_FAILURE
                 : daemon.config.once    ? run_once(&daemon)
                                         : serve(&daemon);
        unmake(&daemon);
        if (daemon.hangs)
            _exit(status); /* the totals that were written are safe */
        snapshot_thread_stop();
    }
    config_free(&daemon.config);
    return status;
}
