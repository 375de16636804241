/* SPDX-License-Identifier: MIT */
/* Foreign bytes to a terminal: what comes out is text without commands, however it is cut. */
#define _GNU_SOURCE
#include "shmlib/text.h"
#include "tools/engramctl/terminal.h"

#include <engram/valid.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *shown;
    size_t length;
    FILE *to = open_memstream(&shown, &length);
    size_t cut = size / 2, done = write_visible(to, (const char *)data, cut, "");
    if (cut - done > 3)
        abort();
    done += write_visible(to, (const char *)data + done, size - done, "");
    if (size - done > 3)
        abort();
    fclose(to);
    for (size_t at = 0; at < length;) {
        size_t step = engram_utf8_sequence((const uint8_t *)shown + at, length - at);
        if (step == 0 || text_commands(text_code_point(shown + at, step)))
            abort();
        at += step;
    }
    free(shown);
    return 0;
}
