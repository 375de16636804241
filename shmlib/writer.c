/* SPDX-License-Identifier: MIT */
/*
 * The calls of the writer as linkable symbols, for languages that cannot include
 * a C header.  Names and types are those of engram/api.h and engram/engine.h.
 */
/* The header declares each call right before it defines it; most without a prototype before. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#define ENGRAM_FUNCTION __attribute__((visibility("default")))
#include <engram/engram.h>
