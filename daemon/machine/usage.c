/* SPDX-License-Identifier: MIT */
#include "daemon/machine/usage.h"
#include "daemon/base/small_file.h"
#include "daemon/machine/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_SIZE 1024
#define PATH_SIZE 512

/* As proc_pid_stat(5) counts them, where the number itself is 1, the name 2 and the state 3. */
enum { PARENT = 4, MINOR = 10, MAJOR = 12, START = 22 };

/* Behind so many words. */
static const char *skip_words(const char *text, int count)
{
    for (; count > 0 && *text; count--) {
        text += strcspn(text, " \n");
        text += *text == ' ';
    }
    return text;
}

static bool take(const char *parent, int which, uint64_t *value)
{
    return fields_numbers(skip_words(parent, which - PARENT), value, 1) == 1;
}

bool usage_parse(const char *text, struct usage *usage)
{
    const char *end = strrchr(text, ')'); /* of the name */
    if (!end || strncmp(end, ") ", 2) != 0)
        return false;
    const char *parent = skip_words(end + 2, 1);
    return take(parent, MINOR, &usage->minor_faults) && take(parent, MAJOR, &usage->major_faults) &&
           take(parent, START, &usage->start);
}

bool usage_read(const char *sysroot, uint32_t pid, struct usage *usage)
{
    char path[PATH_SIZE], text[TEXT_SIZE];
    snprintf(path, sizeof path, "%s/proc/%" PRIu32 "/stat",
             strcmp(sysroot, "/") == 0 ? "" : sysroot, pid);
    return small_file_read(path, text, sizeof text) && usage_parse(text, usage);
}
