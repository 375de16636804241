/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/collect/discovery.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/small_file.h"
#include "daemon/collect/announce.h"
#include "daemon/regions/found.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define SCAN_NS UINT64_C(1000000000)
#define TRIM_NS UINT64_C(1000000000)
#define REST 9 /* times as long as a scan took */
#define FLAT_DIRECTORY "/dev/shm"
#define FLAT_PREFIX "engram."

struct watched {
    const char *path;
    const char *prefix; /* of the names that are regions */
    int watch;          /* of inotify; -1 while the directory is not there */
    bool missing;       /* and the log has said so */
    bool seen;          /* it was read once */
};

struct discovery {
    struct discovery_options options;
    struct found found;
    struct watched *watched;
    uint32_t watched_count;
    int inotify;
    int stop;
    uint64_t last_scan;
    uint64_t rest_until; /* no scan before */
    uint64_t deaf_until; /* no notification is taken before, but for a scan */
    bool told;           /* of something that the next scan must look for */
    uint64_t looking;    /* what the last scan took to look at files, ns of this thread's time */
    uint64_t trim_at;    /* when what old plans held goes back to the kernel; 0: nothing to give */
    bool complete;       /* the last scan saw every directory whole */
    bool again;          /* locks are asked once more: a close is told before its lock is dropped */
    bool changed;        /* since the last plan */
    uint32_t conflicts;  /* in the last plan */
    struct log_limit conflict_lines, memory_lines;
    struct plan *last; /* with a feed, else NULL */
    pthread_t thread;
};

static bool list_directories(struct discovery *d)
{
    uint32_t count = 0;
    while (d->options.directories[count])
        count++;
    d->watched = calloc(count + 1, sizeof *d->watched);
    if (!d->watched)
        return false;
    for (uint32_t i = 0; i < count; i++)
        d->watched[i] = (struct watched){d->options.directories[i], "", -1, false, false};
    d->watched_count = count;
    if (d->options.flat)
        d->watched[d->watched_count++] =
            (struct watched){FLAT_DIRECTORY, FLAT_PREFIX, -1, false, false};
    return true;
}

struct discovery *discovery_new(const struct discovery_options *options)
{
    struct discovery *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->options = *options;
    d->changed = true;
    d->found.totals = continuity_totals(options->continuity);
    d->found.keep = continuity_folds(options->continuity);
    d->found.series_limit = options->series_limit;
    d->found.cpus = topology_possible_cpus(options->topology);
    d->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    d->stop = eventfd(0, EFD_CLOEXEC);
    if (d->inotify >= 0 && d->stop >= 0 && list_directories(d))
        return d;
    int error = errno;
    discovery_free(d);
    errno = error;
    return NULL;
}

void discovery_free(struct discovery *d)
{
    found_free(&d->found);
    if (d->last)
        plan_release(d->last);
    if (d->inotify >= 0)
        close(d->inotify);
    if (d->stop >= 0)
        close(d->stop);
    free(d->watched);
    free(d);
}

static void tell_missing(struct watched *at)
{
    int error = errno;
    if (!at->missing)
        log_event(LOG_LEVEL_WARNING,
                  "region directory cannot be read; it is tried again every second",
                  "path=%s error=%s", at->path, strerror(error));
    at->missing = true;
    errno = error;
}

/* Elsewhere the lock fails, as on overlayfs, or counting writes to a disk: processes refuse to. */
static void tell_not_tmpfs(const struct watched *at, int fd)
{
    struct statfs system;
    if (fstatfs(fd, &system) || system.f_type == TMPFS_MAGIC)
        return;
    log_event(LOG_LEVEL_WARNING,
              "region directory is not on a tmpfs; processes do not record there",
              "path=%s advice=%s", at->path,
              "mount a tmpfs there, or name a directory below /dev/shm with --region-dir");
}

static bool is_candidate(const char *name, const char *prefix)
{
    return name[0] != '.' && strncmp(name, prefix, strlen(prefix)) == 0 &&
           strcmp(name, ENGRAM_OFF_NAME) != 0;
}

/* What is made in the directory is told from now on, if it was not before. */
static void watch(struct discovery *d, struct watched *at, int fd)
{
    if (at->watch >= 0)
        return;
    at->watch = inotify_add_watch(
        d->inotify, at->path, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR);
    if (!at->seen)
        tell_not_tmpfs(at, fd);
    at->seen = true;
}

/* Looks at every name in a directory; whatever is gone from it is noticed by found_sweep(). */
static void scan_directory(struct discovery *d, struct watched *at)
{
    int fd = open(at->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct listing listing;
    if (fd < 0) {
        tell_missing(at);
        if (errno != ENOENT) /* EMFILE, say: what was there is there */
            found_spare(&d->found, at->path);
        d->complete = false; /* a directory that is missing proves nothing about its files */
        return;
    }
    watch(d, at, fd);
    at->missing = false;
    listing_start(&listing, fd);
    for (const char *name; (name = listing_next(&listing));)
        if (is_candidate(name, at->prefix))
            found_look(&d->found, at->path, fd, name);
    if (errno) { /* what comes behind is there, too */
        found_spare(&d->found, at->path);
        d->complete = false;
    }
    close(fd);
}

static void tell_conflicts(struct discovery *d, const struct plan *plan)
{
    if (plan->conflicts > d->conflicts && log_may(&d->conflict_lines, clock_monotonic()))
        log_event(LOG_LEVEL_WARNING, "series are left out: their family is another one elsewhere",
                  "count=%u family=%s labels=%s advice=%s", plan->conflicts, plan->conflict_name,
                  plan->conflict_labels, "build all processes with one type and the same buckets");
    d->conflicts = plan->conflicts;
}

/* The plan is kept until the next: what is in it no more has gone. */
static void tell_feed(struct discovery *d, struct plan *plan)
{
    const struct drain drain = {d->options.topology, d->options.self, d->options.feed,
                                d->options.pace, ANY_SOCKET};
    if (!d->options.feed)
        return;
    announce(&drain, d->last, plan);
    if (d->last)
        plan_release(d->last);
    d->last = plan_hold(plan);
}

static void publish(struct discovery *d)
{
    struct plan_input input;
    if (!d->changed || !found_input(&d->found, &input))
        return;
    input.computed = d->options.computed;
    input.totals = continuity_totals(d->options.continuity);
    input.nodes = topology_nodes(d->options.topology);
    struct plan *plan = plan_build(&input);
    if (!plan) {
        if (log_may(&d->memory_lines, clock_monotonic()))
            log_event(LOG_LEVEL_ERROR, "no memory to serve new series; tried again", "regions=%u",
                      input.region_count);
        return;
    }
    tell_conflicts(d, plan);
    tell_feed(d, plan);
    snapshot_publish_plan(d->options.store, plan);
    d->changed = false;
}

/* Folds what has died, and lets files of what is folded go. */
static void step(struct discovery *d)
{
    bool folded = continuity_step(d->options.continuity, &d->found, d->complete);
    d->changed |= folded;
    if (folded && !d->trim_at)
        d->trim_at = clock_monotonic() + TRIM_NS;
}

/* Not at each fold: a thousand short-lived processes make a thousand plans. */
static void trim(struct discovery *d)
{
    if (!d->trim_at || clock_monotonic() < d->trim_at)
        return;
    malloc_trim(0);
    d->trim_at = 0;
}

static uint64_t thread_time(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

bool discovery_scan(struct discovery *d)
{
    uint64_t start = thread_time();
    d->complete = true;
    found_sweep_start(&d->found);
    for (uint32_t i = 0; i < d->watched_count; i++)
        scan_directory(d, &d->watched[i]);
    d->changed |= found_sweep_end(&d->found, d->options.self);
    d->changed |= found_refresh(&d->found, true, d->options.self);
    d->looking = thread_time() - start;
    found_count(&d->found, d->options.self);
    d->last_scan = clock_monotonic();
    step(d);
    publish(d);
    return !d->found.left;
}

static struct watched *find_watched(const struct discovery *d, int watch)
{
    for (uint32_t i = 0; i < d->watched_count; i++)
        if (d->watched[i].watch == watch)
            return &d->watched[i];
    return NULL;
}

/* A directory that was itself removed is watched anew when it comes back. */
static void take_notification(struct discovery *d, const struct inotify_event *event, bool open)
{
    struct watched *at = find_watched(d, event->wd);
    if (at && (event->mask & IN_IGNORED))
        at->watch = -1;
    else if (at && open && event->len && (event->mask & (IN_CREATE | IN_MOVED_TO)) &&
             is_candidate(event->name, at->prefix))
        d->changed |= found_newcomer(&d->found, at->path, event->name, d->options.self);
}

/* All of them before a scan, which sees what they tell of; between scans some, and what has come is
 * opened.  Whether anything is told that a scan must look for. */
static bool take_notifications(struct discovery *d, bool before_scan)
{
    char room[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool any = false;
    ssize_t length;
    while ((length = read(d->inotify, room, sizeof room)) > 0) {
        for (char *at = room; at < room + length;) {
            const struct inotify_event *event = (const void *)at;
            any |= event->len == 0 || event->name[0] != '.';
            take_notification(d, event, !before_scan);
            at += sizeof *event + event->len;
        }
        if (!before_scan)
            break;
    }
    return any;
}

/* However long a scan of everything takes and rests, newcomers are seen; that, too, takes no more
 * than a tenth of a core. */
static void greet_newcomers(struct discovery *d)
{
    uint64_t start = thread_time();
    d->told |= take_notifications(d, false);
    d->deaf_until = clock_monotonic() + REST * (thread_time() - start);
}

/* Whatever anybody does in a directory of everybody, it takes no more than a tenth of a core.  That
 * is not part of the pace, or it would widen the tick for all. */
static void scan_and_rest(struct discovery *d)
{
    discovery_scan(d);
    uint64_t rest = REST * d->looking, tick = pace_tick(d->options.pace);
    d->rest_until = clock_monotonic() + (rest > tick ? rest : tick);
}

static void *discovery_run(void *argument)
{
    struct discovery *d = argument;
    struct pollfd wait[3] = {{.fd = d->stop, .events = POLLIN},
                             {.fd = d->inotify, .events = POLLIN},
                             {.events = POLLIN}};
    pthread_setname_np(pthread_self(), "discovery");
    snapshot_thread_start();
    for (;;) {
        bool rested = clock_monotonic() >= d->rest_until;
        bool listens = rested || clock_monotonic() >= d->deaf_until;
        wait[1].fd = listens ? d->inotify : -1;
        wait[2].fd = continuity_written_fd(d->options.continuity);
        self_discovered(d->options.self);
        poll(wait, 3, (int)(pace_tick(d->options.pace) / 1000000));
        if (wait[0].revents)
            break;
        if (rested)
            d->told |= take_notifications(d, true);
        else if (listens)
            greet_newcomers(d);
        bool late = d->found.left || clock_monotonic() - d->last_scan >= SCAN_NS;
        bool told = rested && d->told;
        if (told || (rested && late)) {
            d->told = false;
            scan_and_rest(d);
        } else {
            d->changed |= found_refresh(&d->found, d->again, d->options.self);
            step(d);
            publish(d);
        }
        d->again = told;
        trim(d);
    }
    snapshot_thread_stop();
    return NULL;
}

bool discovery_start(struct discovery *d)
{
    return pthread_create(&d->thread, NULL, discovery_run, d) == 0;
}

void discovery_stop(struct discovery *d)
{
    if (eventfd_write(d->stop, 1) == 0)
        pthread_join(d->thread, NULL);
}
