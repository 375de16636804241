/* SPDX-License-Identifier: MIT */
/* Which connections are taken for those of one client. */
#include "suites.h"

#include "daemon/http/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

static struct peer *enter(struct peers *peers, const char *address)
{
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_port = htons(1)};
    struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &inet.sin_addr) == 1)
        return peers_enter(peers, -1, (const struct sockaddr *)&inet);
    ck_assert_int_eq(inet_pton(AF_INET6, address, &inet6.sin6_addr), 1);
    return peers_enter(peers, -1, (const struct sockaddr *)&inet6);
}

static void leave(struct peers *peers, struct peer *peer)
{
    peer->connections--;
    peers_leave(peers, peer);
}

static const struct {
    const char *one, *other;
    bool same;
} pairs[] = {
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"2001:db8::1", "2001:db8::1", true},
    {"2001:db8::1", "2001:db8::ffff:2", true}, /* one network of 64 bits */
    {"2001:db8::1", "2001:db8:0:1::1", false},
    {"0.0.0.0", "::", false},
    {"192.0.2.1", "::ffff:192.0.2.1", true}, /* at a socket of both */
    {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
    {"::1", "::2", false}, /* of this host, and not */
    {"::1", "127.0.0.1", true},
};

START_TEST(address_is_a_client)
{
    struct peers *peers = peers_new();
    struct peer *one = enter(peers, pairs[_i].one), *other = enter(peers, pairs[_i].other);
    ck_assert_msg((one == other) == pairs[_i].same, "%s %s", pairs[_i].one, pairs[_i].other);
    ck_assert_int_eq(one->connections, pairs[_i].same ? 2 : 1);
    leave(peers, one);
    leave(peers, other);
    peers_free(peers);
}
END_TEST

START_TEST(user_of_a_socket_file_is_a_client)
{
    struct peers *peers = peers_new();
    struct sockaddr address = {.sa_family = AF_UNIX};
    int one[2], other[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, one), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    struct peer *peer = peers_enter(peers, one[0], &address);
    ck_assert(peer->is_local);
    ck_assert_ptr_eq(peer, peers_enter(peers, other[0], &address));
    struct peer *unknown = peers_enter(peers, -1, &address);
    ck_assert_ptr_ne(peer, unknown);
    peer->connections--;
    leave(peers, peer);
    leave(peers, unknown);
    for (int i = 0; i < 2; i++)
        close(one[i]), close(other[i]);
    peers_free(peers);
}
END_TEST

START_TEST(who_has_gone_is_forgotten)
{
    struct peers *peers = peers_new();
    for (int round = 0; round < 2; round++) {
        struct peer *of[4096];
        char address[32];
        for (int i = 0; i < 4096; i++) {
            snprintf(address, sizeof address, "10.0.%d.%d", i >> 8, i & 255);
            of[i] = enter(peers, address);
            ck_assert_int_eq(of[i]->connections, 1);
        }
        of[0]->streams++;
        leave(peers, of[0]);
        ck_assert_ptr_eq(enter(peers, "10.0.0.0"), of[0]); /* has a stream still */
        of[0]->streams--;
        for (int i = 0; i < 4096; i++)
            leave(peers, of[i]); /* a sanitizer would see what is not freed */
    }
    peers_free(peers);
}
END_TEST

START_TEST(this_host_is_local)
{
    static const char *const addresses[] = {
        "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.0.0.1", "::2", "::ffff:10.0.0.1"};
    struct peers *peers = peers_new();
    for (int i = 0; i < 7; i++) {
        struct peer *peer = enter(peers, addresses[i]);
        ck_assert_msg(peer->is_local == (i < 4), "%s", addresses[i]);
        leave(peers, peer);
    }
    peers_free(peers);
}
END_TEST

Suite *peers_suite(void)
{
    Suite *suite = suite_create("peers");
    TCase *tests = tcase_create("clients");
    tcase_add_loop_test(tests, address_is_a_client, 0, (int)(sizeof pairs / sizeof pairs[0]));
    tcase_add_test(tests, user_of_a_socket_file_is_a_client);
    tcase_add_test(tests, who_has_gone_is_forgotten);
    tcase_add_test(tests, this_host_is_local);
    suite_add_tcase(suite, tests);
    return suite;
}
