/* SPDX-License-Identifier: MIT */
/* Messages of a stream for people, a line each, or as JSON. */
#ifndef ENGRAMCTL_SHOW_H
#define ENGRAMCTL_SHOW_H

#include <stdbool.h>

#include "sse.h"

/* Prints a message of engramd's stream, at once; one that is of none is passed over in silence. */
void show_message(const struct sse_message *message, bool json);

#endif
