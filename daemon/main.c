/* SPDX-License-Identifier: MIT */
#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "daemon/exposition/exposition.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int run_once(struct daemon *d)
{
    struct buffer out = {0};
    if (!pipeline_look(d))
        return EXIT_FAILURE;
    sensors_read(d->sensing.sensors);
    collect_once(d->store, d->topology, d->self);
    const struct snapshot *snapshot = snapshot_begin(d->store);
    bool done = snapshot && exposition_render(&out, snapshot, EXPOSITION_TEXT) &&
                fwrite(out.data, 1, out.length, stdout) == out.length && fflush(stdout) == 0;
    snapshot_end();
    buffer_free(&out);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What is left of --check-config once the options and their file are good. */
static int check_config(const struct config *config)
{
    char error[512];
    if (!config->web_config || web_access_check(config->web_config, error, sizeof error))
        return puts("engramd: the configuration is good") < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    fprintf(stderr, "engramd: %s; see engramd-web(5)\n", error);
    return 2;
}

static int serve(struct daemon *d)
{
    return pipeline_find(d) && service_make(d) ? service_run(d) : EXIT_FAILURE;
}

static void unmake(struct daemon *d)
{
    service_unmake(d);
    bool collects = d->collectors && !collectors_stop(d->collectors);
    if (collects || !sensing_stop(&d->sensing)) {
        log_event(LOG_LEVEL_WARNING, "a thread hangs; it is left behind", NULL);
        d->hangs = true;
        return;
    }
    pipeline_unmake(d);
}

int main(int argc, char **argv)
{
    mallopt(M_ARENA_MAX, 1); /* or each thread keeps what others free in an arena of its own */
    struct daemon daemon = {0};
    enum config_result loaded = config_load(&daemon.config, argc, argv);
    int status = loaded == CONFIG_DONE ? EXIT_SUCCESS : 2;
    if (loaded == CONFIG_RUN && daemon.config.check) {
        status = check_config(&daemon.config);
    } else if (loaded == CONFIG_RUN) {
        signal(SIGPIPE, SIG_IGN);
        snapshot_thread_start();
        status = !pipeline_make(&daemon) ? EXIT_FAILURE
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
