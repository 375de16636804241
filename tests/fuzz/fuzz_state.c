/* SPDX-License-Identifier: MIT */
#include "daemon/totals/state_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NODES 2
#define SIZE_AT 32 /* of the file's size in its header */
#define HEADER 56

/* The checksum would hide everything behind it: it is made right, as the size is. */
static void mend(char *bytes, size_t length)
{
    uint64_t sum = UINT64_C(14695981039346656037), size = length;
    memcpy(bytes + SIZE_AT, &size, sizeof size);
    for (size_t i = 0; i < length - sizeof sum; i++)
        sum = (sum ^ (uint8_t)bytes[i]) * UINT64_C(1099511628211);
    memcpy(bytes + length - sizeof sum, &sum, sizeof sum);
}

/* What is accepted can be written, and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t boot_id[16];
    struct totals *totals, *again;
    struct buffer out = {0};
    char *bytes = malloc(size + 1);
    memcpy(bytes, data, size);
    if (size >= HEADER + sizeof(uint64_t))
        mend(bytes, size);
    if (state_decode(bytes, size, boot_id, NODES, &totals) == STATE_GOOD) {
        state_encode(&out, totals, boot_id);
        if (state_decode(out.data, out.length, boot_id, NODES, &again) != STATE_GOOD)
            abort();
        totals_release(again);
        totals_release(totals);
    }
    buffer_free(&out);
    free(bytes);
    return 0;
}
