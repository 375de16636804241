/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/http/http_request.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

size_t http_head_length(const char *bytes, size_t length)
{
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    return end ? (size_t)(end - bytes) + 4 : 0;
}

/* Cuts a line off at its CRLF; NULL when a CR or LF stands anywhere else, or a control character.
 */
static char *next_line(char **rest, char *end)
{
    char *line = *rest, *at = line;
    while (at < end && ((unsigned char)*at >= ' ' || *at == '\t') && *at != 0x7f)
        at++;
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n')
        return NULL;
    *at = 0;
    *rest = at + 2;
    return line;
}

static char *next_word(char **rest)
{
    char *word = *rest, *space = strchr(word, ' ');
    if (!space || space == word)
        return NULL;
    *space = 0;
    *rest = space + 1;
    return word;
}

static bool is_token(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
}

static int parse_line(struct http_request *request, char *line)
{
    char *method = next_word(&line);
    char *target = method ? next_word(&line) : NULL;
    if (!target || !is_token(method))
        return 400;
    if (strncmp(line, "HTTP/", 5) != 0)
        return 400;
    if (strcmp(line, "HTTP/1.1") != 0 && strcmp(line, "HTTP/1.0") != 0)
        return 505;
    request->method = method;
    request->head = strcmp(method, "HEAD") == 0;
    request->options = strcmp(method, "OPTIONS") == 0;
    request->keep_alive = line[7] == '1';
    if (target[0] != '/' && !(request->options && strcmp(target, "*") == 0))
        return 400;
    char *query = strchr(target, '?');
    if (query)
        *query++ = 0;
    request->path = target;
    request->query = query ? query : "";
    return 0;
}

/* What a parser knows of the headers that it has seen. */
struct headers {
    struct http_request *request;
    int count;
    bool content_length, transfer_encoding, body, close, keep;
};

/* "close" and "keep-alive" may stand among names of headers. */
static void parse_connection(struct headers *headers, const char *value)
{
    for (value += strspn(value, ", \t"); *value; value += strspn(value, ", \t")) {
        size_t length = strcspn(value, ", \t");
        headers->close |= length == 5 && strncasecmp(value, "close", 5) == 0;
        headers->keep |= length == 10 && strncasecmp(value, "keep-alive", 10) == 0;
        value += length;
    }
}

static int parse_host(struct headers *headers, const char *value)
{
    bool second = headers->request->host != NULL;
    headers->request->host = value;
    return second || strpbrk(value, " \t,/?#@\\") ? 400 : 0;
}

/* Whatever frames a body is noted and, if two could read it in two ways, refused. */
static int parse_content_length(struct headers *headers, const char *value)
{
    bool second = headers->content_length;
    headers->content_length = true;
    headers->body = strspn(value, "0") != strlen(value);
    return second || !*value || strspn(value, "0123456789") != strlen(value) ? 400 : 0;
}

/* Where a header's value is kept. */
static const struct {
    const char *name;
    size_t offset;
    bool list; /* the last of several stands; others may stand once only */
} kept[] = {
    {"Accept", offsetof(struct http_request, accept), true},
    {"Accept-Encoding", offsetof(struct http_request, accept_encoding), true},
    {"Last-Event-ID", offsetof(struct http_request, last_event_id), false},
    {"Authorization", offsetof(struct http_request, authorization), false},
    {"Origin", offsetof(struct http_request, origin), false},
    {"Access-Control-Request-Method", offsetof(struct http_request, access_control_request_method),
     false},
};

static int keep_header(struct http_request *request, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (strcasecmp(name, kept[i].name) != 0)
            continue;
        const char **field = (const char **)((char *)request + kept[i].offset);
        if (*field && !kept[i].list)
            return 400;
        *field = value;
    }
    return 0;
}

/* "1.5" as 1500; 0 for what is no such number, and so says nothing. */
static uint32_t milliseconds_of(const char *seconds)
{
    static const char digits[] = "0123456789";
    size_t whole = strspn(seconds, digits);
    if (whole == 0 || whole > 6)
        return 0;
    uint32_t value = 0, unit = 100;
    for (size_t i = 0; i < whole; i++)
        value = value * 10 + (uint32_t)(seconds[i] - '0');
    value *= 1000;
    const char *rest = seconds + whole + (seconds[whole] == '.');
    for (; *rest && strchr(digits, *rest); rest++, unit /= 10)
        value += (uint32_t)(*rest - '0') * unit;
    return *rest ? 0 : value;
}

static int parse_header(struct headers *headers, const char *name, const char *value)
{
    if (++headers->count > HTTP_HEADERS_MAX)
        return 431;
    if (strcasecmp(name, "Host") == 0)
        return parse_host(headers, value);
    if (strcasecmp(name, "Content-Length") == 0)
        return parse_content_length(headers, value);
    if (strcasecmp(name, "Transfer-Encoding") == 0)
        headers->transfer_encoding = true;
    else if (strcasecmp(name, "Connection") == 0)
        parse_connection(headers, value);
    else if (strcasecmp(name, "X-Prometheus-Scrape-Timeout-Seconds") == 0)
        headers->request->patience_ms = milliseconds_of(value);
    else
        return keep_header(headers->request, name, value);
    return 0;
}

static int parse_headers(struct headers *headers, char *at, char *end)
{
    for (;;) {
        char *name = next_line(&at, end);
        if (!name)
            return 400;
        if (*name == 0)
            return at == end ? 0 : 400;
        char *value = strchr(name, ':');
        if (!value)
            return 400;
        *value++ = 0;
        value += strspn(value, " \t");
        for (size_t length = strlen(value); length && strchr(" \t", value[length - 1]);)
            value[--length] = 0;
        int status = is_token(name) ? parse_header(headers, name, value) : 400;
        if (status)
            return status;
    }
}

/* What the headers are together; bodies are refused, since nothing here takes one. */
static int judge(const struct headers *headers, bool old)
{
    if (headers->transfer_encoding)
        return headers->content_length || old ? 400 : 501;
    if (headers->body)
        return 413;
    return headers->request->host || old ? 0 : 400;
}

int http_request_parse(struct http_request *request, char *bytes, size_t length)
{
    struct headers headers = {.request = request};
    char *at = bytes, *end = bytes + length;
    *request = (struct http_request){.method = "", .path = "", .query = ""};
    if (memchr(bytes, 0, length))
        return 400;
    char *line = next_line(&at, end);
    int status = line ? parse_line(request, line) : 400;
    bool old = !request->keep_alive; /* HTTP/1.0 */
    if (status == 0)
        status = parse_headers(&headers, at, end);
    if (status == 0)
        status = judge(&headers, old);
    request->keep_alive = (headers.keep || !old) && !headers.close;
    if (status == 0 && !request->head && !request->options && strcmp(request->method, "GET") != 0)
        return 405;
    return status;
}
