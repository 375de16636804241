/* SPDX-License-Identifier: MIT */
/*
 * A process whose 10,000 counters others scrape: series I starts at I, and while
 * it goes each gets one more every 10 ms.  It reads lines on stdin and answers
 * each by a line on stdout:
 *
 *     go      begins to add
 *     hold    ceases to; answered by how often it has added to each in all
 *
 * Its first line is the port of its server, 0 as it has none.  It leaves at EOF.
 * What is in peers/ does the same with other libraries, and serves it, too.
 */
#include <engram/engram.h>

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERIES 10000
#define PERIOD_MS 10

static engram_counter counters[SERIES];

/* Labels as services have them: 10 operations on 10 stores in 100 shards. */
static void make_counters(void)
{
    for (int i = 0; i < SERIES; i++) {
        char operation[32], shard[32], store[32];
        snprintf(operation, sizeof operation, "operation_%d", i / 1000);
        snprintf(shard, sizeof shard, "shard-%04d", i % 100);
        snprintf(store, sizeof store, "store_%d", i / 100 % 10);
        const char *labels[] = {"operation", operation, "shard", shard, "store", store, NULL};
        counters[i] =
            engram_counter_new("scraped_operations_total", "Operations on a shard.", labels);
        engram_counter_add(counters[i], (uint64_t)i);
    }
}

static void add_all(void)
{
    for (int i = 0; i < SERIES; i++)
        engram_counter_add(counters[i], 1);
}

int main(void)
{
    unsigned long added = 0;
    bool going = false;
    char line[16];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (engram_attach("scraped")) {
        fprintf(stderr, "scrape_writer: %s\n", engram_reason());
        return 1;
    }
    make_counters();
    setvbuf(stdin, NULL, _IONBF, 0);
    printf("0\n");
    for (;;) {
        fflush(stdout);
        if (poll(&input, 1, going ? PERIOD_MS : -1) == 0) {
            add_all();
            added++;
        } else if (!fgets(line, sizeof line, stdin)) {
            return 0;
        } else {
            going = strcmp(line, "go\n") == 0;
            printf("%lu\n", added);
        }
    }
}
