/* SPDX-License-Identifier: MIT */
#include "daemon/api/api.h"

#include <string.h>

static const struct {
    const char *path;
    api_document *document;
    unsigned parameters;
} documents[] = {
    {API_ROOT "v1/alerts", api_alerts, 0},
    {API_ROOT "v1/processes", api_processes, PARAMETER_PROCESS},
    {API_ROOT "v1/query", api_query,
     PARAMETER_MATCH | PARAMETER_PROCESS | PARAMETER_RANGE | PARAMETER_STEP},
    {API_SNAPSHOT, api_snapshot, PARAMETER_MATCH | PARAMETER_PROCESS},
    {API_ROOT "v1/topology", api_topology, 0},
};

int api_fail(struct buffer *body, int status, const char *reason)
{
    struct json json = {body, false};
    buffer_reset(body);
    json_object(&json);
    json_key(&json, "error");
    json_object(&json);
    json_key(&json, "status");
    json_i64(&json, status);
    json_member_string(&json, "reason", reason);
    json_object_end(&json);
    json_object_end(&json);
    buffer_append_char(body, '\n');
    return status;
}

static int write_document(const struct api *api, api_document *document,
                          const struct parameters *parameters, struct buffer *body)
{
    struct json json = {body, false};
    const char *error = NULL;
    json_object(&json);
    int status = document(api, parameters, &json, &error);
    json_object_end(&json);
    buffer_append_char(body, '\n');
    if (status)
        return api_fail(body, status, error);
    return body->failed ? api_fail(body, 503, "there is no memory for the answer") : 200;
}

int api_answer(const struct api *api, const char *path, const char *query, struct buffer *body)
{
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        struct parameters parameters;
        if (strcmp(path, documents[i].path) != 0)
            continue;
        const char *wrong = parameters_read(&parameters, query, documents[i].parameters);
        int status = wrong ? api_fail(body, 400, wrong)
                           : write_document(api, documents[i].document, &parameters, body);
        parameters_free(&parameters);
        return status;
    }
    return api_fail(body, 404, "there is no such document; engramd-api(7) lists them");
}

/* A time of CLOCK_MONOTONIC, ms, as the wall clock has it. */
static uint64_t wall(const struct history *history, uint64_t time)
{
    return history->wall - (history->to - time);
}

void api_add_history(const struct history *history, struct json *json)
{
    uint64_t fine = history->fine.count ? ring_at(&history->fine, 0)->from : history->to;
    json_key(json, "history");
    json_object(json);
    json_member_u64(json, "oldest_ms", wall(history, history_oldest(history)));
    json_member_u64(json, "oldest_fine_ms", wall(history, fine));
    json_member_u64(json, "series", history->tracking.count);
    json_member_u64(json, "series_left_out", history->tracking.left_out);
    json_member_u64(json, "bytes", history_bytes(history));
    json_member_u64(json, "limit_bytes", history->budget);
    json_object_end(json);
}

int api_topology(const struct api *api, const struct parameters *parameters, struct json *json,
                 const char **error)
{
    (void)parameters, (void)error;
    topology_describe(api->topology, api->live, json);
    return 0;
}
