/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as Prometheus reads it.  All formats say the same of the same samples;
 * protobuf tells all buckets of a histogram that is exponential beside those that it
 * is asked to show, and every number but those in buckets as a double.
 */
#ifndef ENGRAMD_EXPOSITION_H
#define ENGRAMD_EXPOSITION_H

#include <stdbool.h>

#include "daemon/base/buffer.h"
#include "daemon/http/accept.h"
#include "daemon/snapshot/series.h"

#define EXPOSITION_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define EXPOSITION_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define EXPOSITION_PROTOBUF_TYPE                                                                   \
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

/* One of these. */
const char *exposition_type(enum exposition_format format);

/* Appends the whole exposition.  False when memory ran out: then `out` is empty. */
bool exposition_render(struct buffer *out, const struct snapshot *snapshot,
                       enum exposition_format format);

#endif
