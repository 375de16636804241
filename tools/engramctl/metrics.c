/* SPDX-License-Identifier: MIT */
/*
 * engramctl metrics on|off: recording on all of a host.  New processes read a
 * marker file when they attach; each that runs has a switch in its region's
 * header, which root and its own user may write.
 */
#define _GNU_SOURCE
#include "engramctl.h"
#include "json_out.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLE_US 200000 /* longer than a process takes from looking for a marker to its name */

struct switching {
    bool on;
    bool change;                        /* or only look */
    unsigned recording, silent, others; /* regions: switched on, off, of another user */
    int failures;
    bool again; /* the second pass: only what goes wrong now is wrong */
};

static void complain(struct switching *s, const char *path, const char *what)
{
    if (s->again)
        fprintf(stderr, "engramctl: %s: %s: %s\n", visible(path), what, strerror(errno));
    s->failures += s->again;
}

/* What engram-region(5) calls the switch: one word in the header and one in each row of blocks. */
static bool write_switch(int fd, const struct engram_region *header, bool on)
{
    uint32_t most = header->plain_cpus < header->cpus ? header->plain_cpus : header->cpus;
    uint32_t word = on, limit = on ? most : 0;
    bool done = pwrite(fd, &word, sizeof word, offsetof(struct engram_region, on)) == sizeof word;
    for (uint32_t chunk = 0; done && chunk < header->chunks; chunk++)
        done = pwrite(fd, &limit, sizeof limit,
                      (off_t)(header->blocks_offset + chunk * engram_row_size(header->cpus) +
                              offsetof(struct engram_row, limit))) == sizeof limit;
    return done;
}

/* Opened anew for writing: it has to be the file that was read as a region, whatever was put in its
 * place meanwhile. */
static int open_again(const struct reader *reader, const char *path)
{
    struct stat read, written;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(reader->fd, &read) == 0 && fstat(fd, &written) == 0 &&
        read.st_ino == written.st_ino && read.st_dev == written.st_dev)
        return fd;
    close(fd);
    errno = ESTALE;
    return -1;
}

static void switch_region(struct switching *s, const char *path, const struct reader *reader)
{
    int fd = open_again(reader, path);
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        s->others++;
    else if (fd < 0 || !write_switch(fd, &reader->header, s->on))
        complain(s, path, "cannot be switched");
    else
        *(s->on ? &s->recording : &s->silent) += 1;
    if (fd >= 0)
        close(fd);
}

static void visit(void *argument, const char *path, struct reader *reader, enum rejection rejection)
{
    struct switching *s = argument;
    if (!reader && rejection == REJECTION_OWNER) /* nobody else's business */
        s->others++;
    if (!reader || !reader_alive(reader))
        return;
    if (s->change && s->on != (reader->header.on != 0))
        switch_region(s, path, reader);
    else
        *(reader->header.on ? &s->recording : &s->silent) += 1;
}

/* Whose new processes a marker switches off: everybody's if it is root's, else its owner's. */
struct marker {
    bool is_there;
    uid_t owner;
};

static struct marker marker_at(const char *path)
{
    struct stat status = {0};
    return (struct marker){lstat(path, &status) == 0, status.st_uid};
}

/* One of another user means nothing to us. */
static bool marker_stands(struct marker marker)
{
    return marker.is_there && (marker.owner == 0 || marker.owner == geteuid());
}

/* What is there of somebody else goes first, where we may: it would be in the way, and root
 * switches recording on for all. */
static void set_marker(struct switching *s, const char *path)
{
    struct marker marker = marker_at(path);
    bool done = s->on && geteuid() == 0 ? !marker.is_there : marker_stands(marker) != s->on;
    if (done)
        return;
    if (unlink(path) && errno != ENOENT)
        complain(s, path, "cannot be removed");
    if (s->on)
        return;
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        complain(s, path, "cannot be made");
    else
        close(fd);
}

/* What is to be done, once; the marker that now means most to us is in *found. */
static int pass(const struct options *options, struct switching *s, struct marker *found)
{
    char path[4096];
    *found = (struct marker){0};
    s->recording = s->silent = s->others = 0;
    for (int i = 0; options->directories[i]; i++) {
        snprintf(path, sizeof path, "%s/%s", options->directories[i], ENGRAM_OFF_NAME);
        if (s->change)
            set_marker(s, path);
        struct marker marker = marker_at(path);
        if (marker.is_there && !marker_stands(*found))
            *found = marker;
    }
    return regions_each(options, visit, s);
}

static void show(const struct options *options, const struct switching *s, struct marker marker)
{
    bool off = marker_stands(marker);
    if (options->json) {
        struct json_object *to = json_object_new_object();
        put_text(to, "new_processes", off ? "off" : "on");
        put_whole(to, "recording", s->recording);
        put_whole(to, "switched_off", s->silent);
        put_whole(to, "of_other_users", s->others);
        print_json(to);
        return;
    }
    printf("%u processes record, %u are switched off; %s ones will %s\n", s->recording, s->silent,
           off && marker.owner ? "this user's new" : "new", off ? "not record" : "record");
    if (marker.is_there && !off)
        printf("but not those of user %ju, who has switched them off\n", (uintmax_t)marker.owner);
    if (s->others)
        printf("%u of other users are left as they are: root can switch them\n", s->others);
}

int command_metrics(const struct options *options)
{
    struct switching s = {.change = options->word != NULL};
    if (options->word && strcmp(options->word, "on") != 0 && strcmp(options->word, "off") != 0) {
        fprintf(stderr, "engramctl: metrics are switched on or off, not \"%s\"\n", options->word);
        return EXIT_USAGE;
    }
    s.on = options->word && strcmp(options->word, "on") == 0;
    struct marker marker = {0};
    int unreadable = s.change ? pass(options, &s, &marker) : 0;
    if (s.change && !unreadable)
        usleep(SETTLE_US); /* for those that had looked for the marker and had no name yet */
    s.again = true;
    unreadable = unreadable ? unreadable : pass(options, &s, &marker);
    show(options, &s, marker);
    return unreadable || s.failures ? EXIT_WRONG : EXIT_FINE;
}
