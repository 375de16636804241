/* SPDX-License-Identifier: MIT */
#include "daemon/http/tls.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NAMES_SIZE 4096

struct tls {
    SSL_CTX *context;
};

/* Where tls_new() puts the first thing that is wrong. */
struct making {
    const struct web_config *config;
    SSL_CTX *context;
    char *error;
    size_t size;
};

/* Says what OpenSSL found at a setting; false. */
static bool wrong(const struct making *making, const char *key, const struct web_text *at,
                  const char *advice)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code && ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
                         : code                         ? ERR_reason_error_string(code)
                                                        : NULL;
    web_config_wrong(making->config, at->line, key, making->error, making->size, "\"%s\"%s%s; %s",
                     at->text, reason ? ": " : "", reason ? reason : "", advice);
    ERR_clear_error();
    return false;
}

/* A key with a password would have OpenSSL ask at the terminal. */
static int no_password(char *to, int size, int writing, void *argument)
{
    (void)to, (void)size, (void)writing, (void)argument;
    return -1;
}

static bool use_certificate(const struct making *making)
{
    const struct web_tls *tls = &making->config->tls;
    SSL_CTX_set_default_passwd_cb(making->context, no_password);
    if (SSL_CTX_use_certificate_chain_file(making->context, tls->cert_file.text) != 1)
        return wrong(
            making, "cert_file", &tls->cert_file,
            "it is to be a certificate in PEM, with those that lead to its root behind it");
    if (SSL_CTX_use_PrivateKey_file(making->context, tls->key_file.text, SSL_FILETYPE_PEM) != 1)
        return wrong(making, "key_file", &tls->key_file,
                     "it is to be the certificate's key in PEM, without a password");
    return true;
}

static bool use_client_auth(const struct making *making)
{
    const struct web_tls *tls = &making->config->tls;
    if (tls->client_auth == WEB_CLIENT_NONE)
        return true;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(tls->client_ca_file.text);
    SSL_CTX_set_client_CA_list(making->context, names);
    if (!names || SSL_CTX_load_verify_file(making->context, tls->client_ca_file.text) != 1)
        return wrong(making, "client_ca_file", &tls->client_ca_file,
                     "it is to be certificates in PEM");
    SSL_CTX_set_verify(
        making->context,
        SSL_VERIFY_PEER |
            (tls->client_auth == WEB_CLIENT_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        NULL);
    return true;
}

static bool add_name(char *names, const char *name)
{
    size_t length = strlen(names);
    int more = snprintf(names + length, NAMES_SIZE - length, "%s%s", length ? ":" : "", name);
    return more >= 0 && (size_t)more < NAMES_SIZE - length;
}

/* Names are those of the IANA, as Go has them.  A list without any of TLS 1.2 is one of TLS 1.3
 * alone; what TLS 1.3 uses stays as it is if none of its suites is named. */
static bool use_ciphers(const struct making *making)
{
    const struct web_list *list = &making->config->tls.cipher_suites;
    char old[NAMES_SIZE] = "", new[NAMES_SIZE] = "";
    for (uint32_t i = 0; i < list->count; i++) {
        const char *text = list->items[i].text, *name = OPENSSL_cipher_name(text);
        bool of_13 = strncmp(text, "TLS_", 4) == 0 && !strstr(text, "_WITH_");
        if (strcmp(name, "(NONE)") == 0 || !add_name(of_13 ? new : old, name))
            return wrong(making, "cipher_suites", &list->items[i], "no such suite is known");
    }
    if (*new &&SSL_CTX_set_ciphersuites(making->context, new) != 1)
        return wrong(making, "cipher_suites", &list->items[0], "such suites cannot be used");
    if (*old && SSL_CTX_set_cipher_list(making->context, old) != 1)
        return wrong(making, "cipher_suites", &list->items[0], "such suites cannot be used");
    if (list->count && !*old && making->config->tls.max_version == 2)
        return wrong(making, "cipher_suites", &list->items[0], "none is of TLS 1.2");
    if (list->count && !*old)
        SSL_CTX_set_min_proto_version(making->context, TLS1_3_VERSION);
    return true;
}

static bool use_curves(const struct making *making)
{
    static const char *const known[][2] = {{"X25519", "X25519"},
                                           {"CurveP256", "P-256"},
                                           {"CurveP384", "P-384"},
                                           {"CurveP521", "P-521"}};
    const struct web_list *list = &making->config->tls.curve_preferences;
    char names[NAMES_SIZE] = "";
    for (uint32_t i = 0; i < list->count; i++) {
        size_t which = 0;
        while (which < 4 && strcmp(list->items[i].text, known[which][0]) != 0)
            which++;
        if (which == 4 || !add_name(names, known[which][1]))
            return wrong(making, "curve_preferences", &list->items[i],
                         "known are X25519, CurveP256, CurveP384 and CurveP521");
    }
    return !*names || SSL_CTX_set1_groups_list(making->context, names) == 1 ||
           wrong(making, "curve_preferences", &list->items[0], "name each once");
}

static bool use_all(const struct making *making)
{
    static const unsigned char name[] = "engramd";
    const struct web_tls *tls = &making->config->tls;
    SSL_CTX *context = making->context;
    SSL_CTX_set_min_proto_version(context, tls->min_version == 3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, tls->max_version == 3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    if (tls->prefer_server_cipher_suites)
        SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); /* of connections that are idle */
    /* Clients resume by tickets alone, so that nothing is kept here for each. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
    return use_certificate(making) && use_client_auth(making) && use_ciphers(making) &&
           use_curves(making);
}

struct tls *tls_new(const struct web_config *config, char *error, size_t size)
{
    struct tls *tls = calloc(1, sizeof *tls);
    struct making making = {config, SSL_CTX_new(TLS_server_method()), error, size};
    snprintf(error, size, "no memory for TLS");
    if (tls && making.context && use_all(&making)) {
        tls->context = making.context;
        return tls;
    }
    SSL_CTX_free(making.context);
    free(tls);
    return NULL;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

struct bufferevent *tls_accept(const struct tls *tls, struct event_base *base, evutil_socket_t fd)
{
    SSL *ssl = SSL_new(tls->context);
    struct bufferevent *stream =
        ssl ? bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                             BEV_OPT_CLOSE_ON_FREE)
            : NULL;
    if (stream) /* else libevent has freed what it was given */
        bufferevent_openssl_set_allow_dirty_shutdown(stream, 1); /* as most clients end */
    return stream;
}

/* Whether the handshake has failed because what came was HTTP. */
static bool spoke_plainly(struct bufferevent *stream)
{
    for (unsigned long error; (error = bufferevent_get_openssl_error(stream));)
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST)
            return true;
    return false;
}

/* Silence would be taken for a fault of the network.  What it has said is read first, or a reset
 * could overtake the answer. */
static void answer_plainly(int fd)
{
    static const char answer[] =
        "HTTP/1.1 400 Bad Request\r\nServer: engramd\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 64\r\nConnection: close\r\n\r\n"
        "400 Bad Request: this port speaks TLS; ask for it with https://\n";
    char said[16384];
    if (recv(fd, said, sizeof said, MSG_DONTWAIT) != 0)
        send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void tls_end(struct bufferevent *stream)
{
    SSL *ssl = bufferevent_openssl_get_ssl(stream);
    if (ssl && SSL_is_init_finished(ssl)) {
        SSL_shutdown(ssl);
        ERR_clear_error();
    } else if (spoke_plainly(stream)) {
        answer_plainly(bufferevent_getfd(stream));
    }
}
