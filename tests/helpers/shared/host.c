/* SPDX-License-Identifier: MIT */
/*
 * Loads two shared objects that both record, each apart from the other and from
 * this program, and unloads the second while a thread whose last sequence was in
 * it sleeps and is woken again and again:
 *
 *     host FIRST.so SECOND.so TIMES
 */
#include <engram/engram.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef void record_function(int times);

static atomic_int stage; /* 1: the thread has recorded; 2: the object is gone; it may end */
static int times;

static record_function *find(void *object)
{
    record_function *found = NULL;
    void *symbol = dlsym(object, "plugin_record");
    memcpy(&found, &symbol, sizeof found);
    return found;
}

static void *record_and_sleep(void *argument)
{
    find(argument)(times);
    atomic_store(&stage, 1);
    while (atomic_load(&stage) < 2)
        usleep(100); /* each time the kernel looks at what rseq_cs points to */
    for (int i = 0; i < 1000; i++)
        sched_yield();
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc != 4)
        return 2;
    void *first = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    void *second = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
    if (!first || !second) {
        fprintf(stderr, "host: %s\n", dlerror());
        return 2;
    }
    times = atoi(argv[3]);
    find(first)(times);
    pthread_create(&thread, NULL, record_and_sleep, second);
    while (atomic_load(&stage) < 1)
        usleep(100);
    dlclose(second);
    int unloaded = dlopen(argv[2], RTLD_NOW | RTLD_NOLOAD) == NULL;
    atomic_store(&stage, 2);
    pthread_join(thread, NULL);
    find(first)(times);
    printf("unloaded %d\n", unloaded);
    return 0;
}
