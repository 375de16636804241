/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/http_request.h"

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
    request->keep_alive = line[7] == '1';
    if (target[0] != '/')
        return 400;
    char *query = strchr(target, '?');
    if (query)
        *query++ = 0;
    request->path = target;
    request->query = query ? query : "";
    return 0;
}

/* One header; bodies are refused, since nothing here takes one. */
static int parse_header(struct http_request *request, const char *name, const char *value,
                        int *hosts)
{
    if (strcasecmp(name, "Host") == 0)
        return ++*hosts > 1 ? 400 : 0;
    if (strcasecmp(name, "Transfer-Encoding") == 0)
        return 501;
    if (strcasecmp(name, "Content-Length") == 0)
        return strspn(value, "0123456789") != strlen(value) || !*value ? 400
               : strspn(value, "0") != strlen(value)                   ? 413
                                                                       : 0;
    if (strcasecmp(name, "Connection") == 0) {
        if (strcasecmp(value, "close") == 0)
            request->keep_alive = false;
        else if (strcasecmp(value, "keep-alive") == 0)
            request->keep_alive = true;
    } else if (strcasecmp(name, "Accept") == 0) {
        request->accept = value;
    } else if (strcasecmp(name, "Accept-Encoding") == 0) {
        request->accept_encoding = value;
    } else if (strcasecmp(name, "Last-Event-ID") == 0) {
        request->last_event_id = value;
    }
    return 0;
}

static int parse_headers(struct http_request *request, char *at, char *end, int *hosts)
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
        int status = is_token(name) ? parse_header(request, name, value, hosts) : 400;
        if (status)
            return status;
    }
}

int http_request_parse(struct http_request *request, char *bytes, size_t length)
{
    int hosts = 0;
    char *at = bytes, *end = bytes + length;
    *request = (struct http_request){.method = "", .path = "", .query = ""};
    if (memchr(bytes, 0, length))
        return 400;
    char *line = next_line(&at, end);
    int status = line ? parse_line(request, line) : 400;
    bool old = line && status == 0 && !request->keep_alive;
    if (status == 0)
        status = parse_headers(request, at, end, &hosts);
    if (status == 0 && hosts == 0 && !old)
        return 400;
    if (status == 0 && !request->head && strcmp(request->method, "GET") != 0)
        return 405;
    return status;
}
