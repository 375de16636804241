/* SPDX-License-Identifier: MIT */
/* Content negotiation, RFC 9110 section 12.5: pure functions of a header's value. */
#ifndef ENGRAMD_ACCEPT_H
#define ENGRAMD_ACCEPT_H

#include <stdbool.h>

enum exposition_format {
    EXPOSITION_NONE,
    EXPOSITION_TEXT,
    EXPOSITION_OPENMETRICS,
    EXPOSITION_PROTOBUF,
    EXPOSITION_FORMATS, /* that exposition.h renders */
    EXPOSITION_JSON,    /* the windows of the API */
};

/* The best format for an Accept header, NULL or "" if there is none: text 0.0.4 unless protobuf,
 * OpenMetrics or JSON is named with at least its weight; of these the first that has the most.
 * EXPOSITION_NONE: nothing we have is acceptable. */
enum exposition_format accept_format(const char *accept);

/* Whether an Accept-Encoding header takes gzip. */
bool accept_gzip(const char *accept_encoding);

#endif
