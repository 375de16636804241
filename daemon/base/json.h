/* SPDX-License-Identifier: MIT */
/*
 * JSON, RFC 8259, written as it comes: each call appends one token and the comma
 * before it.  A document has no line end, so it can be a line of an event stream.
 *
 * What is no JSON cannot come out, as long as every begin has its end and every
 * member its key: text is checked to be UTF-8, each byte that is not becomes U+FFFD, and
 * numbers that JSON has no word for (NaN, infinities) become null.
 */
#ifndef ENGRAMD_JSON_H
#define ENGRAMD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/buffer.h"
#include "daemon/base/number.h"

struct json {
    struct buffer *out; /* borrowed; ask it whether memory ran out */
    bool more;          /* what comes next is not the first at its place */
};

static inline void json_separate(struct json *json)
{
    if (json->more)
        buffer_append_char(json->out, ',');
    json->more = true;
}

static inline void json_begin(struct json *json, char bracket)
{
    json_separate(json);
    buffer_append_char(json->out, bracket);
    json->more = false;
}

static inline void json_end(struct json *json, char bracket)
{
    buffer_append_char(json->out, bracket);
    json->more = true;
}

static inline void json_object(struct json *json)
{
    json_begin(json, '{');
}

static inline void json_object_end(struct json *json)
{
    json_end(json, '}');
}

static inline void json_array(struct json *json)
{
    json_begin(json, '[');
}

static inline void json_array_end(struct json *json)
{
    json_end(json, ']');
}

/* Text of `length` bytes in quotation marks, without a comma: for parts of a document. */
void json_append_quoted(struct buffer *out, const char *text, size_t length);

static inline void json_text(struct json *json, const char *text, size_t length)
{
    json_separate(json);
    json_append_quoted(json->out, text, length);
}

static inline void json_string(struct json *json, const char *text)
{
    json_text(json, text, strlen(text));
}

/* A member's name; its value is the next call. */
static inline void json_name(struct json *json, const char *name, size_t length)
{
    json_text(json, name, length);
    buffer_append_char(json->out, ':');
    json->more = false;
}

static inline void json_key(struct json *json, const char *name)
{
    json_name(json, name, strlen(name));
}

static inline void json_u64(struct json *json, uint64_t value)
{
    json_separate(json);
    number_append_u64(json->out, value);
}

static inline void json_i64(struct json *json, int64_t value)
{
    json_separate(json);
    number_append_i64(json->out, value);
}

/* The shortest decimal that reads back as the same double; null if it is no finite number. */
static inline void json_double(struct json *json, double value)
{
    json_separate(json);
    if (value - value == 0)
        number_append_double(json->out, value);
    else
        buffer_append_string(json->out, "null");
}

/* Members of an object. */
static inline void json_member_u64(struct json *json, const char *name, uint64_t value)
{
    json_key(json, name);
    json_u64(json, value);
}

static inline void json_member_string(struct json *json, const char *name, const char *text)
{
    json_key(json, name);
    json_string(json, text);
}

static inline void json_bool(struct json *json, bool value)
{
    json_separate(json);
    buffer_append_string(json->out, value ? "true" : "false");
}

static inline void json_null(struct json *json)
{
    json_separate(json);
    buffer_append_string(json->out, "null");
}

/* A value that is JSON already. */
static inline void json_encoded(struct json *json, const char *value, size_t length)
{
    json_separate(json);
    buffer_append(json->out, value, length);
}

#endif
