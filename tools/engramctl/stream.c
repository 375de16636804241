/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "stream.h"
#include "http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_MS 3000

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

void stream_stop(void)
{
    stopped = 1;
}

bool stream_stopped(void)
{
    return stopped != 0;
}

void stream_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static bool take(void *argument, const char *bytes, size_t length)
{
    return sse_feed(argument, bytes, length) && !stopped;
}

/* "/stream?kinds=...&match=...", its values encoded; NULL when there is no memory. */
static char *path_of(const struct options *options, const char *kinds)
{
    char *path = NULL;
    size_t size;
    FILE *to = open_memstream(&path, &size);
    if (!to)
        return NULL;
    fprintf(to, "/stream?%s%s", kinds ? "kinds=" : "", kinds ? kinds : "");
    for (int i = 0; i < options->filter_count; i++) {
        fprintf(to, "&%s=", options->filters[i].name);
        http_write_encoded(to, options->filters[i].value);
    }
    return fclose(to) ? NULL : path;
}

static void wait_ms(uint32_t ms)
{
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL); /* a signal ends it */
}

static int complain(const struct options *options, const char *problem, int status)
{
    fprintf(stderr, "engramctl: no stream from engramd at %s: %s\n", options->daemon.address,
            problem);
    return status;
}

/* The daemon knows which filters are good. */
static bool is_filter_wrong(const struct options *options, const struct http_answer *answer)
{
    return options->filter_count > 0 &&
           (answer->status == 400 || answer->status == 414 || answer->status == 431);
}

/* A daemon that was there may be restarted; one that says no will say so again. */
static int follow(const struct options *options, const char *path, struct sse *sse)
{
    bool was_there = false, told = false;
    for (;;) {
        struct http_answer answer;
        struct http_stream stream = {sse_last_id(sse), &stopped};
        http_get_stream(&options->daemon, path, &stream, take, sse, &answer);
        sse_end(sse);
        was_there |= answer.status == 200;
        if (stopped)
            return EXIT_FINE;
        if (!was_there || (answer.status != 200 && answer.status != 0 && answer.status != 503))
            return complain(options, answer.problem,
                            is_filter_wrong(options, &answer) ? EXIT_USAGE : EXIT_WRONG);
        told &= answer.status != 200;
        if (!told)
            fprintf(stderr, "engramctl: the stream from %s ended (%s); connecting again\n",
                    options->daemon.address, *answer.problem ? answer.problem : "by the daemon");
        told = true;
        wait_ms(sse_retry_ms(sse, RETRY_MS));
    }
}

int stream_follow(const struct options *options, const char *kinds, const struct sse_sink *sink)
{
    char *path = path_of(options, kinds);
    struct sse *sse = sse_new(sink, STREAM_MESSAGE_MOST);
    int status;
    if (path && sse) {
        stream_catch();
        status = follow(options, path, sse);
    } else {
        status = complain(options, "no memory", EXIT_WRONG);
    }
    sse_free(sse);
    free(path);
    return status;
}
