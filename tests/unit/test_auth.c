/* SPDX-License-Identifier: MIT */
/* Users and tokens: whose request is granted, what a verification costs, and who may wait. */
#include "suites.h"

#include "daemon/http/auth.h"
#include "daemon/http/auth_worker.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of cost 4, which takes a millisecond. */
#define OF_SECRET "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define SHA256_OF_SECRET "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

static struct event_base *base;
static struct auth *auth;
static struct web_config *config;
static int ready_count;
static void *last_ready, *left; /* who was told last; who must not be */

static void on_ready(void *asker)
{
    ck_assert_ptr_ne(asker, left);
    ready_count++;
    last_ready = asker;
}

static struct web_config *make(const char *text)
{
    char error[256];
    struct web_config *made = web_config_parse("w", text, strlen(text), error, sizeof error);
    ck_assert_msg(made != NULL, "%s", error);
    return made;
}

/* From now on this counts. */
static void use(const char *text)
{
    struct web_config *before = config;
    config = make(text);
    ck_assert(auth_use(auth, config));
    web_config_free(before);
}

static void start(void)
{
    base = event_base_new();
    auth = auth_new(base, on_ready);
    config = NULL;
    left = NULL;
    ready_count = 0;
    use("basic_auth_users: {alice: " OF_SECRET "}");
}

static void stop(void)
{
    auth_free(auth);
    web_config_free(config);
    event_base_free(base);
}

/* The header of a user's password; static. */
static const char *basic(const char *credentials, size_t length)
{
    static char header[4096];
    unsigned char encoded[4000];
    EVP_EncodeBlock(encoded, (const unsigned char *)credentials, (int)length);
    snprintf(header, sizeof header, "Basic %s", (const char *)encoded);
    return header;
}

static enum auth_verdict ask_from(uint64_t peer, const char *credentials, struct auth_check **check)
{
    return auth_ask(auth, basic(credentials, strlen(credentials)), peer, &base, check);
}

static enum auth_verdict decided(struct auth_check *check)
{
    int before = ready_count;
    while (ready_count == before)
        event_base_loop(base, EVLOOP_ONCE);
    ck_assert_ptr_eq(last_ready, &base);
    return auth_decided(check);
}

/* What it comes to in the end, and whether it had to be verified. */
static enum auth_verdict ask(const char *credentials, bool *verified)
{
    struct auth_check *check;
    enum auth_verdict verdict = ask_from(1, credentials, &check);
    *verified = verdict == AUTH_WAITS;
    return *verified ? decided(check) : verdict;
}

static const struct {
    const char *hash, *password;
} vectors[] = {
    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
    {"$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"},
    {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", ""},
    {OF_SECRET, "secret"},
};

START_TEST(bcrypt_is_verified)
{
    char text[128], credentials[64];
    bool verified;
    snprintf(text, sizeof text, "basic_auth_users: {alice: %s}", vectors[_i].hash);
    use(text);
    snprintf(credentials, sizeof credentials, "alice:%s.", vectors[_i].password);
    ck_assert_int_eq(ask(credentials, &verified), AUTH_DENIED);
    ck_assert(verified);
    credentials[strlen(credentials) - 1] = 0;
    ck_assert_int_eq(ask(credentials, &verified), AUTH_GRANTED);
    ck_assert(verified);
}
END_TEST

START_TEST(right_password_is_verified_once)
{
    bool verified;
    ck_assert_int_eq(ask("alice:secret", &verified), AUTH_GRANTED);
    ck_assert(verified);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ask("alice:secret", &verified), AUTH_GRANTED);
        ck_assert(!verified);
        ck_assert_int_eq(ask("alice:wrong", &verified), AUTH_DENIED);
        ck_assert(verified); /* each time: who guesses fills no memory */
    }
}
END_TEST

/* Whoever has no account learns no sooner that it was refused. */
START_TEST(unknown_user_costs_as_much)
{
    struct auth_check *check;
    use("basic_auth_users: {alice: " OF_SECRET
        ", bob: $2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK}");
    ck_assert_int_eq(ask_from(1, "mallory:secret", &check), AUTH_WAITS);
    ck_assert_int_eq(strncmp(((const struct auth_job *)check)->hash, "$2b$05$", 7), 0);
    ck_assert_int_eq(decided(check), AUTH_DENIED);
}
END_TEST

START_TEST(users_are_told_apart)
{
    bool verified;
    use("basic_auth_users: {alice: " OF_SECRET
        ", bob: $2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK}");
    ck_assert_int_eq(ask("alice:secret", &verified), AUTH_GRANTED);
    ck_assert_int_eq(ask("bob:secret", &verified), AUTH_DENIED);
    ck_assert_int_eq(ask("bob:U*U*", &verified), AUTH_GRANTED);
    ck_assert_int_eq(ask("alice:U*U*", &verified), AUTH_DENIED);
}
END_TEST

static const char *const malformed[] = {
    NULL,           "",           "Basic",
    "Basic ",       "Basic YQ=",  "Basic YQ==",
    "Basic Y Q=",   "Basic =YQ=", "Basic YWxpY2U6c2VjcmV0 ",
    "BasicYWxpY2U", "Digest x",   "Basic YWxpY2U6c2VjcmV0YWxpY2U6c2VjcmV0====",
};

START_TEST(malformed_is_refused_at_once)
{
    struct auth_check *check;
    ck_assert_int_eq(auth_ask(auth, malformed[_i], 1, NULL, &check), AUTH_DENIED);
}
END_TEST

START_TEST(passwords_that_none_can_have_are_refused_at_once)
{
    struct auth_check *check;
    static char text[3000] = "alice:";
    ck_assert_int_eq(auth_ask(auth, basic("alice:secret\0x", 14), 1, NULL, &check), AUTH_DENIED);
    for (size_t length = AUTH_PASSWORD_SIZE; length < 2900; length += 100) {
        memset(text + 6, 'a', length);
        ck_assert_int_eq(auth_ask(auth, basic(text, 6 + length), 1, NULL, &check), AUTH_DENIED);
    }
    text[6 + AUTH_PASSWORD_SIZE - 1] = 0;
    ck_assert_int_eq(ask_from(1, text, &check), AUTH_WAITS);
    ck_assert_int_eq(decided(check), AUTH_DENIED);
}
END_TEST

START_TEST(tokens_are_compared_at_once)
{
    struct auth_check *check;
    use("bearer_token_hashes: [" SHA256_OF_SECRET "]");
    ck_assert_int_eq(auth_ask(auth, "Bearer secret", 1, NULL, &check), AUTH_GRANTED);
    ck_assert_int_eq(auth_ask(auth, "bearer  secret", 1, NULL, &check), AUTH_GRANTED);
    ck_assert_int_eq(auth_ask(auth, "Bearer secre", 1, NULL, &check), AUTH_DENIED);
    ck_assert_int_eq(auth_ask(auth, "Bearer " SHA256_OF_SECRET, 1, NULL, &check), AUTH_DENIED);
    ck_assert_int_eq(auth_ask(auth, "Bearer", 1, NULL, &check), AUTH_DENIED);
    ck_assert_int_eq(ask_from(1, "alice:secret", &check), AUTH_DENIED); /* there are no users */
}
END_TEST

START_TEST(everybody_may_ask_if_none_is_named)
{
    struct auth_check *check;
    use("{}");
    ck_assert_int_eq(auth_ask(auth, NULL, 1, NULL, &check), AUTH_GRANTED);
    ck_assert_int_eq(auth_ask(auth, "Bearer x", 1, NULL, &check), AUTH_GRANTED);
}
END_TEST

/* One peer cannot have all the room, and all peers together not more than there is. */
START_TEST(who_waits_is_bounded)
{
    struct auth_check *checks[AUTH_CHECKS_MOST], *more;
    int count = 0;
    for (uint64_t peer = 0; count < AUTH_CHECKS_MOST; peer++) {
        for (int i = 0; i < AUTH_CHECKS_OF_A_PEER; i++)
            ck_assert_int_eq(ask_from(peer, "alice:wrong", &checks[count++]), AUTH_WAITS);
        ck_assert_int_eq(ask_from(peer, "alice:secret", &more), AUTH_BUSY);
    }
    ck_assert_int_eq(ask_from(1000, "alice:secret", &more), AUTH_BUSY);
    while (ready_count < count)
        event_base_loop(base, EVLOOP_ONCE);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(auth_decided(checks[i]), AUTH_DENIED);
    ck_assert_int_eq(ask_from(1000, "alice:secret", &more), AUTH_WAITS);
    ck_assert_int_eq(decided(more), AUTH_GRANTED);
}
END_TEST

START_TEST(client_may_leave_meanwhile)
{
    struct auth_check *gone, *other;
    bool verified;
    ck_assert_int_eq(auth_ask(auth, basic("alice:secret", 12), 1, &left, &gone), AUTH_WAITS);
    ck_assert_int_eq(ask_from(1, "alice:wrong", &other), AUTH_WAITS);
    auth_drop(gone);
    left = &left;
    ck_assert_int_eq(decided(other), AUTH_DENIED);
    ck_assert_int_eq(ready_count, 1);
    ck_assert_int_eq(ask("alice:secret", &verified), AUTH_GRANTED);
    ck_assert(!verified); /* it was found right all the same */
}
END_TEST

START_TEST(it_may_end_while_passwords_wait)
{
    struct auth_check *checks[3];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ask_from(1, "alice:wrong", &checks[i]), AUTH_WAITS);
        auth_drop(checks[i]);
    }
}
END_TEST

START_TEST(other_users_count_from_then_on)
{
    bool verified;
    struct auth_check *removed, *kept;
    ck_assert_int_eq(ask("alice:secret", &verified), AUTH_GRANTED);
    use("basic_auth_users: {bob: " OF_SECRET ", alice: " OF_SECRET "}");
    ck_assert_int_eq(ask("alice:secret", &verified), AUTH_GRANTED);
    ck_assert(!verified); /* nothing has changed for her */
    ck_assert_int_eq(ask_from(1, "bob:secret", &removed), AUTH_WAITS);
    use("basic_auth_users:\n"
        "  alice: $2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK");
    ck_assert_int_eq(decided(removed), AUTH_DENIED);
    ck_assert_int_eq(ask("alice:secret", &verified), AUTH_DENIED);
    ck_assert(verified); /* her password is another one now */
    ck_assert_int_eq(ask_from(1, "alice:U*U*", &kept), AUTH_WAITS);
    use("basic_auth_users:\n  zoe: " OF_SECRET "\n"
        "  alice: $2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK");
    ck_assert_int_eq(decided(kept), AUTH_GRANTED);
    ck_assert_int_eq(ask("zoe:U*U*", &verified), AUTH_DENIED);
}
END_TEST

Suite *auth_suite(void)
{
    Suite *suite = suite_create("auth");
    TCase *tests = tcase_create("verdicts");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_loop_test(tests, bcrypt_is_verified, 0, (int)(sizeof vectors / sizeof vectors[0]));
    tcase_add_test(tests, right_password_is_verified_once);
    tcase_add_test(tests, unknown_user_costs_as_much);
    tcase_add_test(tests, users_are_told_apart);
    tcase_add_loop_test(tests, malformed_is_refused_at_once, 0,
                        (int)(sizeof malformed / sizeof malformed[0]));
    tcase_add_test(tests, passwords_that_none_can_have_are_refused_at_once);
    tcase_add_test(tests, tokens_are_compared_at_once);
    tcase_add_test(tests, everybody_may_ask_if_none_is_named);
    tcase_add_test(tests, who_waits_is_bounded);
    tcase_add_test(tests, client_may_leave_meanwhile);
    tcase_add_test(tests, it_may_end_while_passwords_wait);
    tcase_add_test(tests, other_users_count_from_then_on);
    suite_add_tcase(suite, tests);
    return suite;
}
