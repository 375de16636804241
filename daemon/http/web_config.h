/* SPDX-License-Identifier: MIT */
/*
 * The web configuration: who may connect and ask over TCP, and how.  A file in the
 * shape that Prometheus and its exporters share, in YAML; engramd-web(5) has its
 * keys.  What engramd does not know or cannot do is an error that names the key and
 * its line, never passed over: a setting that is believed to guard something must.
 */
#ifndef ENGRAMD_WEB_CONFIG_H
#define ENGRAMD_WEB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEB_CONFIG_SIZE_MOST 65536 /* bytes of a file */
#define WEB_LIST_MOST 64           /* entries of any list or mapping in it */
#define WEB_TOKEN_SIZE 32          /* bytes of a SHA-256 */
#define WEB_BCRYPT_LEAST 4         /* the exponent of what a password costs to verify */
#define WEB_BCRYPT_MOST 14         /* about a second of a core */
#define WEB_BCRYPT_LENGTH 60       /* of "$2b$10$", a salt and a hash */

/* A text as it stands in the file, and on which line; NULL if it is not there. */
struct web_text {
    char *text;
    int line;
};

struct web_list {
    struct web_text items[WEB_LIST_MOST];
    uint32_t count;
};

enum web_client_auth { WEB_CLIENT_NONE, WEB_CLIENT_IF_GIVEN, WEB_CLIENT_REQUIRED };

struct web_tls {
    bool on;
    struct web_text cert_file, key_file, client_ca_file; /* paths, made relative to the file */
    enum web_client_auth client_auth;
    int min_version, max_version;                     /* 2 or 3, of TLS 1.x */
    struct web_list cipher_suites, curve_preferences; /* empty: the library's */
    bool prefer_server_cipher_suites;
};

struct web_user {
    char *name, *hash; /* bcrypt */
};

struct web_config {
    char *path;
    struct web_tls tls;
    struct web_list headers; /* "Name: value" */
    struct web_user users[WEB_LIST_MOST];
    uint32_t user_count;
    uint8_t tokens[WEB_LIST_MOST][WEB_TOKEN_SIZE]; /* SHA-256 of each */
    uint32_t token_count;
};

/* Makes it of a file's text.  NULL with a sentence that says what is wrong, where and what to do.
 * Free with web_config_free(). */
struct web_config *web_config_parse(const char *path, const char *text, size_t length, char *error,
                                    size_t size);

/* The same of a file. */
struct web_config *web_config_load(const char *path, char *error, size_t size);
void web_config_free(struct web_config *config);

/* Whether whoever asks has to say who it is. */
bool web_config_asks(const struct web_config *config);

/* Writes "PATH:LINE: KEY: " and a sentence: the form that all errors of the file have. */
void web_config_wrong(const struct web_config *config, int line, const char *key, char *error,
                      size_t size, const char *sentence, ...) __attribute__((format(printf, 6, 7)));

#endif
