/* SPDX-License-Identifier: MIT */
/* JSON for --json, over json-c: a value that is not known is left out. */
#ifndef ENGRAMCTL_JSON_OUT_H
#define ENGRAMCTL_JSON_OUT_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void put_text(struct json_object *object, const char *key, const char *value);
void put_text_of(struct json_object *object, const char *key, const char *value, size_t length);
void put_whole(struct json_object *object, const char *key, uint64_t value);
void put_signed(struct json_object *object, const char *key, int64_t value);
void put_number(struct json_object *object, const char *key, double value); /* not NaN */
void put_bool(struct json_object *object, const char *key, bool value);

/* Prints one document as one line, and frees it. */
void print_json(struct json_object *object);

#endif
