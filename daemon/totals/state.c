/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/totals/state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_NAME "lock"
#define FILE_NAME "totals"
#define NEW_NAME "totals.new"
#define ASIDE_NAME "totals.aside"
#define CLOSE_SECONDS 2

struct state {
    int directory, lock, ended;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    /* Under the mutex. */
    enum state_progress progress;
    int error;
    bool stop;
    struct buffer bytes; /* of the thread while it is writing */
};

static bool write_whole(int fd, const struct buffer *bytes)
{
    for (size_t done = 0; done < bytes->length;) {
        ssize_t wrote = write(fd, bytes->data + done, bytes->length - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        done += (size_t)wrote;
    }
    return true;
}

/* 0, or an errno; then the file is as it was. */
static int replace_file(const struct state *state)
{
    int fd = openat(state->directory, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool written = fd >= 0 && write_whole(fd, &state->bytes) && fsync(fd) == 0;
    int error = written ? 0 : errno;
    if (fd >= 0 && close(fd) && !error)
        error = errno;
    if (!error && (renameat(state->directory, NEW_NAME, state->directory, FILE_NAME) ||
                   fsync(state->directory)))
        error = errno;
    if (error)
        unlinkat(state->directory, NEW_NAME, 0);
    return error;
}

static void *write_when_asked(void *argument)
{
    struct state *state = argument;
    pthread_mutex_lock(&state->mutex);
    for (;;) {
        while (state->progress != STATE_WRITING && !state->stop)
            pthread_cond_wait(&state->wake, &state->mutex);
        if (state->progress != STATE_WRITING)
            break;
        pthread_mutex_unlock(&state->mutex);
        int error = replace_file(state);
        pthread_mutex_lock(&state->mutex);
        buffer_free(&state->bytes);
        state->error = error;
        state->progress = error ? STATE_FAILED : STATE_WRITTEN;
        eventfd_write(state->ended, 1);
    }
    pthread_mutex_unlock(&state->mutex);
    return NULL;
}

static bool open_directory(struct state *state, const char *directory)
{
    mkdir(directory, 0750);
    state->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    state->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (state->directory < 0 || state->ended < 0)
        return false;
    state->lock = openat(state->directory, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    return state->lock >= 0;
}

static enum state_open_result start(struct state *state, const char *directory)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (!open_directory(state, directory))
        return STATE_UNWRITABLE;
    if (fcntl(state->lock, F_OFD_SETLK, &whole))
        return errno == EAGAIN || errno == EACCES ? STATE_TAKEN : STATE_UNWRITABLE;
    errno = pthread_create(&state->thread, NULL, write_when_asked, state);
    return errno ? STATE_UNWRITABLE : STATE_OPEN;
}

static void release(struct state *state)
{
    int fds[] = {state->directory, state->lock, state->ended};
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    buffer_free(&state->bytes);
    free(state);
}

enum state_open_result state_open(const char *directory, struct state **opened)
{
    struct state *state = calloc(1, sizeof *state);
    if (!state)
        return STATE_UNWRITABLE;
    state->directory = state->lock = state->ended = -1;
    pthread_mutex_init(&state->mutex, NULL);
    pthread_cond_init(&state->wake, NULL);
    enum state_open_result result = start(state, directory);
    if (result == STATE_OPEN) {
        *opened = state;
    } else {
        int error = errno;
        release(state);
        errno = error;
    }
    return result;
}

/* A thread that is stuck in the disk is left behind, with what it uses: the process is ending. */
void state_close(struct state *state)
{
    struct timespec until;
    pthread_mutex_lock(&state->mutex);
    state->stop = true;
    pthread_cond_signal(&state->wake);
    pthread_mutex_unlock(&state->mutex);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_SECONDS;
    if (pthread_timedjoin_np(state->thread, NULL, &until) == 0)
        release(state);
}

static bool read_whole(int fd, struct buffer *bytes)
{
    struct stat status;
    if (fstat(fd, &status))
        return false;
    if (!S_ISREG(status.st_mode) || status.st_size > (off_t)STATE_SIZE_MOST) {
        errno = EFBIG;
        return false;
    }
    for (ssize_t got = 1; got > 0;) {
        if (!buffer_reserve(bytes, (size_t)status.st_size - bytes->length + 1))
            return false;
        got = read(fd, bytes->data + bytes->length, (size_t)status.st_size - bytes->length);
        if (got < 0)
            return false;
        bytes->length += (size_t)got;
    }
    return true;
}

bool state_read(const char *directory, struct buffer *bytes)
{
    int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = dir < 0 ? -1 : openat(dir, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool whole = fd >= 0 && read_whole(fd, bytes);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    errno = error;
    return whole;
}

uint64_t state_generation(const char *directory)
{
    struct stat status;
    int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool there = dir >= 0 && fstatat(dir, FILE_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (dir >= 0)
        close(dir);
    /* The clock of files is coarse, but two that follow each other are two files. */
    return there ? (uint64_t)status.st_mtim.tv_sec * 1000000000 + (uint64_t)status.st_mtim.tv_nsec +
                       status.st_ino
                 : 0;
}

void state_set_aside(const struct state *state)
{
    renameat(state->directory, FILE_NAME, state->directory, ASIDE_NAME);
}

void state_write(struct state *state, struct buffer *bytes)
{
    pthread_mutex_lock(&state->mutex);
    state->bytes = *bytes;
    *bytes = (struct buffer){0};
    state->progress = STATE_WRITING;
    pthread_cond_signal(&state->wake);
    pthread_mutex_unlock(&state->mutex);
}

enum state_progress state_progress(struct state *state, int *error)
{
    eventfd_t count;
    pthread_mutex_lock(&state->mutex);
    enum state_progress progress = state->progress;
    *error = state->error;
    if (progress != STATE_WRITING) {
        state->progress = STATE_IDLE;
        eventfd_read(state->ended, &count);
    }
    pthread_mutex_unlock(&state->mutex);
    return progress;
}

int state_ended_fd(const struct state *state)
{
    return state->ended;
}
