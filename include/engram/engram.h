/* SPDX-License-Identifier: MIT */
/*
 * Engram's metrics writer.  Include this one file; engram(3) is its manual.
 * Needs libc and nothing else.  With -DENGRAM_METRICS=0 every call vanishes.
 */
#ifndef ENGRAM_ENGRAM_H
#define ENGRAM_ENGRAM_H

#ifndef ENGRAM_METRICS
#define ENGRAM_METRICS 1
#endif

#include <engram/api.h>
#if ENGRAM_METRICS
#include <engram/record.h>
#else
#include <engram/off.h>
#endif
#include <engram/engine.h>

#endif
