/* SPDX-License-Identifier: MIT */
/*
 * hardware_errors: what memory controllers have corrected, and what they could
 * not (EDAC), since the start and within the last hour.
 */
#ifndef ENGRAMD_ERRORS_CHECK_H
#define ENGRAMD_ERRORS_CHECK_H

#include "daemon/health/finding.h"

struct errors_check;

/* Reads below `sysroot`; NULL when there is no memory. */
struct errors_check *errors_check_new(const char *sysroot);
void errors_check_free(struct errors_check *check);

/* A health_check; its argument is an errors_check. */
struct finding errors_check_look(void *check);

#endif
