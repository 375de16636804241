/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define CONNECT_SECONDS 5L
#define SILENT_SECONDS 40L /* a stream's heart beats each 10 */

struct request {
    CURL *curl;
    http_sink *sink;
    void *argument;
    struct http_answer *answer;
    size_t said; /* bytes of an error's body that are kept */
    char error[CURL_ERROR_SIZE];
};

/* Keeps the first line of what comes with an error: it says what the daemon thinks. */
static void keep_reason(struct request *request, const char *bytes, size_t length)
{
    char *to = request->answer->problem;
    size_t room = sizeof request->answer->problem - 1 - request->said;
    for (size_t i = 0; i < length && i < room; i++)
        to[request->said++] = bytes[i];
    to[request->said] = 0;
    to[strcspn(to, "\r\n")] = 0;
    for (char *at = to; *at; at++) /* it goes to a terminal */
        *at = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
}

static bool has_part(CURLU *url, CURLUPart part, const char *wanted)
{
    char *found = NULL;
    bool has =
        curl_url_get(url, part, &found, 0) == CURLUE_OK && (!wanted || strcmp(found, wanted) == 0);
    curl_free(found);
    return has;
}

/* One that has no scheme is a host and a port, and nothing else. */
static bool url_valid(const char *address)
{
    char text[4096];
    bool is_url = strstr(address, "://") != NULL;
    CURLU *url = curl_url();
    int length = snprintf(text, sizeof text, "%s%s", is_url ? "" : "http://", address);
    bool valid =
        url && length < (int)sizeof text &&
        curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
        (has_part(url, CURLUPART_SCHEME, "http") || has_part(url, CURLUPART_SCHEME, "https")) &&
        (is_url || (has_part(url, CURLUPART_PORT, NULL) && has_part(url, CURLUPART_PATH, "/")));
    curl_url_cleanup(url);
    return valid;
}

bool http_address_valid(const char *address)
{
    const size_t room = sizeof((struct sockaddr_un *)NULL)->sun_path;
    if (strncmp(address, "unix:", 5) == 0)
        return address[5] && strlen(address + 5) < room;
    return url_valid(address);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *argument)
{
    struct request *request = argument;
    size_t length = size * count;
    curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &request->answer->status);
    if (request->answer->status != 200) {
        keep_reason(request, bytes, length);
        return length;
    }
    return request->sink(request->argument, bytes, length) ? length : 0;
}

/* The URL of a path below an address; a socket's has any host.  False when that is too long. */
static bool set_address(CURL *curl, const struct http_daemon *daemon, const char *path)
{
    char url[16384];
    const char *address = daemon->address;
    bool is_unix = strncmp(address, "unix:", 5) == 0;
    bool is_url = strstr(address, "://") != NULL;
    bool is_tls = daemon->ca_file || daemon->cert_file;
    int length = (int)strlen(address);
    length -= is_url && address[length - 1] == '/';
    int used = snprintf(url, sizeof url, "%s%.*s%s",
                        is_url               ? ""
                        : is_tls && !is_unix ? "https://"
                                             : "http://",
                        length, is_unix ? "engramd" : address, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (is_unix)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, address + 5);
    return used < (int)sizeof url;
}

/* The first line of a file; false with a problem when it cannot be read, or is empty. */
static bool read_secret(const char *path, char *to, size_t size, struct http_answer *answer)
{
    FILE *file = fopen(path, "re");
    bool read = file && fgets(to, (int)size, file);
    int error = file ? 0 : errno;
    if (file)
        fclose(file);
    if (read)
        to[strcspn(to, "\r\n")] = 0;
    if (read && *to)
        return true;
    snprintf(answer->problem, sizeof answer->problem, "%s cannot be read: %s", path,
             error ? strerror(error) : "it has no first line");
    return false;
}

/* Says who asks. */
static bool set_identity(CURL *curl, const struct http_daemon *daemon, struct http_answer *answer)
{
    char secret[1024];
    if (daemon->ca_file) /* else those that the system trusts */
        curl_easy_setopt(curl, CURLOPT_CAINFO, daemon->ca_file);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, daemon->cert_file);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, daemon->key_file);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, daemon->any ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, daemon->any ? 0L : 2L);
    if (daemon->user_file) {
        if (!read_secret(daemon->user_file, secret, sizeof secret, answer))
            return false;
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERPWD, secret);
    }
    if (daemon->token_file) {
        if (!read_secret(daemon->token_file, secret, sizeof secret, answer))
            return false;
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, secret);
    }
    return true;
}

static void set_limits(CURL *curl)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* a proxy's 127.0.0.1 is another one */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENT_SECONDS);
}

static bool perform(struct request *request)
{
    struct http_answer *answer = request->answer;
    CURLcode result = curl_easy_perform(request->curl);
    curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    answer->reached = result != CURLE_COULDNT_CONNECT && result != CURLE_COULDNT_RESOLVE_HOST;
    if (result != CURLE_OK) {
        snprintf(answer->problem, sizeof answer->problem, "%s",
                 *request->error ? request->error : curl_easy_strerror(result));
        return false;
    }
    if (answer->status == 200)
        return true;
    if (!*answer->problem)
        snprintf(answer->problem, sizeof answer->problem, "it answers with %ld", answer->status);
    return false;
}

/* Called about each second, and when bytes come. */
static int on_progress(void *stopped, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return *(const volatile sig_atomic_t *)stopped;
}

static struct curl_slist *set_stream(CURL *curl, const struct http_stream *stream)
{
    char header[300];
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: text/event-stream");
    snprintf(header, sizeof header, "Last-Event-ID: %s", stream->last_id);
    if (*stream->last_id && headers)
        curl_slist_append(headers, header);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, stream->stopped);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    return headers;
}

static bool prepare(struct request *request, const struct http_daemon *daemon, const char *path)
{
    struct http_answer *answer = request->answer;
    if (!request->curl || !set_address(request->curl, daemon, path)) {
        answer->status = request->curl ? 414 : 0;
        snprintf(answer->problem, sizeof answer->problem, "%s",
                 request->curl ? "what is asked for is too long" : "no memory");
        return false;
    }
    if (!set_identity(request->curl, daemon, answer))
        return false;
    set_limits(request->curl);
    curl_easy_setopt(request->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(request->curl, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(request->curl, CURLOPT_ERRORBUFFER, request->error);
    return true;
}

/* Who is not let in is told how to say who it is. */
static void add_hint(const struct http_daemon *daemon, struct http_answer *answer)
{
    size_t length = strlen(answer->problem);
    bool said = daemon->user_file || daemon->token_file;
    snprintf(answer->problem + length, sizeof answer->problem - length, "%s",
             said ? "; it does not take what --user-file or --token-file has"
                  : "; name a file that has one by --user-file or --token-file");
}

bool http_get_stream(const struct http_daemon *daemon, const char *path,
                     const struct http_stream *stream, http_sink *sink, void *argument,
                     struct http_answer *answer)
{
    struct request request = {
        .curl = curl_easy_init(), .sink = sink, .argument = argument, .answer = answer};
    struct curl_slist *headers = NULL;
    *answer = (struct http_answer){.reached = true};
    bool done = prepare(&request, daemon, path);
    if (done && stream)
        headers = set_stream(request.curl, stream);
    done = done && perform(&request);
    if (answer->status == 401)
        add_hint(daemon, answer);
    curl_easy_cleanup(request.curl);
    curl_slist_free_all(headers);
    return done;
}

bool http_get(const struct http_daemon *daemon, const char *path, http_sink *sink, void *argument,
              struct http_answer *answer)
{
    return http_get_stream(daemon, path, NULL, sink, argument, answer);
}

void http_write_encoded(FILE *to, const char *value)
{
    char *encoded = curl_easy_escape(NULL, value, 0);
    if (encoded)
        fputs(encoded, to);
    curl_free(encoded);
}
