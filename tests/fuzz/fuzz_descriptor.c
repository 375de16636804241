/* SPDX-License-Identifier: MIT */
#include "shmlib/reader.h"
#include "shmlib/record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A descriptor that is accepted can be read whole: each text, bound and label lies inside it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct engram_region header = {.chunks = ENGRAM_CHUNKS};
    memset(header.placement, ENGRAM_PER_CPU, sizeof header.placement);
    memset(header.placement, ENGRAM_SINGLE, 8);
    struct engram_descriptor *descriptor = aligned_alloc(8, (size + 8) / 8 * 8);
    memcpy(descriptor, data, size);
    if (descriptor_valid(descriptor, size) && descriptor_placed(descriptor, &header)) {
        struct record record = {8, descriptor};
        struct label_view label;
        volatile char last = 0;
        size_t count = 0;
        for (size_t at = 0; record_label(&record, &at, &label); count++)
            last = label.value[label.value_length - 1];
        if (count != descriptor->labels)
            abort();
        last = (char)(last + *record_name(&record));
    }
    free(descriptor);
    return 0;
}
