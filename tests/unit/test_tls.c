/* SPDX-License-Identifier: MIT */
/* What TLS is made of: certificates, keys, suites and curves, and what is wrong with them. */
#include "fixture.h"
#include "suites.h"

#include "daemon/http/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CURVE "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
#define FIRST "  cert_file: a.crt\n  key_file: a.key\n"

static char error[512];

static void make_files(void)
{
    char command[1024];
    fixture_start();
    snprintf(command, sizeof command,
             "cd %s && for name in a b; do openssl req -x509 " CURVE
             " -nodes -keyout $name.key -out $name.crt -days 2 -subj /CN=$name || exit; done && "
             "openssl ec -in a.key -aes128 -passout pass:x -out locked.key && echo x >text",
             fixture_directory);
    freopen("/dev/null", "w", stderr); /* it says much */
    ck_assert_int_eq(system(command), 0);
}

/* The configuration is a file beside the certificates, as far as its paths go. */
static struct tls *make(const char *text)
{
    char whole[2048], path[128];
    snprintf(whole, sizeof whole, "tls_server_config:\n%s", text);
    snprintf(path, sizeof path, "%s/web.yml", fixture_directory);
    struct web_config *config = web_config_parse(path, whole, strlen(whole), error, sizeof error);
    ck_assert_msg(config != NULL, "%s", error);
    struct tls *tls = tls_new(config, error, sizeof error);
    web_config_free(config);
    return tls;
}

static const struct {
    const char *text, *at, *word;
} wrong[] = {
    {"  cert_file: none\n  key_file: a.key\n", ":2: cert_file: ", "/none\": No such file"},
    {"  cert_file: text\n  key_file: a.key\n", ":2: cert_file: ", "no start line"},
    {"  cert_file: a.crt\n  key_file: none\n", ":3: key_file: ", "/none\": No such file"},
    {"  cert_file: a.crt\n  key_file: b.key\n", ":3: key_file: ", "mismatch"},
    {"  cert_file: a.crt\n  key_file: locked.key\n", ":3: key_file: ", "without a password"},
    {FIRST "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: text\n",
     ":5: client_ca_file: ", "PEM"},
    {FIRST "  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_NONE]\n",
     ":4: cipher_suites: ", "\"TLS_NONE\"; no such suite"},
    {FIRST "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n", ":4: cipher_suites: ", "TLS_RSA_WITH"},
    {FIRST "  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
     ":5: cipher_suites: ", "none is of TLS 1.2"},
    {FIRST "  curve_preferences:\n    - X25519\n    - P-256\n",
     ":6: curve_preferences: ", "known are X25519, CurveP256"},
};

START_TEST(what_is_wrong_is_said_with_its_line)
{
    char start[128];
    ck_assert_ptr_null(make(wrong[_i].text));
    snprintf(start, sizeof start, "%s/web.yml%s", fixture_directory, wrong[_i].at);
    ck_assert_msg(strncmp(error, start, strlen(start)) == 0, "%s", error);
    ck_assert_msg(strstr(error, wrong[_i].word) != NULL, "%s", error);
}
END_TEST

static const char *const good[] = {
    FIRST,
    FIRST "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: b.crt\n",
    FIRST "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384]\n"
          "  curve_preferences: [CurveP521, CurveP384, CurveP256, X25519]\n",
    FIRST "  min_version: TLS13\n  prefer_server_cipher_suites: false\n",
};

START_TEST(what_is_right_is_taken)
{
    struct tls *tls = make(good[_i]);
    ck_assert_msg(tls != NULL, "%s", error);
    tls_free(tls);
}
END_TEST

Suite *tls_suite(void)
{
    Suite *suite = suite_create("tls");
    TCase *tests = tcase_create("settings");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, make_files, fixture_stop);
    tcase_add_loop_test(tests, what_is_wrong_is_said_with_its_line, 0,
                        (int)(sizeof wrong / sizeof wrong[0]));
    tcase_add_loop_test(tests, what_is_right_is_taken, 0, (int)(sizeof good / sizeof good[0]));
    suite_add_tcase(suite, tests);
    return suite;
}
