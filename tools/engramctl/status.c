/* SPDX-License-Identifier: MIT */
/* engramctl status: who writes, alive or dead, how many series, how much memory; and the daemon. */
#include "daemon_facts.h"
#include "engramctl.h"
#include "json_out.h"
#include "terminal.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

struct tally {
    struct json_object *rows; /* NULL: lines are printed */
    unsigned alive, dead, refused;
    uint64_t series, bytes;
};

struct row {
    const char *path, *state;
    const struct reader *reader;
    uint64_t bytes;
    long age; /* s */
};

static void print_row(const struct row *row)
{
    const struct engram_region *h = &row->reader->header;
    printf("%-24s %-8s %8" PRIu32 " %6u %8" PRIu32 " %9" PRIu64 " %8lds %s\n", h->process,
           row->state, h->pid, (unsigned)row->reader->owner, row->reader->count, row->bytes >> 10,
           row->age, visible(row->path));
}

static void add_row(struct json_object *rows, const struct row *row)
{
    const struct engram_region *h = &row->reader->header;
    struct json_object *to = json_object_new_object();
    put_text(to, "process", h->process);
    put_text(to, "state", row->state);
    put_whole(to, "pid", h->pid);
    put_whole(to, "uid", row->reader->owner);
    put_whole(to, "series", row->reader->count);
    put_whole(to, "bytes", row->bytes);
    put_signed(to, "age_seconds", row->age);
    put_text(to, "file", row->path);
    json_object_array_add(rows, to);
}

static void refuse(struct tally *tally, const char *path, enum rejection rejection)
{
    tally->refused++;
    if (!tally->rows) {
        printf("%-24s %-8s %s: %s\n", "-", "refused", visible(path), rejection_advice(rejection));
        return;
    }
    struct json_object *to = json_object_new_object();
    put_text(to, "state", "refused");
    put_text(to, "file", path);
    put_text(to, "reason", rejection_name(rejection));
    put_text(to, "advice", rejection_advice(rejection));
    json_object_array_add(tally->rows, to);
}

static void visit(void *argument, const char *path, struct reader *reader, enum rejection rejection)
{
    struct tally *tally = argument;
    struct stat status;
    if (!reader) {
        refuse(tally, path, rejection);
        return;
    }
    bool alive = reader_alive(reader);
    long age = (long)(time(NULL) - (time_t)(reader->header.born / 1000000000u));
    struct row row = {path,
                      !alive              ? "dead"
                      : reader->header.on ? "alive"
                                          : "off",
                      reader, fstat(reader->fd, &status) ? 0 : (uint64_t)status.st_blocks * 512,
                      age > 0 ? age : 0};
    *(alive ? &tally->alive : &tally->dead) += 1;
    tally->series += reader->count;
    tally->bytes += row.bytes;
    if (tally->rows)
        add_row(tally->rows, &row);
    else
        print_row(&row);
}

static void print_daemon(const char *address, bool answers, const struct daemon_facts *facts,
                         const char *problem)
{
    if (!answers) {
        printf("engramd at %s: %s\n", address, problem);
        return;
    }
    printf("engramd at %s: version %s, up for %.0f s; serves %.0f live regions, %.0f dead, "
           "refuses %.0f; %.0f series\n",
           address, facts->version, (double)time(NULL) - facts->started, facts->alive, facts->dead,
           facts->quarantined, facts->series);
}

static struct json_object *daemon_object(const char *address, bool answers,
                                         const struct daemon_facts *facts, const char *problem)
{
    struct json_object *to = json_object_new_object();
    put_text(to, "address", address);
    put_bool(to, "answers", answers);
    if (!answers) {
        put_text(to, "problem", problem);
        return to;
    }
    put_text(to, "version", facts->version);
    put_text(to, "revision", facts->revision);
    put_number(to, "started", facts->started);
    put_number(to, "regions_alive", facts->alive);
    put_number(to, "regions_dead", facts->dead);
    put_number(to, "regions_quarantined", facts->quarantined);
    put_number(to, "series", facts->series);
    return to;
}

static int show_regions(const struct options *options, struct tally *tally)
{
    if (!tally->rows)
        printf("%-24s %-8s %8s %6s %8s %9s %9s %s\n", "PROCESS", "STATE", "PID", "UID", "SERIES",
               "KIB", "AGE", "FILE");
    int unreadable = regions_each(options, visit, tally);
    if (!tally->rows)
        printf("%u alive, %u dead, %u refused; %" PRIu64 " series, %" PRIu64 " KiB\n", tally->alive,
               tally->dead, tally->refused, tally->series, tally->bytes >> 10);
    return unreadable;
}

int command_status(const struct options *options)
{
    struct daemon_facts facts;
    struct http_answer answer;
    struct tally tally = {.rows = options->json ? json_object_new_array() : NULL};
    int unreadable = show_regions(options, &tally);
    bool answers = daemon_facts_get(&options->daemon, &facts, &answer);
    if (options->json) {
        struct json_object *all = json_object_new_object();
        json_object_object_add(all, "regions", tally.rows);
        json_object_object_add(
            all, "daemon", daemon_object(options->daemon.address, answers, &facts, answer.problem));
        print_json(all);
    } else {
        print_daemon(options->daemon.address, answers, &facts, answer.problem);
    }
    /* That no daemon runs is wrong only where one was said to be. */
    bool missing = !answers && (options->address_given || answer.reached);
    return unreadable || tally.refused || missing ? EXIT_WRONG : EXIT_FINE;
}
