/* SPDX-License-Identifier: MIT */
/* Any query of any document: it is answered, by one line of JSON and nothing beyond its limits. */
#include "daemon/api/api.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char label_a[] = "operation=\"a\",process=\"demo\"", label_b[] = "process=\"de\\\"mo\"";
static char name_c[] = "c_total", name_g[] = "g";
static struct series counters[] = {{.labels = label_a, .at = 0, .rows = ROWS_HOST},
                                   {.labels = label_b, .at = 1, .rows = ROWS_HOST}};
static struct series gauges[] = {{.labels = label_a, .at = 2, .rows = ROWS_HOST}};
static struct family families[] = {
    {.name = name_c, .type = SERIES_COUNTER, .series = counters, .count = 2},
    {.name = name_g, .type = SERIES_GAUGE, .series = gauges, .count = 1},
};
static struct series_set set = {.families = families, .count = 2, .words = 3, .version = 1};
static struct history history;
static struct self *self;
static struct alerting *alerting; /* nobody has looked yet */

/* Half a minute in which a little happens. */
static void live(void)
{
    union word host[3] = {{.count = 0}};
    history_start(&history, 1 << 20);
    for (uint64_t second = 1; second < 30; second++) {
        const struct snapshot snapshot = {
            .set = &set, .time = second * UINT64_C(1000000000), .host = host};
        host[second % 2].count += second;
        host[2].number = (double)second / 3;
        history_take(&history, &snapshot, second * 1000);
    }
    self = self_new(1, "", "");
    alerting = alerting_new(figures_new(), NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const documents[] = {"alerts", "query", "snapshot", "nothing"};
    char path[64] = API_ROOT "v1/", *query = malloc(size + 1);
    struct buffer body = {0};
    if (!self)
        live();
    if (!query || size == 0)
        goto done;
    strcat(path, documents[data[0] % 4]);
    memcpy(query, data + 1, size - 1);
    query[size - 1] = 0;
    struct api api = {.self = self, .history = &history, .alerting = alerting};
    int status = api_answer(&api, path, query, &body);
    bool known = status == 200 || status == 400 || status == 404 || status == 503;
    if (!known || body.length < 3 ||
        memchr(body.data, '\n', body.length) != body.data + body.length - 1)
        abort();
done:
    buffer_free(&body);
    free(query);
    return 0;
}
