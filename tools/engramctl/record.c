/* SPDX-License-Identifier: MIT */
/*
 * engramctl record and replay: a stretch of the stream, kept in a file.  That is
 * itself a stream: the messages as they came, each behind a comment with the
 * time when it did.  engramctl(1) describes it.
 */
#include "show.h"
#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIRST_LINE " engramctl recording 1"
#define TIME " time "

static uint64_t now_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- record --- */

struct recording {
    FILE *to;
    bool any; /* message was written */
};

static void write_message(void *argument, const struct sse_message *message)
{
    struct recording *recording = argument;
    FILE *to = recording->to;
    const char *line = message->data;
    recording->any = true;
    fprintf(to, ":" TIME "%" PRIu64 "\n", now_us(CLOCK_REALTIME));
    fprintf(to, "event: %s\nid: %s\n", message->event, message->id);
    for (const char *end; (end = strchr(line, '\n')); line = end + 1)
        fprintf(to, "data: %.*s\n", (int)(end - line), line);
    fprintf(to, "data: %s\n\n", line);
    if (fflush(to))
        stream_stop();
}

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "engramctl: %s: %s\n", path, what);
    return EXIT_WRONG;
}

/* What was recorded once is not written over; a recording of nothing at all would stand in the way
 * of the next try. */
int command_record(const struct options *options)
{
    const char *path = options->word;
    FILE *to = strcmp(path, "-") == 0 ? stdout : fopen(path, "wxe");
    if (!to)
        return complain(path, strerror(errno));
    fprintf(to, ":" FIRST_LINE "\n\n");
    struct recording recording = {.to = to};
    struct sse_sink sink = {.message = write_message, .argument = &recording};
    int status = stream_follow(options, NULL, &sink);
    bool lost = fflush(to) || ferror(to);
    if (to != stdout && fclose(to))
        lost = true;
    if (to != stdout && status != EXIT_FINE && !recording.any)
        unlink(path);
    return lost ? complain(path, "cannot be written") : status;
}

/* --- replay --- */

struct replay {
    bool json, fast;
    bool is_recording; /* its first line was there */
    uint64_t first;    /* when its first message came, us; 0: none has yet */
    uint64_t started;  /* when that was shown, CLOCK_MONOTONIC, us */
};

/* Until it is as long since the start as it was then. */
static void wait_for(const struct replay *replay, uint64_t time)
{
    uint64_t at = replay->started + (time > replay->first ? time - replay->first : 0);
    for (uint64_t now; !stream_stopped() && (now = now_us(CLOCK_MONOTONIC)) < at;) {
        struct timespec rest = {(time_t)((at - now) / 1000000),
                                (long)((at - now) % 1000000) * 1000};
        nanosleep(&rest, NULL);
    }
}

static void on_comment(void *argument, const char *text, size_t length)
{
    struct replay *replay = argument;
    (void)length;
    replay->is_recording |= strcmp(text, FIRST_LINE) == 0;
    if (replay->fast || strncmp(text, TIME, strlen(TIME)) != 0)
        return;
    uint64_t time = strtoull(text + strlen(TIME), NULL, 10);
    if (replay->first) {
        wait_for(replay, time);
        return;
    }
    replay->first = time;
    replay->started = now_us(CLOCK_MONOTONIC);
}

static void on_message(void *argument, const struct sse_message *message)
{
    struct replay *replay = argument;
    if (!replay->is_recording || stream_stopped())
        return;
    show_message(message, replay->json);
    if (ferror(stdout))
        stream_stop();
}

static bool replay_all(FILE *from, struct sse *sse)
{
    char bytes[65536];
    for (size_t got; !stream_stopped() && (got = fread(bytes, 1, sizeof bytes, from)) > 0;)
        if (!sse_feed(sse, bytes, got))
            return false;
    return !ferror(from);
}

int command_replay(const struct options *options)
{
    const char *path = options->word;
    struct replay replay = {.json = options->json, .fast = options->fast};
    struct sse_sink sink = {on_message, on_comment, &replay};
    FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!from)
        return complain(path, strerror(errno));
    struct sse *sse = sse_new(&sink, STREAM_MESSAGE_MOST);
    stream_catch();
    bool whole = sse && replay_all(from, sse);
    sse_free(sse);
    fclose(from);
    if (!whole)
        return complain(path, "cannot be read to its end");
    return replay.is_recording ? EXIT_FINE : complain(path, "is no recording of engramctl");
}
