/* SPDX-License-Identifier: MIT */
#include "daemon/http/auth.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever an Authorization header says, nobody gets in by a token that nobody has or as a user
 * where there is none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct web_config config = {.token_count = 1};
    static struct auth *auth;
    struct auth_check *check;
    if (!auth && (!(auth = auth_new(NULL, NULL)) || !auth_use(auth, &config)))
        abort();
    char *header = strndup((const char *)data, size);
    if (auth_ask(auth, header, 1, NULL, &check) != AUTH_DENIED)
        abort();
    free(header);
    return 0;
}
