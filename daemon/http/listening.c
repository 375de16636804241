/* SPDX-License-Identifier: MIT */
#include "daemon/http/listening.h"
#include "daemon/base/log.h"
#include "daemon/http/activation.h"

#include <string.h>

/* What is served beyond this host should not be for everybody, nor be read on the way. */
static void warn(const char *address, const struct web_access *access)
{
    if (!access || !web_access_asks(access))
        log_event(LOG_LEVEL_WARNING, "listening beyond this host without authentication",
                  "address=%s advice=%s", address,
                  "ask who is there, by --web-config, or listen on 127.0.0.1 or unix:PATH");
    else if (!web_access_seals(access))
        log_event(LOG_LEVEL_WARNING, "passwords cross the network for all to read",
                  "address=%s advice=%s", address,
                  "add tls_server_config to the web configuration");
}

static void tell(const struct http_server *server, int i, const char *unit,
                 const struct web_access *access)
{
    const char *address = http_server_address(server, i);
    if (unit)
        log_event(LOG_LEVEL_INFO, "listening", "address=%s unit=%s", address, unit);
    else
        log_event(LOG_LEVEL_INFO, "listening", "address=%s", address);
    if (!http_server_is_local(server, i))
        warn(address, access);
}

/* Sockets that the service manager holds open even while no daemon runs. */
static bool adopt_passed(struct http_server *server, int passed, const struct web_access *access)
{
    char error[512], unit[256];
    for (int i = 0; i < passed; i++) {
        activation_name(i, unit, sizeof unit);
        if (!http_server_adopt(server, ACTIVATION_FIRST + i, error, sizeof error)) {
            log_event(LOG_LEVEL_ERROR, "cannot listen on a socket that was passed",
                      "unit=%s error=%s", unit, error);
            return false;
        }
        tell(server, i, unit, access);
    }
    return true;
}

/* The mode of a socket file is its own, if it was passed. */
static bool is_passed(const struct http_server *server, int passed, const char *address)
{
    for (int i = 0; i < passed; i++) {
        const char *bound = http_server_address(server, i);
        size_t length = strlen(bound);
        if (strncmp(address, bound, length) == 0 &&
            (address[length] == 0 || strncmp(address + length, ",mode=", 6) == 0))
            return true;
    }
    return false;
}

bool listening_start(struct http_server *server, const struct config *config,
                     const struct web_access *access)
{
    char error[512];
    int passed = activation_count(), count = passed;
    if (!adopt_passed(server, passed, access))
        return false;
    for (int i = 0; i < config->listen.count; i++) {
        const char *address = config->listen.items[i];
        if (passed && (config->default_listen || is_passed(server, passed, address)))
            continue;
        if (!http_server_listen(server, address, error, sizeof error)) {
            log_event(LOG_LEVEL_ERROR, "cannot listen", "address=%s error=%s", address, error);
            return false;
        }
        tell(server, count++, NULL, access);
    }
    return true;
}
