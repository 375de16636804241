/* SPDX-License-Identifier: MIT */
#include "daemon/http/host.h"
#include "daemon/http/http_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever arrives: no read outside of it, and what is accepted is whole. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = http_head_length((const char *)data, size);
    if (length == 0)
        return 0;
    char *head = malloc(length); /* exactly as long, so that one byte more is seen */
    memcpy(head, data, length);
    struct http_request request;
    int status = http_request_parse(&request, head, length);
    if (status == 0 && request.options && strcmp(request.path, "*") == 0)
        request.path = "/";
    if (status == 0 && (request.path[0] != '/' || strpbrk(request.path, "? \r\n") ||
                        (strcmp(request.method, "GET") && strcmp(request.method, "HEAD") &&
                         strcmp(request.method, "OPTIONS"))))
        abort();
    if (request.patience_ms > 999999999)
        abort();
    if (status != 0 && status != 400 && status != 405 && status != 413 && status != 431 &&
        status != 501 && status != 505)
        abort();
    if (status == 0)
        host_is_ours(request.host, NULL);
    free(head);
    return 0;
}
