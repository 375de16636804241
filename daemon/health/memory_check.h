/* SPDX-License-Identifier: MIT */
/*
 * memory_pressure: how long tasks wait for memory (PSI), how much is left, and
 * whether allocations have to reclaim themselves.
 */
#ifndef ENGRAMD_MEMORY_CHECK_H
#define ENGRAMD_MEMORY_CHECK_H

#include "daemon/health/finding.h"

struct memory_check;

/* Reads below `sysroot`; NULL when there is no memory. */
struct memory_check *memory_check_new(const char *sysroot);
void memory_check_free(struct memory_check *check);

/* A health_check; its argument is a memory_check. */
struct finding memory_check_look(void *check);

#endif
