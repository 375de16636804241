/* SPDX-License-Identifier: MIT */
/* Whether what processes have recorded can be read, and they have memory to record more. */
#define _GNU_SOURCE
#include "doctor.h"

#include <engram/headroom.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_LEAST (UINT64_C(2) << 20)
#define MEMORY_PLENTY (UINT64_C(64) << 20)

struct survey {
    uint64_t pid_namespace; /* ours */
    unsigned alive, dead, off, refused, hidden;
    char first_refused[512];
    const char *advice;
    uint64_t least; /* memory that one of them can still take */
    char tightest[128];
};

static uint64_t own_namespace(void)
{
    struct stat status;
    return stat("/proc/self/ns/pid", &status) ? 0 : status.st_ino;
}

static void take_headroom(struct survey *s, long pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/cgroup", pid);
    uint64_t left = engram_headroom(path, UINT64_MAX);
    if (left >= s->least)
        return;
    s->least = left;
    snprintf(s->tightest, sizeof s->tightest, "%s (process %ld)", name, pid);
}

static void visit(void *argument, const char *path, struct reader *reader, enum rejection rejection)
{
    struct survey *s = argument;
    if (!reader && rejection == REJECTION_OWNER) {
        s->hidden++;
        return;
    }
    if (!reader) {
        if (s->refused++ == 0)
            snprintf(s->first_refused, sizeof s->first_refused, "%s", path);
        s->advice = rejection_advice(rejection);
        return;
    }
    bool alive = reader_alive(reader);
    *(alive ? &s->alive : &s->dead) += 1;
    s->off += alive && !reader->header.on;
    if (alive && reader->header.pid_namespace == s->pid_namespace)
        take_headroom(s, reader->header.pid, reader->header.process);
}

static void tell_regions(struct doctor *d, const struct survey *s, bool all)
{
    if (s->refused)
        find(d, LEVEL_WARNING, "regions", s->advice, "%u files are refused, %s among them",
             s->refused, s->first_refused);
    if (s->hidden)
        find(d, LEVEL_WARNING, "regions", "run engramctl doctor as root",
             "%u regions are not for this user to read", s->hidden);
    if (s->off)
        find(d, LEVEL_WARNING, "switch", "engramctl metrics on",
             "recording is switched off in %u processes", s->off);
    if (all && !s->refused && !s->hidden)
        find(d, LEVEL_OK, "regions", NULL, "%u live and %u dead regions can be read", s->alive,
             s->dead);
    if (s->dead && !d->answers)
        find(d, LEVEL_WARNING, "dead", "start engramd, which keeps their totals and removes them",
             "regions of %u ended processes wait for a daemon, and take memory", s->dead);
}

/* A daemon of this host that serves fewer than there are looks elsewhere; or is just about to. */
static void tell_serving(struct doctor *d, const struct survey *s)
{
    if (!d->pid || !(d->facts.alive < s->alive))
        return;
    find(d, d->facts.alive > 0 ? LEVEL_WARNING : LEVEL_PROBLEM, "serving",
         "run engramd and engramctl with the same --region-dir, and processes with it as "
         "ENGRAM_DIR",
         "of %u live regions that are seen here, the daemon serves %.0f: it may look elsewhere",
         s->alive, d->facts.alive);
}

static void tell_memory(struct doctor *d, const struct survey *s)
{
    const char *advice = "raise MemoryMax= of its service, or the limit of its container";
    if (s->least >= MEMORY_PLENTY)
        find(d, LEVEL_OK, "memory", NULL,
             "no memory cgroup is near its limit, of the daemon or of a process seen here");
    else
        find(d, s->least < MEMORY_LEAST ? LEVEL_PROBLEM : LEVEL_WARNING, "memory", advice,
             "the memory cgroup of %s has %ju MiB left", s->tightest, (uintmax_t)(s->least >> 20));
}

void doctor_regions(struct doctor *d)
{
    struct survey s = {.pid_namespace = own_namespace(), .least = UINT64_MAX};
    bool all = regions_each(d->options, visit, &s) == 0; /* else it was told */
    if (d->pid)
        take_headroom(&s, d->pid, "engramd");
    tell_regions(d, &s, all);
    tell_serving(d, &s);
    tell_memory(d, &s);
}
