/* SPDX-License-Identifier: MIT */
#include "daemon/http/web_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever a file holds: a configuration that is whole, or a sentence that names a line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[256];
    struct web_config *config =
        web_config_parse("w", (const char *)data, size, error, sizeof error);
    if (!config) {
        if (strncmp(error, "w:", 2) != 0 || atoi(error + 2) < 1)
            abort();
        return 0;
    }
    if (config->tls.on && (!config->tls.cert_file.text || !config->tls.key_file.text))
        abort();
    for (uint32_t i = 0; i < config->headers.count; i++)
        if (!strstr(config->headers.items[i].text, ": ") ||
            strpbrk(config->headers.items[i].text, "\r\n"))
            abort();
    for (uint32_t i = 0; i < config->user_count; i++)
        if (strchr(config->users[i].name, ':') ||
            strlen(config->users[i].hash) != WEB_BCRYPT_LENGTH)
            abort();
    web_config_free(config);
    return 0;
}
