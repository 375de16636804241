/* SPDX-License-Identifier: MIT */
#include "json_out.h"
#include "number.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void put_text_of(struct json_object *object, const char *key, const char *value, size_t length)
{
    json_object_object_add(object, key, json_object_new_string_len(value, (int)length));
}

void put_text(struct json_object *object, const char *key, const char *value)
{
    put_text_of(object, key, value, strlen(value));
}

void put_whole(struct json_object *object, const char *key, uint64_t value)
{
    json_object_object_add(object, key, json_object_new_uint64(value));
}

void put_signed(struct json_object *object, const char *key, int64_t value)
{
    json_object_object_add(object, key, json_object_new_int64(value));
}

/* JSON has no number for what is not finite: an infinity is a string, as Prometheus' API has it. */
void put_number(struct json_object *object, const char *key, double value)
{
    char digits[NUMBER_TEXT_SIZE];
    number_text(value, digits);
    if (isinf(value))
        put_text(object, key, value > 0 ? "+Inf" : "-Inf");
    else if (!isnan(value))
        json_object_object_add(object, key, json_object_new_double_s(value, digits));
}

void put_bool(struct json_object *object, const char *key, bool value)
{
    json_object_object_add(object, key, json_object_new_boolean(value));
}

void print_json(struct json_object *object)
{
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}
