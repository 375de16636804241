/* SPDX-License-Identifier: MIT */
#include "daemon/base/log.h"
#include "daemon/collect/processes.h"
#include "daemon/daemon.h"
#include "shmlib/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FEED_ITEMS 65536 /* 3.5 MiB, of memory that is touched when they come */
#define SCANS_MOST 20    /* at the start */
#define LISTS 5          /* of computed families */
#define LOOKS_MOST 100   /* of --once, beside a daemon that folds all the time */

bool daemon_fail(const char *what, const char *advice)
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
    figures_fill(daemon->sensing.figures, plan, row);
    process_sensor_fill(daemon->sensing.process_sensor, plan, row);
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

static uint32_t append(const struct computed_family **to, const struct computed_family *const *list)
{
    uint32_t count = 0;
    for (; list[count]; count++)
        to[count] = list[count];
    return count;
}

/* The families of all who compute some. */
static bool list_computed(struct daemon *d)
{
    const struct computed_family *const *lists[] = {
        self_families(d->self), derived_families(), processes_families,
        figures_families(d->sensing.figures), process_sensor_families(d->sensing.process_sensor)};
    uint32_t count = 0;
    d->computed = calloc(LISTS * ENGRAM_FAMILIES + 1, sizeof(void *));
    for (size_t i = 0; i < LISTS; i++) {
        if (!d->computed || !lists[i])
            return false;
        count += append(d->computed + count, lists[i]);
    }
    return true;
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

void pipeline_retry(struct daemon *d)
{
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
           daemon_fail("cannot start without the totals", "see above, or free some memory");
}

bool pipeline_make(struct daemon *d)
{
    guard_install();
    raise_limit();
    make_regions(&d->config);
    if (!(d->topology = topology_load(d->config.sysroot)))
        return daemon_fail("cannot read the machine's topology", "is /sys mounted?");
    d->self = self_new(topology_sockets(d->topology), ENGRAM_VERSION, ENGRAM_REVISION);
    d->pace = pace_new(d->config.tick_ms, d->config.cpu_budget);
    d->derived = derived_new();
    d->store = snapshot_store_new(d->topology, compute, d);
    d->feed = feed_new(FEED_ITEMS);
    if (!d->self || !d->pace || !d->derived || !d->store || !d->feed)
        return daemon_fail("no memory to start", "free some");
    snapshot_tell(d->store, on_round, d->feed);
    const struct sensing_sources sources = {&d->config, d->topology, d->store,
                                            d->pace,    d->feed,     d->self};
    return (sensing_make(&d->sensing, &sources) && list_computed(d)) ||
           daemon_fail("no memory to start", "free some");
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
        .computed = d->computed,
    };
    d->discovery = discovery_new(&options);
    return d->discovery ||
           daemon_fail("cannot watch for regions", "raise fs.inotify.max_user_instances");
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
bool pipeline_look(struct daemon *d)
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

bool pipeline_find(struct daemon *d)
{
    d->order = forget_order_new();
    if (!d->order)
        return daemon_fail("no memory to start", "free some");
    if (!open_state(d) || !make_continuity(d) || !make_discovery(d))
        return false;
    scan_all(d);
    return true;
}

void pipeline_unmake(struct daemon *d)
{
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
    if (d->self)
        self_free(d->self);
    sensing_unmake(&d->sensing);
    free(d->computed);
    if (d->topology)
        topology_free(d->topology);
}
