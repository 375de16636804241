/* SPDX-License-Identifier: MIT */
/* engramctl watch and events: what happens, as it happens. */
#include "show.h"
#include "stream.h"

struct watching {
    bool json;
};

static void on_message(void *argument, const struct sse_message *message)
{
    const struct watching *watching = argument;
    show_message(message, watching->json);
    if (ferror(stdout))
        stream_stop(); /* main says why */
}

static int watch(const struct options *options, const char *kinds)
{
    struct watching watching = {options->json};
    struct sse_sink sink = {.message = on_message, .argument = &watching};
    return stream_follow(options, kinds, &sink);
}

int command_watch(const struct options *options)
{
    return watch(options, NULL);
}

int command_events(const struct options *options)
{
    return watch(options, "event,process,health,alert");
}
