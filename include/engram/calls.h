/* SPDX-License-Identifier: MIT */
/* The calls of api.h: what they do, or with -DENGRAM_METRICS=0 nothing at all. */
#ifndef ENGRAM_CALLS_H
#define ENGRAM_CALLS_H

#ifndef ENGRAM_METRICS
#define ENGRAM_METRICS 1
#endif

#if ENGRAM_METRICS
#include <engram/record.h>
#else
#include <engram/off.h>
#endif

#endif
