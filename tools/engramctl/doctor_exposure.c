/* SPDX-License-Identifier: MIT */
/* Who can reach the daemon: each TCP socket that it listens on, and whether it asks who is there.
 */
#include "doctor.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTENING 0x0a
#define LISTENERS_MOST 64

struct listeners {
    unsigned long inodes[LISTENERS_MOST];
    int count;
    int wide, open; /* not on loopback; of these, without a question */
};

/* The sockets among the descriptors of a process; false when they may not be seen. */
static bool list_sockets(pid_t pid, struct listeners *all)
{
    char path[64], link[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    if (!directory)
        return false;
    for (struct dirent *entry; (entry = readdir(directory)) && all->count < LISTENERS_MOST;) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, link, sizeof link - 1);
        link[length > 0 ? length : 0] = 0;
        if (sscanf(link, "socket:[%lu]", &all->inodes[all->count]) == 1)
            all->count++;
    }
    closedir(directory);
    return true;
}

static bool is_listed(const struct listeners *all, unsigned long inode)
{
    for (int i = 0; i < all->count; i++)
        if (all->inodes[i] == inode)
            return true;
    return false;
}

static bool is_loopback(const struct in6_addr *address, bool v6)
{
    if (!v6 || IN6_IS_ADDR_V4MAPPED(address))
        return address->s6_addr[v6 ? 12 : 0] == 127;
    return IN6_IS_ADDR_LOOPBACK(address);
}

/* The address as one that can be asked from here: that of all hosts is ours, too. */
static void write_address(char *to, size_t size, const struct in6_addr *address, bool v6,
                          unsigned port)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(v6 ? AF_INET6 : AF_INET, address, text, sizeof text);
    if (v6 && IN6_IS_ADDR_UNSPECIFIED(address))
        strcpy(text, "::1");
    if (strcmp(text, "0.0.0.0") == 0)
        strcpy(text, "127.0.0.1");
    snprintf(to, size, v6 ? "[%s]:%u" : "%s:%u", text, port);
}

static bool ignore(void *argument, const char *bytes, size_t length)
{
    (void)argument, (void)bytes, (void)length;
    return true;
}

/* Whether a stranger gets the metrics, in the clear or by TLS. */
static bool is_open(const char *address)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        char url[100];
        struct http_answer answer;
        struct http_daemon stranger = {.address = url, .any = true};
        snprintf(url, sizeof url, "%s%s", schemes[i], address);
        if (http_get(&stranger, "/metrics", ignore, NULL, &answer))
            return true;
    }
    return false;
}

static void check_listener(struct doctor *d, struct listeners *all, const struct in6_addr *address,
                           bool v6, unsigned port)
{
    char asked[80];
    if (is_loopback(address, v6))
        return;
    write_address(asked, sizeof asked, address, v6, port);
    all->wide++;
    if (!is_open(asked))
        return;
    all->open++;
    find(d, LEVEL_WARNING, "exposure",
         "listen on 127.0.0.1, or ask for passwords or certificates; see engramd(8)",
         "whoever reaches port %u of this host can read every metric", port);
}

/* proc(5), /proc/net/tcp: the address is four bytes, or sixteen, in words of the host's order. */
static bool parse_row(const char *row, struct in6_addr *address, bool v6, unsigned *port,
                      unsigned long *inode)
{
    char hex[40];
    unsigned state;
    if (sscanf(row, " %*d: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*s %*s %lu", hex, port,
               &state, inode) != 4 ||
        strlen(hex) != (v6 ? 32 : 8) || state != LISTENING)
        return false;
    for (int i = 0; i < (v6 ? 4 : 1); i++) {
        char word[9] = "";
        memcpy(word, hex + 8 * i, 8);
        uint32_t value = (uint32_t)strtoul(word, NULL, 16);
        memcpy(address->s6_addr + 4 * i, &value, sizeof value);
    }
    return true;
}

static void check_table(struct doctor *d, struct listeners *all, const char *path, bool v6)
{
    char row[512];
    FILE *table = fopen(path, "re");
    while (table && fgets(row, sizeof row, table)) {
        struct in6_addr address = {0};
        unsigned port;
        unsigned long inode;
        if (parse_row(row, &address, v6, &port, &inode) && is_listed(all, inode))
            check_listener(d, all, &address, v6, port);
    }
    if (table)
        fclose(table);
}

void doctor_exposure(struct doctor *d)
{
    struct listeners all = {.count = 0};
    if (!d->pid)
        return; /* what is not seen was told */
    if (!list_sockets(d->pid, &all)) {
        find(d, LEVEL_WARNING, "exposure", "run engramctl doctor as root",
             "where the daemon listens is not for this user to see");
        return;
    }
    check_table(d, &all, "/proc/net/tcp", false);
    check_table(d, &all, "/proc/net/tcp6", true);
    if (!all.wide)
        find(d, LEVEL_OK, "exposure", NULL, "only this host reaches the daemon");
    else if (!all.open)
        find(d, LEVEL_OK, "exposure", NULL,
             "other hosts reach the daemon, and are asked who they are");
}
