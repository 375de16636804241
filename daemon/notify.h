/* SPDX-License-Identifier: MIT */
/* The service manager's notification protocol, sd_notify(3). */
#ifndef ENGRAMD_NOTIFY_H
#define ENGRAMD_NOTIFY_H

#include <stdint.h>

/* Sends a state such as "READY=1" to $NOTIFY_SOCKET; without one, nothing. */
void notify_send(const char *state);

/* How often the watchdog wants to be petted, in ms: half of what it allows; 0 for never. */
uint32_t notify_watchdog_ms(void);

#endif
