/* SPDX-License-Identifier: MIT */
/*
 * hnsw_integrity: what engines say of their own graphs, through the families
 * engram_hnsw_*; the worst process counts.
 */
#ifndef ENGRAMD_HNSW_CHECK_H
#define ENGRAMD_HNSW_CHECK_H

#include "daemon/health/finding.h"
#include "daemon/snapshot/snapshot.h"

/* A health_check; its argument is a snapshot_store. */
struct finding hnsw_check_look(void *store);

#endif
