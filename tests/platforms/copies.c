/* SPDX-License-Identifier: MIT */
/*
 * Says where the counts of a region that nobody writes to any more went: to the copies of CPUs, by
 * restartable sequences, or to those of nodes, by atomics.  Succeeds when most went to CPUs.
 *
 *     copies REGION SERIES
 */
#include "shmlib/reader.h"
#include "shmlib/sum.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct record *find(const struct reader *reader, const char *name)
{
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct record *record = &reader->records[i];
        if (record->descriptor->name_length == strlen(name) &&
            memcmp(record_name(record), name, strlen(name)) == 0)
            return record;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    enum rejection rejection = REJECTION_OPEN;
    struct reader *reader = argc == 3 ? reader_open(AT_FDCWD, argv[1], &rejection) : NULL;
    const struct record *record = reader ? find(reader, argv[2]) : NULL;
    union word cpus = {0}, nodes = {0};
    if (!record) {
        fprintf(stderr, "copies: %s\n", reader ? "no such series" : rejection_advice(rejection));
        return 2;
    }
    struct source source = source_of(record->descriptor, 0);
    for (uint32_t i = 0; i < reader->header.cpus; i++)
        sum_cpu(reader, i, &source, 1, &cpus);
    for (uint32_t i = 0; i < reader->header.nodes; i++)
        sum_node(reader, i, &source, 1, &nodes);
    printf("%" PRIu64 " in copies of CPUs, %" PRIu64 " in those of nodes\n", cpus.count,
           nodes.count);
    reader_close(reader);
    return cpus.count > nodes.count ? 0 : 1;
}
