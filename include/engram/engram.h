/* SPDX-License-Identifier: MIT */
/*
 * Engram's metrics writer.  Include this one file; engram(3) is its manual.
 * Needs libc and nothing else.
 */
#ifndef ENGRAM_ENGRAM_H
#define ENGRAM_ENGRAM_H

/* C in a C++ program looks like C, and what clang sees marked as maybe unused may be used. */
#pragma GCC diagnostic push
#ifdef __cplusplus
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wzero-as-null-pointer-constant"
#endif
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wused-but-marked-unused"
#endif

#include <engram/calls.h>
#include <engram/engine.h>

#pragma GCC diagnostic pop

#endif
