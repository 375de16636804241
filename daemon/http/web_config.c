/* SPDX-License-Identifier: MIT */
#include "daemon/http/web_config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

/* A file being read: the first thing that is wrong ends it. */
struct reading {
    struct web_config *config;
    yaml_document_t document;
    const char *key; /* whose value is being taken */
    char *error;
    size_t size;
};

/* A key of a mapping: its value goes to the byte `at` of the configuration. */
struct key {
    const char *name;
    bool (*take)(struct reading *reading, const yaml_node_t *value, void *to);
    size_t at;
};

void web_config_wrong(const struct web_config *config, int line, const char *key, char *error,
                      size_t size, const char *sentence, ...)
{
    va_list arguments;
    int length = snprintf(error, size, "%s:%d: %s%s", config->path, line, key, *key ? ": " : "");
    va_start(arguments, sentence);
    if (length >= 0 && (size_t)length < size)
        vsnprintf(error + length, size - (size_t)length, sentence, arguments);
    va_end(arguments);
}

static int line_of(const yaml_node_t *node)
{
    return (int)node->start_mark.line + 1;
}

/* Says it of a node; false. */
#define WRONG(reading, node, ...) WRONG_AT(reading, line_of(node), (reading)->key, __VA_ARGS__)
#define WRONG_AT(reading, line, key, ...)                                                          \
    (web_config_wrong((reading)->config, line, key, (reading)->error, (reading)->size,             \
                      __VA_ARGS__),                                                                \
     false)

/* The text of a scalar; NULL when it is none, has no characters or a NUL. */
static const char *text_of(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.length == 0)
        return NULL;
    const char *text = (const char *)node->data.scalar.value;
    return strlen(text) == node->data.scalar.length ? text : NULL;
}

/* "key:" with nothing behind it. */
static bool is_nothing(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool copy_text(struct reading *reading, const yaml_node_t *node, const char *text,
                      struct web_text *to)
{
    *to = (struct web_text){strdup(text), line_of(node)};
    return to->text || WRONG(reading, node, "no memory");
}

/* Calls `take` for each pair of a mapping, whose keys are texts of which none comes twice. */
static bool each_pair(struct reading *reading, const yaml_node_t *mapping,
                      bool (*take)(struct reading *, const yaml_node_t *key,
                                   const yaml_node_t *value, void *argument),
                      void *argument)
{
    if (is_nothing(mapping))
        return true;
    if (mapping->type != YAML_MAPPING_NODE)
        return WRONG(reading, mapping, "a mapping is expected, lines of the form \"key: value\"");
    const yaml_node_pair_t *pairs = mapping->data.mapping.pairs.start;
    size_t count = (size_t)(mapping->data.mapping.pairs.top - pairs);
    if (count > WEB_LIST_MOST)
        return WRONG(reading, mapping, "more than %d entries", WEB_LIST_MOST);
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *key = yaml_document_get_node(&reading->document, pairs[i].key);
        if (!text_of(key))
            return WRONG(reading, key, "a key is no text");
        for (size_t j = 0; j < i; j++)
            if (strcmp(text_of(yaml_document_get_node(&reading->document, pairs[j].key)),
                       text_of(key)) == 0)
                return WRONG(reading, key, "\"%s\" stands there twice", text_of(key));
        const yaml_node_t *value = yaml_document_get_node(&reading->document, pairs[i].value);
        if (!take(reading, key, value, argument))
            return false;
    }
    return true;
}

static bool take_known(struct reading *reading, const yaml_node_t *key, const yaml_node_t *value,
                       void *argument)
{
    const char *name = text_of(key), *outer = reading->key;
    char known[256] = "";
    for (const struct key *one = argument; one->name; one++) {
        size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "", one->name);
        if (strcmp(name, one->name) != 0)
            continue;
        reading->key = one->name;
        bool taken = one->take(reading, value, (char *)reading->config + one->at);
        reading->key = outer;
        return taken;
    }
    return WRONG(reading, key, "engramd has no \"%s\"; known are %s", name, known);
}

static bool take_keys(struct reading *reading, const yaml_node_t *mapping, const struct key *keys)
{
    return each_pair(reading, mapping, take_known, (void *)(uintptr_t)keys);
}

static bool take_text(struct reading *reading, const yaml_node_t *value, void *to)
{
    return text_of(value) ? copy_text(reading, value, text_of(value), to)
                          : WRONG(reading, value, "a text is expected");
}

/* A path is relative to the file's directory, not to wherever the daemon was started. */
static bool take_path(struct reading *reading, const yaml_node_t *value, void *to)
{
    char path[4096];
    const char *text = text_of(value), *file = reading->config->path, *slash = strrchr(file, '/');
    if (!text)
        return WRONG(reading, value, "a path is expected");
    int directory = *text == '/' || !slash ? 0 : (int)(slash - file) + 1;
    if (snprintf(path, sizeof path, "%.*s%s", directory, file, text) >= (int)sizeof path)
        return WRONG(reading, value, "the path is too long");
    return copy_text(reading, value, path, to);
}

static bool take_bool(struct reading *reading, const yaml_node_t *value, void *to)
{
    const char *text = text_of(value);
    bool yes = text && strcasecmp(text, "true") == 0;
    if (!yes && (!text || strcasecmp(text, "false") != 0))
        return WRONG(reading, value, "true or false is expected");
    *(bool *)to = yes;
    return true;
}

static bool take_list(struct reading *reading, const yaml_node_t *value, void *to)
{
    struct web_list *list = to;
    if (is_nothing(value))
        return true;
    if (value->type != YAML_SEQUENCE_NODE)
        return WRONG(reading, value, "a list is expected, lines of the form \"- value\"");
    const yaml_node_item_t *items = value->data.sequence.items.start;
    size_t count = (size_t)(value->data.sequence.items.top - items);
    if (count > WEB_LIST_MOST)
        return WRONG(reading, value, "more than %d entries", WEB_LIST_MOST);
    for (size_t i = 0; i < count; i++)
        if (!take_text(reading, yaml_document_get_node(&reading->document, items[i]),
                       &list->items[list->count++]))
            return false;
    return true;
}

static bool take_client_auth(struct reading *reading, const yaml_node_t *value, void *to)
{
    const char *text = text_of(value) ? text_of(value) : "";
    enum web_client_auth *auth = to;
    *auth = strcmp(text, "VerifyClientCertIfGiven") == 0      ? WEB_CLIENT_IF_GIVEN
            : strcmp(text, "RequireAndVerifyClientCert") == 0 ? WEB_CLIENT_REQUIRED
                                                              : WEB_CLIENT_NONE;
    if (*auth != WEB_CLIENT_NONE || strcmp(text, "NoClientCert") == 0)
        return true;
    if (strcmp(text, "RequestClientCert") == 0 || strcmp(text, "RequireAnyClientCert") == 0)
        return WRONG(reading, value, "\"%s\" would verify nothing; use RequireAndVerifyClientCert",
                     text);
    return WRONG(reading, value,
                 "\"%s\" is none of NoClientCert, VerifyClientCertIfGiven and "
                 "RequireAndVerifyClientCert",
                 text);
}

static bool take_version(struct reading *reading, const yaml_node_t *value, void *to)
{
    const char *text = text_of(value) ? text_of(value) : "";
    *(int *)to = strcmp(text, "TLS13") == 0 ? 3 : 2;
    return strcmp(text, "TLS13") == 0 || strcmp(text, "TLS12") == 0 ||
           WRONG(reading, value, "\"%s\" is neither TLS12 nor TLS13, and older ones are broken",
                 text);
}

/* What somebody may rely on and engramd does not do. */
static bool take_unsupported(struct reading *reading, const yaml_node_t *value, void *to)
{
    (void)to;
    return WRONG(reading, value, "engramd does not support it; remove the key");
}

static bool take_http2(struct reading *reading, const yaml_node_t *value, void *to)
{
    bool wanted;
    (void)to;
    return take_bool(reading, value, &wanted) &&
           (!wanted ||
            WRONG(reading, value, "engramd speaks HTTP/1.1; remove the key or say false"));
}

#define TLS(field) offsetof(struct web_config, tls.field)

static bool take_tls(struct reading *reading, const yaml_node_t *value, void *to)
{
    static const struct key keys[] = {
        {"cert_file", take_path, TLS(cert_file)},
        {"key_file", take_path, TLS(key_file)},
        {"client_auth_type", take_client_auth, TLS(client_auth)},
        {"client_ca_file", take_path, TLS(client_ca_file)},
        {"min_version", take_version, TLS(min_version)},
        {"max_version", take_version, TLS(max_version)},
        {"cipher_suites", take_list, TLS(cipher_suites)},
        {"curve_preferences", take_list, TLS(curve_preferences)},
        {"prefer_server_cipher_suites", take_bool, TLS(prefer_server_cipher_suites)},
        {"client_allowed_sans", take_unsupported, 0},
        {NULL, NULL, 0},
    };
    struct web_tls *tls = to;
    if (is_nothing(value))
        return true;
    if (!take_keys(reading, value, keys))
        return false;
    if (!tls->cert_file.text || !tls->key_file.text)
        return WRONG(reading, value, "%s is missing",
                     tls->cert_file.text ? "key_file" : "cert_file");
    if (!tls->client_ca_file.text != (tls->client_auth == WEB_CLIENT_NONE))
        return WRONG(reading, value, "%s is missing: one needs the other",
                     tls->client_ca_file.text ? "client_auth_type" : "client_ca_file");
    if (tls->min_version > tls->max_version)
        return WRONG(reading, value, "min_version is above max_version");
    tls->on = true;
    return true;
}

static bool take_header(struct reading *reading, const yaml_node_t *key, const yaml_node_t *value,
                        void *argument)
{
    static const char known[][28] = {"Strict-Transport-Security", "X-Content-Type-Options",
                                     "X-Frame-Options", "X-XSS-Protection",
                                     "Content-Security-Policy"};
    struct web_list *list = argument;
    char line[1024];
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        is_known |= strcasecmp(text_of(key), known[i]) == 0;
    if (!is_known)
        return WRONG(reading, key, "\"%s\" cannot be set; what can are %s, %s, %s, %s and %s",
                     text_of(key), known[0], known[1], known[2], known[3], known[4]);
    if (!text_of(value))
        return WRONG(reading, value, "%s has no value", text_of(key));
    for (const char *at = text_of(value); *at; at++)
        if (!isprint((unsigned char)*at))
            return WRONG(reading, value, "%s has a character that no header may", text_of(key));
    if (snprintf(line, sizeof line, "%s: %s", text_of(key), text_of(value)) >= (int)sizeof line)
        return WRONG(reading, value, "%s is too long", text_of(key));
    return copy_text(reading, value, line, &list->items[list->count++]);
}

static bool take_headers(struct reading *reading, const yaml_node_t *value, void *to)
{
    return each_pair(reading, value, take_header, to);
}

static bool take_http(struct reading *reading, const yaml_node_t *value, void *to)
{
    static const struct key keys[] = {
        {"headers", take_headers, offsetof(struct web_config, headers)},
        {"http2", take_http2, 0},
        {NULL, NULL, 0},
    };
    (void)to;
    return take_keys(reading, value, keys);
}

/* "$2b$10$" and 53 characters; the exponent, or 0 when it is no such hash. */
static int bcrypt_cost(const char *hash)
{
    static const char alphabet[] =
        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    if (strlen(hash) != WEB_BCRYPT_LENGTH || strncmp(hash, "$2", 2) != 0 ||
        !strchr("aby", hash[2]) || hash[3] != '$' || !isdigit((unsigned char)hash[4]) ||
        !isdigit((unsigned char)hash[5]) || hash[6] != '$' ||
        strspn(hash + 7, alphabet) != WEB_BCRYPT_LENGTH - 7)
        return 0;
    return atoi(hash + 4);
}

static bool take_user(struct reading *reading, const yaml_node_t *key, const yaml_node_t *value,
                      void *argument)
{
    struct web_config *config = reading->config;
    struct web_user *user = &config->users[config->user_count++];
    const char *hash = text_of(value);
    int cost = hash ? bcrypt_cost(hash) : 0;
    (void)argument;
    if (strchr(text_of(key), ':'))
        return WRONG(reading, key, "a user's name has no colon");
    if (cost == 0)
        return WRONG(reading, value,
                     "the password of \"%s\" is no bcrypt hash; make one by htpasswd -nBC 10 \"\"",
                     text_of(key));
    if (cost < WEB_BCRYPT_LEAST || cost > WEB_BCRYPT_MOST)
        return WRONG(reading, value, "the hash of \"%s\" has cost %d; take one from %d to %d",
                     text_of(key), cost, WEB_BCRYPT_LEAST, WEB_BCRYPT_MOST);
    user->name = strdup(text_of(key));
    user->hash = strdup(hash);
    return (user->name && user->hash) || WRONG(reading, value, "no memory");
}

static bool take_users(struct reading *reading, const yaml_node_t *value, void *to)
{
    return each_pair(reading, value, take_user, to);
}

static bool parse_token(const char *text, uint8_t *token)
{
    if (strlen(text) != 2 * WEB_TOKEN_SIZE ||
        strspn(text, "0123456789abcdefABCDEF") != 2 * WEB_TOKEN_SIZE)
        return false;
    for (int i = 0; i < WEB_TOKEN_SIZE; i++) {
        const char digits[] = {text[2 * i], text[2 * i + 1], 0};
        token[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return true;
}

static void list_free(struct web_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free(list->items[i].text);
}

static bool take_tokens(struct reading *reading, const yaml_node_t *value, void *to)
{
    struct web_config *config = to;
    struct web_list list = {.count = 0};
    bool taken = take_list(reading, value, &list);
    for (uint32_t i = 0; taken && i < list.count; i++)
        if (!parse_token(list.items[i].text, config->tokens[config->token_count++]))
            taken = WRONG_AT(reading, list.items[i].line, reading->key,
                             "no SHA-256 of 64 hexadecimal digits; make one by "
                             "printf %%s TOKEN | sha256sum");
    list_free(&list);
    return taken;
}

/* A file that is empty is more likely one that is just being written than one that allows all. */
static bool take_document(struct reading *reading)
{
    static const struct key keys[] = {
        {"tls_server_config", take_tls, offsetof(struct web_config, tls)},
        {"http_server_config", take_http, 0},
        {"basic_auth_users", take_users, 0},
        {"bearer_token_hashes", take_tokens, 0},
        {NULL, NULL, 0},
    };
    const yaml_node_t *root = yaml_document_get_root_node(&reading->document);
    if (root && !is_nothing(root))
        return take_keys(reading, root, keys);
    return WRONG_AT(reading, 1, "", "there is nothing in it; write {} if everybody may ask");
}

/* Loads the next document; false, with a sentence, when there is no well-formed one. */
static bool next_document(struct reading *reading, yaml_parser_t *parser)
{
    return yaml_parser_load(parser, &reading->document) ||
           WRONG_AT(reading, (int)parser->problem_mark.line + 1, "", "no well-formed YAML: %s",
                    parser->problem ? parser->problem : "no memory");
}

/* One document and not a second, whose keys would count for nothing. */
static bool take_stream(struct reading *reading, yaml_parser_t *parser)
{
    if (!next_document(reading, parser))
        return false;
    bool taken = take_document(reading);
    yaml_document_delete(&reading->document);
    if (!taken || !next_document(reading, parser))
        return false;
    const yaml_node_t *root = yaml_document_get_root_node(&reading->document);
    taken = !root || WRONG(reading, root, "a second document; there is to be one");
    yaml_document_delete(&reading->document);
    return taken;
}

struct web_config *web_config_parse(const char *path, const char *text, size_t length, char *error,
                                    size_t size)
{
    struct web_config *config = calloc(1, sizeof *config);
    struct reading reading = {.config = config, .key = "", .error = error, .size = size};
    yaml_parser_t parser;
    snprintf(error, size, "no memory");
    if (!config || !(config->path = strdup(path)) || !yaml_parser_initialize(&parser)) {
        web_config_free(config);
        return NULL;
    }
    config->tls =
        (struct web_tls){.min_version = 2, .max_version = 3, .prefer_server_cipher_suites = true};
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    bool taken = take_stream(&reading, &parser);
    yaml_parser_delete(&parser);
    if (taken)
        return config;
    web_config_free(config);
    return NULL;
}

/* Its length, or -1 with errno. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = -1;
    if (fd < 0)
        return -1;
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode))
        errno = EINVAL;
    else if (status.st_size > (off_t)size)
        errno = EFBIG;
    else
        length = read(fd, text, size);
    int kept = errno;
    close(fd);
    errno = kept;
    return length;
}

struct web_config *web_config_load(const char *path, char *error, size_t size)
{
    char text[WEB_CONFIG_SIZE_MOST];
    ssize_t length = read_file(path, text, sizeof text);
    if (length >= 0)
        return web_config_parse(path, text, (size_t)length, error, size);
    snprintf(error, size, "%s cannot be read: %s; is it a file that this user may read?", path,
             strerror(errno));
    return NULL;
}

void web_config_free(struct web_config *config)
{
    if (!config)
        return;
    free(config->tls.cert_file.text);
    free(config->tls.key_file.text);
    free(config->tls.client_ca_file.text);
    list_free(&config->tls.cipher_suites);
    list_free(&config->tls.curve_preferences);
    list_free(&config->headers);
    for (uint32_t i = 0; i < config->user_count; i++) {
        free(config->users[i].name);
        free(config->users[i].hash);
    }
    free(config->path);
    free(config);
}

bool web_config_asks(const struct web_config *config)
{
    return config->user_count || config->token_count;
}
