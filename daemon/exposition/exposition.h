/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as Prometheus reads it.  Sample lines are the same bytes in both
 * formats; only the lines about the families differ.
 */
#ifndef ENGRAMD_EXPOSITION_H
#define ENGRAMD_EXPOSITION_H

#include <stdbool.h>

#include "daemon/base/buffer.h"
#include "daemon/http/accept.h"
#include "daemon/snapshot/series.h"

#define EXPOSITION_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define EXPOSITION_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Appends the whole exposition.  False when memory ran out: then `out` is empty. */
bool exposition_render(struct buffer *out, const struct snapshot *snapshot,
                       enum exposition_format format);

#endif
