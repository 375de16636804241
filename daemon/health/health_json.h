/* SPDX-License-Identifier: MIT */
/* A report as /health answers it; engramd-api(7) has its members. */
#ifndef ENGRAMD_HEALTH_JSON_H
#define ENGRAMD_HEALTH_JSON_H

#include "daemon/base/buffer.h"
#include "daemon/health/health.h"

/* Appends the document, whose time is the report's by the wall clock. */
void health_json(const struct health_report *report, struct buffer *out);

#endif
