/* SPDX-License-Identifier: MIT */
#include "daemon/http/accept.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Negotiation ends, reads no further than the header, and does not change its mind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *header = malloc(size + 1);
    memcpy(header, data, size);
    header[size] = 0;
    enum exposition_format format = accept_format(header);
    if (format != EXPOSITION_NONE && format != EXPOSITION_TEXT &&
        format != EXPOSITION_OPENMETRICS && format != EXPOSITION_PROTOBUF &&
        format != EXPOSITION_JSON)
        abort();
    if (format != accept_format(header) || accept_gzip(header) != accept_gzip(header))
        abort();
    free(header);
    return 0;
}
