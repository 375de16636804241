/* SPDX-License-Identifier: MIT */
#include "daemon/regions/identity.h"

#include <stdio.h>
#include <string.h>

void identity_owned(char to[IDENTITY_SIZE], const char *name, uid_t owner)
{
    snprintf(to, IDENTITY_SIZE, "%s@%u", name, (unsigned)owner);
}

bool identity_is_anothers(const char *name, uid_t owner)
{
    char number[16];
    const char *at = strrchr(name, '@');
    snprintf(number, sizeof number, "%u", (unsigned)owner);
    return at && at[1] && at[1 + strspn(at + 1, "0123456789")] == 0 && strcmp(at + 1, number) != 0;
}
