/* SPDX-License-Identifier: MIT */
/* The web configuration: what is taken, and what is refused on which line. */
#include "fixture.h"
#include "suites.h"

#include "daemon/http/web_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH "$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"
#define DIGEST "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
#define PAIR "tls_server_config:\n  cert_file: c\n  key_file: k\n"

static char error[512];

static struct web_config *parse(const char *text)
{
    *error = 0;
    return web_config_parse("/etc/engramd/web.yml", text, strlen(text), error, sizeof error);
}

START_TEST(all_keys_are_taken)
{
    struct web_config *config = parse("tls_server_config:\n"
                                      "  cert_file: server.crt\n"
                                      "  key_file: /keys/server.key\n"
                                      "  client_auth_type: RequireAndVerifyClientCert\n"
                                      "  client_ca_file: ca.crt\n"
                                      "  min_version: TLS13\n"
                                      "  max_version: TLS13\n"
                                      "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n"
                                      "  curve_preferences:\n    - X25519\n    - CurveP256\n"
                                      "  prefer_server_cipher_suites: false\n"
                                      "http_server_config:\n"
                                      "  http2: false\n"
                                      "  headers:\n    X-Frame-Options: deny\n"
                                      "basic_auth_users:\n  alice: " HASH "\n  'b ob': " HASH "\n"
                                      "bearer_token_hashes: [" DIGEST "]\n");
    ck_assert_msg(config != NULL, "%s", error);
    ck_assert(config->tls.on && !config->tls.prefer_server_cipher_suites);
    ck_assert_str_eq(config->tls.cert_file.text, "/etc/engramd/server.crt");
    ck_assert_int_eq(config->tls.cert_file.line, 2);
    ck_assert_str_eq(config->tls.key_file.text, "/keys/server.key");
    ck_assert_str_eq(config->tls.client_ca_file.text, "/etc/engramd/ca.crt");
    ck_assert_int_eq(config->tls.client_auth, WEB_CLIENT_REQUIRED);
    ck_assert_int_eq(config->tls.min_version, 3);
    ck_assert_uint_eq(config->tls.cipher_suites.count, 1);
    ck_assert_str_eq(config->tls.curve_preferences.items[1].text, "CurveP256");
    ck_assert_int_eq(config->tls.curve_preferences.items[1].line, 11);
    ck_assert_str_eq(config->headers.items[0].text, "X-Frame-Options: deny");
    ck_assert_uint_eq(config->user_count, 2);
    ck_assert_str_eq(config->users[1].name, "b ob");
    ck_assert_str_eq(config->users[0].hash, HASH);
    ck_assert_uint_eq(config->token_count, 1);
    ck_assert_uint_eq(config->tokens[0][0], 0x2b);
    ck_assert_uint_eq(config->tokens[0][31], 0x5b);
    ck_assert(web_config_asks(config));
    web_config_free(config);
}
END_TEST

START_TEST(what_is_left_out_has_defaults)
{
    struct web_config *config = parse(PAIR);
    ck_assert_msg(config != NULL, "%s", error);
    ck_assert(config->tls.on && config->tls.prefer_server_cipher_suites);
    ck_assert_int_eq(config->tls.client_auth, WEB_CLIENT_NONE);
    ck_assert_int_eq(config->tls.min_version, 2);
    ck_assert_int_eq(config->tls.max_version, 3);
    ck_assert(!web_config_asks(config));
    web_config_free(config);
    config = parse("{}");
    ck_assert_msg(config && !config->tls.on && !web_config_asks(config), "%s", error);
    web_config_free(config);
    config = parse("tls_server_config:\nbasic_auth_users:\n");
    ck_assert_msg(config && !config->tls.on && !web_config_asks(config), "%s", error);
    web_config_free(config);
}
END_TEST

/* Each with its line, the key that it is about, and a word of what is to be done. */
static const struct {
    const char *text, *at, *word;
} refused[] = {
    {"", ":1: ", "write {}"},
    {"# a comment\n", ":1: ", "write {}"},
    {"[]", ":1: ", "mapping"},
    {"a: 1\n", ":1: ", "known are tls_server_config, http_server_config, basic_auth_users"},
    {"{}\n---\n{}\n", ":3: ", "second document"},
    {"basic_auth_users: {a\n", ":", "YAML"},
    {"basic_auth_users:\n  a: \"b\n", ":", "YAML"},
    {"{}\n--- [\n", ":", "YAML"},
    {"tls_server_config:\n  cert_file: c\n", ":2: tls_server_config: ", "key_file is missing"},
    {"tls_server_config:\n  key_file: k\n", ":2: tls_server_config: ", "cert_file is missing"},
    {PAIR "  cert_file: d\n", ":4: tls_server_config: ", "twice"},
    {PAIR PAIR, ":4: ", "twice"},
    {PAIR "  certificate: d\n", ":4: tls_server_config: ", "no \"certificate\""},
    {PAIR "  [x]: d\n", ":4: tls_server_config: ", "no text"},
    {PAIR "  client_auth_type: RequireAnyClientCert\n", ":4: client_auth_type: ", "verify nothing"},
    {PAIR "  client_auth_type: Perhaps\n", ":4: client_auth_type: ", "NoClientCert"},
    {PAIR "  client_auth_type: VerifyClientCertIfGiven\n",
     ":2: tls_server_config: ", "client_ca_file is missing"},
    {PAIR "  client_ca_file: ca\n", ":2: tls_server_config: ", "client_auth_type is missing"},
    {PAIR "  client_allowed_sans: [x]\n", ":4: client_allowed_sans: ", "does not support"},
    {PAIR "  min_version: TLS10\n", ":4: min_version: ", "neither TLS12 nor TLS13"},
    {PAIR "  min_version: TLS13\n  max_version: TLS12\n", ":2: ", "above max_version"},
    {PAIR "  cipher_suites: TLS_AES_128_GCM_SHA256\n", ":4: cipher_suites: ", "list"},
    {PAIR "  cipher_suites:\n    -\n", ":5: cipher_suites: ", "text"},
    {PAIR "  prefer_server_cipher_suites: yes\n", ":4: ", "true or false"},
    {"tls_server_config:\n  cert_file: \"a\\0b\"\n", ":2: cert_file: ", "path"},
    {"http_server_config:\n  http2: true\n", ":2: http2: ", "HTTP/1.1"},
    {"http_server_config:\n  read_timeout: 1s\n", ":2: http_server_config: ", "read_timeout"},
    {"http_server_config:\n  headers:\n    Set-Cookie: a\n", ":3: headers: ", "cannot be set"},
    {"http_server_config:\n  headers:\n    X-Frame-Options: \"a\\r\\nb: c\"\n",
     ":3: headers: ", "no header may"},
    {"http_server_config:\n  headers:\n    X-Frame-Options:\n", ":3: headers: ", "no value"},
    {"basic_auth_users:\n  a: secret\n", ":2: basic_auth_users: ", "htpasswd"},
    {"basic_auth_users:\n  a: [x]\n", ":2: basic_auth_users: ", "htpasswd"},
    {"basic_auth_users:\n  a: $2x$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u\n",
     ":2: ", "no bcrypt hash"},
    {"basic_auth_users:\n  a: $2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2\n",
     ":2: ", "no bcrypt hash"},
    {"basic_auth_users:\n  a: $2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2=\n",
     ":2: ", "no bcrypt hash"},
    {"basic_auth_users:\n  a: $2y$15$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u\n",
     ":2: ", "from 4 to 14"},
    {"basic_auth_users:\n  a: $2y$03$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u\n",
     ":2: ", "from 4 to 14"},
    {"basic_auth_users:\n  a: " HASH "\n  a: " HASH "\n", ":3: basic_auth_users: ", "twice"},
    {"basic_auth_users:\n  'a:b': " HASH "\n", ":2: basic_auth_users: ", "colon"},
    {"bearer_token_hashes: [secret]\n", ":1: bearer_token_hashes: ", "sha256sum"},
    {"bearer_token_hashes:\n  - " DIGEST "\n  - " DIGEST "0\n",
     ":3: bearer_token_hashes: ", "sha256sum"},
};

START_TEST(what_is_wrong_is_said_with_its_line)
{
    char start[80];
    ck_assert_ptr_null(parse(refused[_i].text));
    snprintf(start, sizeof start, "/etc/engramd/web.yml%s", refused[_i].at);
    ck_assert_msg(strncmp(error, start, strlen(start)) == 0, "%s", error);
    ck_assert_msg(strstr(error, refused[_i].word) != NULL, "%s", error);
}
END_TEST

START_TEST(lists_have_a_limit)
{
    for (int more = 0; more < 2; more++) {
        char text[16384] = "basic_auth_users:\n";
        for (int i = 0; i < WEB_LIST_MOST + more; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "  u%d: " HASH "\n", i);
        struct web_config *config = parse(text);
        ck_assert((config == NULL) == (more == 1));
        ck_assert(!more || strstr(error, "more than 64 entries"));
        web_config_free(config);
    }
}
END_TEST

START_TEST(files_are_read_whole_or_refused)
{
    char path[64], certificate[64];
    unit_template(path);
    int fd = mkstemp(path);
    snprintf(certificate, sizeof certificate, "%.*s/c", (int)(strrchr(path, '/') - path), path);
    ck_assert_int_gt(write(fd, PAIR, strlen(PAIR)), 0);
    struct web_config *config = web_config_load(path, error, sizeof error);
    ck_assert_msg(config != NULL, "%s", error);
    ck_assert_str_eq(config->tls.cert_file.text, certificate);
    web_config_free(config);
    ck_assert_int_eq(ftruncate(fd, WEB_CONFIG_SIZE_MOST + 1), 0);
    ck_assert_ptr_null(web_config_load(path, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "too large"));
    close(fd);
    unlink(path);
    ck_assert_ptr_null(web_config_load(path, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, path));
    ck_assert_ptr_null(web_config_load("/tmp", error, sizeof error));
}
END_TEST

Suite *web_config_suite(void)
{
    Suite *suite = suite_create("web_config");
    TCase *tests = tcase_create("files");
    tcase_add_test(tests, all_keys_are_taken);
    tcase_add_test(tests, what_is_left_out_has_defaults);
    tcase_add_loop_test(tests, what_is_wrong_is_said_with_its_line, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tests, lists_have_a_limit);
    tcase_add_test(tests, files_are_read_whole_or_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
