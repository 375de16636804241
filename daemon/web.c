/* SPDX-License-Identifier: MIT */
#include "daemon/web.h"
#include "daemon/base/gzip.h"
#include "daemon/exposition/exposition.h"
#include "daemon/health/health_json.h"

#include <stdlib.h>
#include <string.h>

#define PLAIN "text/plain; charset=utf-8"
#define API_HEALTH API_ROOT "v1/health"
#define VARY "Vary: Accept, Accept-Encoding"
#define ENCODING "Content-Encoding: gzip"

typedef void route_handler(struct web *web, const struct http_request *request,
                           struct http_response *response);

static void respond_text(struct http_response *response, int status, const char *text)
{
    http_respond(response, status, PLAIN, text, strlen(text));
}

static void answer_json(struct web *web, const char *path, const struct http_request *request,
                        struct http_response *response)
{
    bool gzip = accept_gzip(request->accept_encoding);
    int status;
    struct frame *frame = documents_get(web->documents, path, request->query, &gzip,
                                        http_account(response, HTTP_OWN), &status);
    http_header(response, VARY);
    if (gzip)
        http_header(response, ENCODING);
    http_respond_frame(response, status, API_TYPE, frame);
    frame_release(frame);
}

static void serve_metrics(struct web *web, const struct http_request *request,
                          struct http_response *response)
{
    enum exposition_format format = accept_format(request->accept);
    bool gzip = accept_gzip(request->accept_encoding);
    if (format == EXPOSITION_NONE) {
        respond_text(response, 406,
                     "406 Not Acceptable: there are " EXPOSITION_TEXT_TYPE
                     ", " EXPOSITION_OPENMETRICS_TYPE ", " EXPOSITION_PROTOBUF_TYPE " and " API_TYPE
                     "\n");
        return;
    }
    if (format == EXPOSITION_JSON) {
        answer_json(web, API_SNAPSHOT, request, response);
        return;
    }
    struct frame *body =
        bodies_get(web->bodies, format, &gzip, http_account(response, HTTP_SHARED));
    if (!body) {
        respond_text(response, 503,
                     "503 Service Unavailable: nothing is collected yet, or there "
                     "is no memory\n");
        return;
    }
    http_header(response, VARY);
    if (gzip)
        http_header(response, ENCODING);
    http_respond_frame(response, 200, exposition_type(format), body);
}

static void serve_stream(struct web *web, const struct http_request *request,
                         struct http_response *response)
{
    streams_serve(web->streams, request, response);
}

static void serve_api(struct web *web, const struct http_request *request,
                      struct http_response *response)
{
    answer_json(web, request->path, request, response);
}

/* For load balancers by its status: what is unknown fails nobody, or hosts that lack a source would
 * be taken away.  Whoever reads what it says can have it as a document. */
static void serve_health(struct web *web, const struct http_request *request,
                         struct http_response *response)
{
    struct health_report report;
    struct buffer body = {0};
    bool document = strcmp(request->path, API_HEALTH) == 0;
    health_report(web->health, &report);
    health_json(&report, &body);
    bool failed = !document && health_overall(&report) == HEALTH_UNHEALTHY;
    struct frame *frame = frame_take(&body, http_account(response, HTTP_OWN));
    http_respond_frame(response, failed ? 503 : 200, API_TYPE, frame);
    frame_release(frame);
}

static void serve_healthy(struct web *web, const struct http_request *request,
                          struct http_response *response)
{
    (void)web, (void)request;
    respond_text(response, 200, "engramd is healthy.\n");
}

static void serve_ready(struct web *web, const struct http_request *request,
                        struct http_response *response)
{
    bool ready = snapshot_begin(web->store) != NULL;
    snapshot_end();
    (void)request;
    respond_text(response, ready ? 200 : 503,
                 ready ? "engramd is ready.\n" : "engramd has collected nothing yet.\n");
}

static void serve_landing(struct web *web, const struct http_request *request,
                          struct http_response *response)
{
    static const char page[] =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>engramd</title>"
        "</head>\n<body><h1>engramd</h1>\n<p>Metrics of Engram's processes on this host.</p>\n"
        "<ul>\n<li><a href=\"/metrics\">/metrics</a>: for Prometheus, as text, OpenMetrics or "
        "protobuf</li>\n"
        "<li><a href=\"/stream\">/stream</a>: Server-Sent Events, as they happen</li>\n"
        "<li><a href=\"/api/v1/snapshot\">/api/v1/snapshot</a>: the last second, ten seconds, "
        "minute and five minutes, as JSON</li>\n"
        "<li><a href=\"/api/v1/query?match=engram_process_up\">/api/v1/query</a>: the recent past "
        "of series, point by point</li>\n"
        "<li><a href=\"/api/v1/processes\">/api/v1/processes</a>: who writes them</li>\n"
        "<li><a href=\"/api/v1/topology\">/api/v1/topology</a>: sockets, memory nodes, caches, "
        "cores</li>\n"
        "<li><a href=\"/api/v1/alerts\">/api/v1/alerts</a>: an empty list, "
        "as this version has no alerts</li>\n"
        "<li><a href=\"/health\">/health</a>: what is wrong with the machine and the engine, "
        "and what is not known</li>\n"
        "<li><a href=\"/-/healthy\">/-/healthy</a>: the daemon answers</li>\n"
        "<li><a href=\"/-/ready\">/-/ready</a>: it has values to serve</li>\n"
        "</ul>\n<p>Version " ENGRAM_VERSION ", revision " ENGRAM_REVISION "; see engramd(8).</p>\n"
        "</body></html>\n";
    (void)web, (void)request;
    http_header(response, "Content-Security-Policy: default-src 'none'");
    http_respond(response, 200, "text/html; charset=utf-8", page, sizeof page - 1);
}

static const struct {
    const char *path;
    route_handler *handle;
} routes[] = {
    {"/metrics", serve_metrics}, {"/metrics/prometheus", serve_metrics},
    {"/stream", serve_stream},   {"/health", serve_health},
    {API_HEALTH, serve_health},  {"/-/healthy", serve_healthy},
    {"/-/ready", serve_ready},   {"/", serve_landing},
};

void web_handle(const struct http_request *request, struct http_response *response, void *argument)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(request->path, routes[i].path) == 0) {
            routes[i].handle(argument, request, response);
            return;
        }
    if (strncmp(request->path, API_ROOT, sizeof API_ROOT - 1) == 0) {
        serve_api(argument, request, response);
        return;
    }
    respond_text(response, 404, "404 Not Found: / lists what there is\n");
}

void web_observe(int status, void *argument)
{
    struct web *web = argument;
    self_requested(web->self, status);
}
