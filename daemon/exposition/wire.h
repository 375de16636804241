/* SPDX-License-Identifier: MIT */
/* Protocol Buffers' encoding: what our exposition needs of it. */
#ifndef ENGRAMD_WIRE_H
#define ENGRAMD_WIRE_H

#include <stdint.h>

#include "daemon/base/buffer.h"

/* Fields of the types uint32, uint64 and enum; sint32 and sint64; double; string. */
void wire_unsigned(struct buffer *out, uint32_t field, uint64_t value);
void wire_signed(struct buffer *out, uint32_t field, int64_t value);
void wire_double(struct buffer *out, uint32_t field, double value);
void wire_string(struct buffer *out, uint32_t field, const char *text, size_t length);

/* One of the values of a packed field of sint64, between begin and end. */
void wire_packed_signed(struct buffer *out, int64_t value);

/* What follows until wire_end(), which takes what this returns, is a message, or packed values, in
 * that field; in field 0, a message by itself behind its length. */
size_t wire_begin(struct buffer *out, uint32_t field);
void wire_end(struct buffer *out, size_t at);

#endif
