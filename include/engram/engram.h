/* SPDX-License-Identifier: MIT */
/*
 * Engram's metrics writer.  Include this one file; engram(3) is its manual.
 * Needs libc and nothing else.
 */
#ifndef ENGRAM_ENGRAM_H
#define ENGRAM_ENGRAM_H

#include <engram/calls.h>
#include <engram/engine.h>

#endif
