/* SPDX-License-Identifier: MIT */
#include "daemon/http/web_access.h"
#include "daemon/base/log.h"
#include "daemon/http/auth.h"
#include "daemon/http/http.h"
#include "daemon/http/tls.h"
#include "daemon/http/web_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_SECONDS 2
#define FILES 4 /* the file itself, certificate, key, certificates of clients' issuers */

/* What tells a file from the one that was there before; zeros if there is none. */
struct mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written, changed;
};

struct web_access {
    struct self *self;
    struct web_config *config; /* in force */
    struct tls *tls;           /* NULL: plain */
    struct auth *auth;
    struct event *look;
    struct http_gate gate;
    char *watched[FILES];                 /* paths, NULL where there is none */
    struct mark read[FILES], seen[FILES]; /* when they were read last, and looked at last */
};

static void on_ready(void *asker)
{
    http_ask_again(asker);
}

static bool seals(void *argument)
{
    return web_access_seals(argument);
}

static struct bufferevent *open_sealed(void *argument, struct event_base *base, evutil_socket_t fd)
{
    const struct web_access *access = argument;
    return tls_accept(access->tls, base, fd);
}

static void refuse(const struct web_access *access, struct http_response *response)
{
    static const char body[] = "401 Unauthorized: this engramd wants a password or a token\n";
    if (access->config->user_count)
        http_header(response, "WWW-Authenticate: Basic realm=\"engramd\", charset=\"UTF-8\"");
    if (access->config->token_count)
        http_header(response, "WWW-Authenticate: Bearer realm=\"engramd\"");
    http_respond(response, 401, "text/plain; charset=utf-8", body, sizeof body - 1);
}

static void add_headers(const struct web_access *access, struct http_response *response)
{
    for (uint32_t i = 0; i < access->config->headers.count; i++)
        http_header(response, access->config->headers.items[i].text);
}

static void refuse_for_now(struct http_response *response)
{
    static const char body[] = "503 Service Unavailable: too many passwords are being verified\n";
    http_respond(response, 503, "text/plain; charset=utf-8", body, sizeof body - 1);
}

static enum auth_verdict judge(struct web_access *access, const struct http_request *request,
                               struct http_asker *asker)
{
    struct auth_check *check = asker->note;
    if (check) {
        asker->note = NULL;
        return auth_decided(check);
    }
    enum auth_verdict verdict =
        auth_ask(access->auth, request->authorization, asker->peer, asker, &check);
    if (verdict == AUTH_WAITS)
        asker->note = check;
    return verdict;
}

static enum http_verdict ask(void *argument, const struct http_request *request,
                             struct http_response *response, struct http_asker *asker)
{
    struct web_access *access = argument;
    enum auth_verdict verdict = judge(access, request, asker);
    if (verdict == AUTH_WAITS)
        return HTTP_WAITS;
    add_headers(access, response);
    if (verdict == AUTH_GRANTED)
        return HTTP_GRANTED;
    if (verdict == AUTH_BUSY)
        refuse_for_now(response);
    else
        refuse(access, response);
    return HTTP_ANSWERED;
}

static void leave(struct http_asker *asker)
{
    auth_drop(asker->note);
}

static void put_off(void *argument, struct http_response *response, struct http_asker *asker)
{
    leave(asker);
    asker->note = NULL;
    add_headers(argument, response);
    refuse_for_now(response);
}

/* Hashes of passwords and keys. */
static void warn_of_mode(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)))
        log_event(LOG_LEVEL_WARNING, "a file with secrets is open to others", "path=%s advice=%s",
                  path, "let nobody but its owner and its group read it: chmod 640");
}

static void warn_of_modes(const struct web_config *config)
{
    if (web_config_asks(config))
        warn_of_mode(config->path);
    if (config->tls.on)
        warn_of_mode(config->tls.key_file.text);
}

static void mark_file(struct mark *mark, const char *path)
{
    struct stat status;
    memset(mark, 0, sizeof *mark);
    if (!path || stat(path, &status))
        return;
    mark->device = status.st_dev;
    mark->inode = status.st_ino;
    mark->size = status.st_size;
    mark->written = status.st_mtim;
    mark->changed = status.st_ctim;
}

static void mark_files(const struct web_access *access, struct mark marks[FILES])
{
    for (int i = 0; i < FILES; i++)
        mark_file(&marks[i], access->watched[i]);
}

/* From now on these are watched, whether they can be used or not. */
static void watch_files(struct web_access *access, const struct web_tls *tls)
{
    const char *const paths[FILES - 1] = {tls->cert_file.text, tls->key_file.text,
                                          tls->client_ca_file.text};
    for (int i = 1; i < FILES; i++) {
        free(access->watched[i]);
        access->watched[i] = paths[i - 1] ? strdup(paths[i - 1]) : NULL;
    }
}

/* Puts it in force; false with a sentence when what it names cannot be had. */
static bool put_in_force(struct web_access *access, struct web_config *config, char *error,
                         size_t size)
{
    struct tls *tls = config->tls.on ? tls_new(config, error, size) : NULL;
    if (config->tls.on && !tls)
        return false;
    if (!auth_use(access->auth, config)) {
        snprintf(error, size, "no thread can be started to verify passwords");
        tls_free(tls);
        return false;
    }
    tls_free(access->tls);
    web_config_free(access->config);
    access->tls = tls;
    access->config = config;
    warn_of_modes(config);
    return true;
}

bool web_access_check(const char *path, char *error, size_t size)
{
    struct web_config *config = web_config_load(path, error, size);
    struct tls *tls = config && config->tls.on ? tls_new(config, error, size) : NULL;
    bool good = config && (tls || !config->tls.on);
    if (good)
        warn_of_modes(config);
    tls_free(tls);
    web_config_free(config);
    return good;
}

static bool read_all(struct web_access *access, char *error, size_t size)
{
    mark_files(access, access->read); /* before: what changes meanwhile is seen to be another */
    struct web_config *config = web_config_load(access->watched[0], error, size);
    if (config) {
        watch_files(access, &config->tls);
        for (int i = 1; i < FILES; i++)
            mark_file(&access->read[i], access->watched[i]);
    }
    memcpy(access->seen, access->read, sizeof access->seen);
    bool good = config && put_in_force(access, config, error, size);
    if (!good)
        web_config_free(config);
    self_web_configured(access->self, good);
    return good;
}

bool web_access_reload(struct web_access *access, char *error, size_t size)
{
    bool good = read_all(access, error, size);
    if (good)
        log_event(LOG_LEVEL_INFO, "web configuration is read again", "path=%s", access->watched[0]);
    else
        log_event(LOG_LEVEL_ERROR, "web configuration is wrong; the one before stays in force",
                  "error=%s advice=%s", error, "see engramd-web(5)");
    return good;
}

/* A file that is just being written is left alone until it stays as it is. */
static void on_look(evutil_socket_t fd, short what, void *argument)
{
    struct web_access *access = argument;
    struct mark marks[FILES];
    char error[512];
    (void)fd, (void)what;
    mark_files(access, marks);
    bool rests = memcmp(marks, access->seen, sizeof marks) == 0;
    memcpy(access->seen, marks, sizeof marks);
    if (rests && memcmp(marks, access->read, sizeof marks) != 0)
        web_access_reload(access, error, sizeof error);
}

static bool start(struct web_access *access, struct event_base *base, const char *path, char *error,
                  size_t size)
{
    snprintf(error, size, "no memory");
    access->watched[0] = strdup(path);
    access->auth = auth_new(base, on_ready);
    access->look = event_new(base, -1, EV_PERSIST, on_look, access);
    return access->watched[0] && access->auth && access->look &&
           event_add(access->look, &(struct timeval){.tv_sec = LOOK_SECONDS}) == 0 &&
           read_all(access, error, size);
}

struct web_access *web_access_new(struct event_base *base, const char *path, struct self *self,
                                  char *error, size_t size)
{
    struct web_access *access = calloc(1, sizeof *access);
    if (!access) {
        snprintf(error, size, "no memory");
        return NULL;
    }
    access->self = self;
    access->gate = (struct http_gate){seals, open_sealed, tls_end, ask, leave, put_off, access};
    if (start(access, base, path, error, size))
        return access;
    web_access_free(access);
    return NULL;
}

void web_access_free(struct web_access *access)
{
    if (access->look)
        event_free(access->look);
    if (access->auth)
        auth_free(access->auth);
    tls_free(access->tls);
    web_config_free(access->config);
    for (int i = 0; i < FILES; i++)
        free(access->watched[i]);
    free(access);
}

const struct http_gate *web_access_gate(const struct web_access *access)
{
    return &access->gate;
}

bool web_access_asks(const struct web_access *access)
{
    return web_config_asks(access->config) ||
           (access->config->tls.on && access->config->tls.client_auth == WEB_CLIENT_REQUIRED);
}

bool web_access_seals(const struct web_access *access)
{
    return access->tls != NULL;
}
