/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/http/auth.h"
#include "daemon/http/auth_worker.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOBODY UINT32_MAX
#define MAC_SIZE 32 /* bytes of an HMAC of SHA-256 */
#define CREDENTIALS_SIZE 1024

/* A password that was found right. */
struct known {
    bool is;
    uint8_t mac[MAC_SIZE];
};

struct auth_check {
    struct auth_job job; /* first, as the worker hands back no more than this */
    uint32_t user;       /* number in the configuration, or NOBODY */
    uint8_t mac[MAC_SIZE];
    uint64_t peer;
    void *asker; /* NULL: it has left */
};

struct auth {
    struct event_base *base;
    auth_ready *ready;
    const struct web_config *config;
    struct auth_worker *worker; /* NULL until there are users */
    struct event *ended;
    uint8_t key[MAC_SIZE];
    struct known known[WEB_LIST_MOST]; /* by user */
    struct auth_check *checks[AUTH_CHECKS_MOST];
    int check_count;
};

struct auth *auth_new(struct event_base *base, auth_ready *ready)
{
    static const struct web_config nobody;
    struct auth *auth = calloc(1, sizeof *auth);
    if (!auth)
        return NULL;
    auth->base = base;
    auth->ready = ready;
    auth->config = &nobody;
    if (RAND_bytes(auth->key, sizeof auth->key) == 1)
        return auth;
    free(auth);
    return NULL;
}

void auth_free(struct auth *auth)
{
    if (auth->ended)
        event_free(auth->ended);
    if (auth->worker)
        auth_worker_free(auth->worker);
    while (auth->check_count > 0) {
        struct auth_check *check = auth->checks[--auth->check_count];
        OPENSSL_cleanse(check, sizeof *check);
        free(check);
    }
    OPENSSL_cleanse(auth, sizeof *auth);
    free(auth);
}

static void forget_check(struct auth *auth, const struct auth_check *check)
{
    int i = 0;
    while (auth->checks[i] != check)
        i++;
    auth->checks[i] = auth->checks[--auth->check_count];
}

/* Whoever has left is not told, but that its password was right is known for the next time. */
static void on_ended(evutil_socket_t fd, short what, void *argument)
{
    struct auth *auth = argument;
    (void)fd, (void)what;
    for (struct auth_job *job; (job = auth_worker_take(auth->worker));) {
        struct auth_check *check = (struct auth_check *)job;
        forget_check(auth, check);
        job->right &= check->user != NOBODY;
        if (job->right) {
            auth->known[check->user].is = true;
            memcpy(auth->known[check->user].mac, check->mac, MAC_SIZE);
        }
        if (check->asker)
            auth->ready(check->asker);
        else
            free(check);
    }
}

static bool start_worker(struct auth *auth)
{
    auth->worker = auth_worker_new();
    if (!auth->worker)
        return false;
    auth->ended =
        event_new(auth->base, auth_worker_fd(auth->worker), EV_READ | EV_PERSIST, on_ended, auth);
    if (auth->ended && event_add(auth->ended, NULL) == 0)
        return true;
    if (auth->ended)
        event_free(auth->ended);
    auth_worker_free(auth->worker);
    auth->ended = NULL;
    auth->worker = NULL;
    return false;
}

/* The number of the user with that name and that hash; NOBODY if there is none. */
static uint32_t find_same(const struct web_config *config, const struct web_user *user)
{
    for (uint32_t i = 0; i < config->user_count; i++)
        if (strcmp(config->users[i].name, user->name) == 0 &&
            strcmp(config->users[i].hash, user->hash) == 0)
            return i;
    return NOBODY;
}

bool auth_use(struct auth *auth, const struct web_config *config)
{
    struct known known[WEB_LIST_MOST] = {{.is = false}};
    if (config->user_count && !auth->worker && !start_worker(auth))
        return false;
    for (uint32_t i = 0; i < config->user_count; i++) {
        uint32_t before = find_same(auth->config, &config->users[i]);
        if (before != NOBODY)
            known[i] = auth->known[before];
    }
    for (int i = 0; i < auth->check_count; i++)
        if (auth->checks[i]->user != NOBODY)
            auth->checks[i]->user = find_same(config, &auth->config->users[auth->checks[i]->user]);
    memcpy(auth->known, known, sizeof known);
    auth->config = config;
    return true;
}

static enum auth_verdict ask_token(const struct auth *auth, const char *token)
{
    uint8_t digest[WEB_TOKEN_SIZE];
    bool found = false;
    if (EVP_Digest(token, strlen(token), digest, NULL, EVP_sha256(), NULL) != 1)
        return AUTH_BUSY;
    for (uint32_t i = 0; i < auth->config->token_count; i++)
        found |= CRYPTO_memcmp(auth->config->tokens[i], digest, sizeof digest) == 0;
    return found ? AUTH_GRANTED : AUTH_DENIED;
}

/* RFC 4648 without blanks, which OpenSSL would skip; false when it is none or has a NUL. */
static bool decode(const char *text, char to[CREDENTIALS_SIZE])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text), digits = strspn(text, alphabet);
    size_t padding = strspn(text + digits, "=");
    if (length == 0 || length % 4 || digits + padding != length || padding > 2 ||
        length / 4 * 3 >= CREDENTIALS_SIZE)
        return false;
    int decoded = EVP_DecodeBlock((unsigned char *)to, (const unsigned char *)text, (int)length);
    if (decoded < 0)
        return false;
    to[(size_t)decoded - padding] = 0;
    return strlen(to) == (size_t)decoded - padding;
}

/* An unknown user's password takes as long as that of the one whose hash takes longest. */
static void set_hash(const struct auth *auth, struct auth_check *check)
{
    const struct web_config *config = auth->config;
    const char *cost = "00";
    if (check->user != NOBODY) {
        memcpy(check->job.hash, config->users[check->user].hash, sizeof check->job.hash);
        return;
    }
    for (uint32_t i = 0; i < config->user_count; i++)
        if (strncmp(config->users[i].hash + 4, cost, 2) > 0)
            cost = config->users[i].hash + 4;
    snprintf(check->job.hash, sizeof check->job.hash, "$2b$%.2s$%.*s", cost, WEB_BCRYPT_LENGTH - 7,
             "NobodyIsNobodyIsNobodyIsNobodyIsNobodyIsNobodyIsNobody");
}

static bool is_crowded(const struct auth *auth, uint64_t peer)
{
    int own = 0;
    for (int i = 0; i < auth->check_count; i++)
        own += auth->checks[i]->peer == peer;
    return auth->check_count == AUTH_CHECKS_MOST || own >= AUTH_CHECKS_OF_A_PEER;
}

static enum auth_verdict verify_later(struct auth *auth, struct auth_check *like,
                                      const char *password, struct auth_check **check)
{
    struct auth_check *made = is_crowded(auth, like->peer) ? NULL : malloc(sizeof *made);
    if (!made)
        return AUTH_BUSY;
    *made = *like;
    memcpy(made->job.password, password, strlen(password) + 1);
    set_hash(auth, made);
    auth->checks[auth->check_count++] = made;
    auth_worker_give(auth->worker, &made->job);
    *check = made;
    return AUTH_WAITS;
}

static enum auth_verdict ask_password(struct auth *auth, char *credentials, struct auth_check *like,
                                      struct auth_check **check)
{
    char *password = strchr(credentials, ':');
    if (!password || strlen(password + 1) >= AUTH_PASSWORD_SIZE || !auth->config->user_count)
        return AUTH_DENIED;
    *password++ = 0;
    if (!HMAC(EVP_sha256(), auth->key, sizeof auth->key, (const unsigned char *)password,
              strlen(password), like->mac, NULL))
        return AUTH_BUSY;
    for (uint32_t i = 0; i < auth->config->user_count; i++)
        if (strcmp(auth->config->users[i].name, credentials) == 0)
            like->user = i;
    if (like->user != NOBODY && auth->known[like->user].is &&
        CRYPTO_memcmp(auth->known[like->user].mac, like->mac, MAC_SIZE) == 0)
        return AUTH_GRANTED;
    return verify_later(auth, like, password, check);
}

/* What stands behind a scheme's name, or NULL if it is another scheme. */
static const char *behind(const char *authorization, const char *scheme)
{
    size_t length = strlen(scheme);
    if (strncasecmp(authorization, scheme, length) != 0 || authorization[length] != ' ')
        return NULL;
    return authorization + length + strspn(authorization + length, " ");
}

enum auth_verdict auth_ask(struct auth *auth, const char *authorization, uint64_t peer, void *asker,
                           struct auth_check **check)
{
    struct auth_check like = {.user = NOBODY, .peer = peer, .asker = asker};
    char credentials[CREDENTIALS_SIZE];
    enum auth_verdict verdict = AUTH_DENIED;
    if (!web_config_asks(auth->config))
        return AUTH_GRANTED;
    const char *token = authorization ? behind(authorization, "Bearer") : NULL;
    const char *basic = authorization ? behind(authorization, "Basic") : NULL;
    if (token)
        verdict = ask_token(auth, token);
    else if (basic && decode(basic, credentials))
        verdict = ask_password(auth, credentials, &like, check);
    OPENSSL_cleanse(credentials, sizeof credentials);
    return verdict;
}

enum auth_verdict auth_decided(struct auth_check *check)
{
    enum auth_verdict verdict = check->job.right ? AUTH_GRANTED : AUTH_DENIED;
    free(check);
    return verdict;
}

void auth_drop(struct auth_check *check)
{
    check->asker = NULL;
}
