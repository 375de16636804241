/* SPDX-License-Identifier: MIT */
/* What the benches of HTTP share: a server in a process of its own, and what it costs there. */
#ifndef ENGRAM_HTTP_BENCH_H
#define ENGRAM_HTTP_BENCH_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "figure.h"

#include "daemon/base/clock.h"
#include "daemon/http/http_listen.h"

#define ONE_WRITE (1 << 20)

struct served {
    pid_t pid;
    int port;
};

static inline double now_us(void)
{
    return (double)clock_monotonic() * 1e-3;
}

static inline void die(const char *what)
{
    fprintf(stderr, "%s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static inline void raise_descriptors(rlim_t needed)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max >= needed)
        return;
    fprintf(stderr, "%lu descriptors are too few, %lu are needed: see ulimit -Hn\n",
            (unsigned long)limit.rlim_max, (unsigned long)needed);
    exit(1);
}

/* Forks a server: `open` listens and returns its port.  It dies with us. */
static inline struct served serve(int (*open)(struct event_base *base))
{
    struct served server = {0};
    int port[2];
    fflush(stdout);
    if (pipe(port) || (server.pid = fork()) < 0)
        die("fork");
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct event_base *base = event_base_new();
        server.port = open(base);
        if (write(port[1], &server.port, sizeof server.port) < 0)
            _exit(1);
        event_base_dispatch(base);
        _exit(0);
    }
    close(port[1]);
    if (read(port[0], &server.port, sizeof server.port) != sizeof server.port || !server.port)
        die("a server did not start");
    close(port[0]);
    return server;
}

static inline void stop(struct served server)
{
    kill(server.pid, SIGKILL);
    waitpid(server.pid, NULL, 0);
}

static inline double cpu_seconds(struct served server)
{
    clockid_t clock;
    struct timespec used = {0};
    if (clock_getcpuclockid(server.pid, &clock) || clock_gettime(clock, &used))
        die("the CPU clock of a server");
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

/* A field of /proc/PID/status, bytes: "VmRSS:" or "VmHWM:". */
static inline double memory(struct served server, const char *field)
{
    char path[64], line[256];
    double kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server.pid);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtod(line + strlen(field), NULL);
    if (status)
        fclose(status);
    return kib * 1024;
}

/* How a server is seen to have closed a client that does not read. */
static inline int descriptors(struct served server)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)server.pid);
    DIR *directory = opendir(path);
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static inline void get(int fd, const char *path)
{
    char request[128];
    int length =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    if (send(fd, request, (size_t)length, 0) < 0)
        die("send");
}

/* Connects to 127.0.0.HOST and asks for `path`, if it is not NULL.  `receive` limits the receive
 * buffer unless it is 0; `from` is the address to come from, or 0 for any.  Closing resets:
 * thousands of sockets in TIME_WAIT would slow the next round. */
static inline int ask_from(uint32_t from, int host, int port, const char *path, int receive)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
    struct linger reset = {.l_onoff = 1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (uint32_t)host);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    if (receive)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
    if (from && bind(fd, (struct sockaddr *)&source, sizeof source))
        die("bind");
    if (connect(fd, (struct sockaddr *)&to, sizeof to))
        die("connect");
    if (path)
        get(fd, path);
    return fd;
}

static inline int ask(int host, int port, const char *path, int receive)
{
    return ask_from(0, host, port, path, receive);
}

/* A listener with the daemon's backlog; accepted sockets inherit that Nagle's algorithm is off. */
static inline struct evconnlistener *listen_any(struct event_base *base, evconnlistener_cb accept,
                                                void *argument, int *port)
{
    char error[160], address[64];
    int fd = http_listen("0.0.0.0:0", error, sizeof error);
    if (fd < 0)
        die(error);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    http_bound_address(fd, address, sizeof address);
    *port = atoi(strrchr(address, ':') + 1);
    return evconnlistener_new(base, accept, argument, LEV_OPT_CLOSE_ON_FREE, 0, fd);
}

static inline struct bufferevent *one_write(struct event_base *base, void *argument)
{
    struct bufferevent *stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    (void)argument;
    bufferevent_set_max_single_write(stream, ONE_WRITE);
    return stream;
}

/* evhttp as one would set it up who knows it: our backlog and deadlines, no Nagle, large writes,
 * limits on what is received. */
static inline struct evhttp *evhttp_open(struct event_base *base, int seconds, int *port,
                                         struct evconnlistener **listener)
{
    struct evhttp *http = evhttp_new(base);
    *listener = listen_any(base, NULL, NULL, port);
    evhttp_set_bevcb(http, one_write, NULL);
    evhttp_set_timeout(http, seconds);
    evhttp_set_max_headers_size(http, 16384);
    evhttp_set_max_body_size(http, 0);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    if (!evhttp_bind_listener(http, *listener))
        die("evhttp");
    return http;
}

#endif
