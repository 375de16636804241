/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/alerts/command.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIABLES 4

struct change {
    uint32_t number;
    bool fires;
};

struct command {
    char *path;
    uint32_t timeout_ms;
    command_ended *ended;
    void *argument;
    pthread_t thread;
    int stop;              /* eventfd, readable once it is to stop */
    int bell;              /* eventfd, readable while something waits */
    pthread_mutex_t mutex; /* of what is below */
    struct change waiting[COMMAND_WAITING];
    uint32_t first, count;
};

/* --- One run --- */

static bool add_variable(char **environment, int *at, const char *name, const char *value)
{
    return asprintf(&environment[*at], "ENGRAM_ALERT%s=%s", name, value) >= 0 && ++*at;
}

/* The daemon's own with what the alert is; NULL when there is no memory. */
static char **make_environment(const struct alert *alert, int *own)
{
    size_t count = 0;
    while (environ[count])
        count++;
    char **environment = calloc(count + VARIABLES + 1, sizeof *environment);
    *own = 0;
    if (environment && add_variable(environment, own, "", alert->name) &&
        add_variable(environment, own, "_SEVERITY", alert_severity_name(alert->severity)) &&
        add_variable(environment, own, "_SUBSYSTEM", alert->subsystem) &&
        add_variable(environment, own, "_SUMMARY", alert->summary))
        memcpy(environment + *own, environ, count * sizeof *environment);
    return environment;
}

static void free_environment(char **environment, int own)
{
    for (int i = 0; environment && i < own; i++)
        free(environment[i]);
    free(environment);
}

/* In a process group of its own, so that what it starts ends with it; with no input, and with the
 * daemon's log for its output.  An error number. */
static int spawn(const char *path, const struct alert *alert, const char *state, pid_t *process)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *arguments[] = {(char *)path, (char *)alert->name, (char *)state, NULL};
    int own;
    char **environment = make_environment(alert, &own);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int error = own == VARIABLES
                    ? posix_spawn(process, path, &files, &attributes, arguments, environment)
                    : ENOMEM;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    free_environment(environment, own);
    return error;
}

/* Waits until the process has ended, the time is over or the daemon ends. */
static bool await_end(const struct command *command, pid_t process)
{
    int ended = (int)syscall(SYS_pidfd_open, process, 0);
    struct pollfd looks[] = {{.fd = ended, .events = POLLIN},
                             {.fd = command->stop, .events = POLLIN}};
    uint64_t end = clock_monotonic() + command->timeout_ms * UINT64_C(1000000);
    int result = -1;
    for (uint64_t now; ended >= 0 && (now = clock_monotonic()) < end;) {
        result = poll(looks, 2, (int)((end - now) / 1000000) + 1);
        if (result >= 0 || errno != EINTR)
            break;
    }
    if (ended >= 0)
        close(ended);
    return result > 0 && looks[0].revents;
}

static enum command_result run(const struct command *command, const struct change *change)
{
    const struct alert *alert = alert_numbered(change->number);
    const char *state = alert_state_name(change->fires ? ALERT_FIRING : ALERT_INACTIVE);
    pid_t process;
    int status = 0, error = spawn(command->path, alert, state, &process);
    if (error) {
        log_event(LOG_LEVEL_WARNING, "the alert command cannot be run", "path=%s error=%s",
                  command->path, strerror(error));
        return COMMAND_FAILED;
    }
    bool ended = await_end(command, process);
    kill(-process, SIGKILL); /* in any case what it has left behind */
    waitpid(process, &status, 0);
    if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return COMMAND_OK;
    log_event(LOG_LEVEL_WARNING,
              ended ? "the alert command failed" : "the alert command was killed",
              "path=%s alert=%s state=%s status=%d", command->path, alert->name, state,
              WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return ended ? COMMAND_FAILED : COMMAND_TIMED_OUT;
}

/* --- What waits --- */

static bool take(struct command *command, struct change *change)
{
    pthread_mutex_lock(&command->mutex);
    bool any = command->count > 0;
    if (any) {
        *change = command->waiting[command->first];
        command->first = (command->first + 1) % COMMAND_WAITING;
        command->count--;
    }
    pthread_mutex_unlock(&command->mutex);
    return any;
}

static void *run_all(void *argument)
{
    struct command *command = argument;
    struct pollfd looks[] = {{.fd = command->bell, .events = POLLIN},
                             {.fd = command->stop, .events = POLLIN}};
    struct change change;
    uint64_t rung;
    pthread_setname_np(pthread_self(), "alert-command");
    while (poll(looks, 2, -1) >= 0 || errno == EINTR) {
        if (looks[1].revents)
            break;
        if (read(command->bell, &rung, sizeof rung) == sizeof rung && take(command, &change))
            command->ended(command->argument, run(command, &change));
    }
    return NULL;
}

void command_tell(struct command *command, uint32_t number, enum alert_state before,
                  enum alert_state now)
{
    bool fires = now == ALERT_FIRING;
    if (fires == (before == ALERT_FIRING))
        return; /* it only waits, or waits no longer */
    pthread_mutex_lock(&command->mutex);
    bool room = command->count < COMMAND_WAITING;
    if (room)
        command->waiting[(command->first + command->count++) % COMMAND_WAITING] =
            (struct change){number, fires};
    pthread_mutex_unlock(&command->mutex);
    if (room)
        eventfd_write(command->bell, 1);
    else
        command->ended(command->argument, COMMAND_DROPPED);
}

struct command *command_new(const char *path, uint32_t timeout_ms, command_ended *ended,
                            void *argument)
{
    struct command *command = calloc(1, sizeof *command);
    if (!command)
        return NULL;
    command->path = strdup(path);
    command->timeout_ms = timeout_ms;
    command->ended = ended;
    command->argument = argument;
    command->stop = eventfd(0, EFD_CLOEXEC);
    command->bell = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK);
    pthread_mutex_init(&command->mutex, NULL);
    if (command->path && command->stop >= 0 && command->bell >= 0) {
        errno = pthread_create(&command->thread, NULL, run_all, command);
        if (errno == 0)
            return command;
    }
    command->thread = 0;
    command_free(command);
    return NULL;
}

void command_free(struct command *command)
{
    if (command->thread) {
        eventfd_write(command->stop, 1);
        pthread_join(command->thread, NULL);
    }
    if (command->stop >= 0)
        close(command->stop);
    if (command->bell >= 0)
        close(command->bell);
    pthread_mutex_destroy(&command->mutex);
    free(command->path);
    free(command);
}
