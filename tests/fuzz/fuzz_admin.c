/* SPDX-License-Identifier: MIT */
#include "daemon/admin.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever a line holds: a command with the argument that it takes, which is clean text, or a
 * sentence. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum admin_command command;
    const char *argument;
    char *line = malloc(size + 1); /* exactly as long, so that one byte more is seen */
    memcpy(line, data, size);
    line[size] = 0;
    const char *wrong = admin_parse(line, size, &command, &argument);
    if (!wrong && (command >= ADMIN_COMMANDS || (command == ADMIN_FORGET) != (*argument != 0)))
        abort();
    for (; !wrong && *argument; argument++)
        if ((unsigned char)*argument < ' ')
            abort();
    free(line);
    return 0;
}
