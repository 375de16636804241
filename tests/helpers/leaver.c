/* SPDX-License-Identifier: MIT */
/*
 * Ends in a way that is unkind to a header which records in the background:
 *
 *     leaver exit|signal|exec
 *
 * exit: by exit() while other threads record, and again in a handler of atexit(); signal: the same
 * from a signal's handler that interrupts a record; exec: by exec of itself.  Prints at its end
 * what it has begun and what it has done.
 */
#define _GNU_SOURCE
#include <engram/engram.h>

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static engram_counter counter;
static uint64_t begun, done;

static void add(void)
{
    __atomic_fetch_add(&begun, 1, __ATOMIC_SEQ_CST);
    engram_counter_add(counter, 1);
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void *record(void *argument)
{
    for (;;)
        add();
    return argument;
}

/* By write(): this may run in a signal's handler.  The other threads record on. */
static void at_exit(void)
{
    char text[64];
    for (int i = 0; i < 1000; i++)
        add();
    uint64_t least = __atomic_load_n(&done, __ATOMIC_SEQ_CST);
    int length = snprintf(text, sizeof text, "at least %" PRIu64 "\n", least);
    if (write(STDOUT_FILENO, text, (size_t)length) != length)
        _exit(1);
}

static void on_signal(int number)
{
    (void)number;
    add();
    exit(0); /* not allowed by the book, and done all the same */
}

static void start_others(void)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* the signal is for the main thread */
    for (int i = 0; i < 2; i++)
        pthread_create(&thread, NULL, record, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    counter = engram_counter_new("leaver_total", "Adds.", NULL);
    if (!counter.at.slot)
        return 2;
    if (strcmp(how, "exec") == 0) {
        for (int i = 0; i < 1000; i++)
            add();
        start_others();
        execl("/proc/self/exe", argv[0], "exit", NULL);
        return 1;
    }
    atexit(at_exit);
    signal(SIGALRM, on_signal);
    start_others();
    if (strcmp(how, "signal") == 0) {
        ualarm(20000, 0);
        record(NULL);
    }
    usleep(20000);
    exit(0);
}
