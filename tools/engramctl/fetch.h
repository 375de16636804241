/* SPDX-License-Identifier: MIT */
/* JSON documents of a daemon, and what is in them; json-c parses. */
#ifndef ENGRAMCTL_FETCH_H
#define ENGRAMCTL_FETCH_H

#include <json-c/json_object.h>

#include "engramctl.h"

/* The document at a path of the daemon; free with json_object_put().  NULL, and it is said on
 * stderr, when there is none. */
struct json_object *fetch(const struct options *options, const char *path);

/* Prints that document, by a function if not as JSON; the command's exit status. */
int fetch_and_print(const struct options *options, const char *path,
                    void (*print)(struct json_object *document));

/* Makes a problem that is the document of an error, {"error":{"reason":"..."}}, its reason. */
void fetch_reason(struct http_answer *answer);

/* Members; what is not there, or of another type, is NULL, 0, or the text given. */
struct json_object *member(struct json_object *object, const char *key);
const char *member_text(struct json_object *object, const char *key, const char *otherwise);
uint64_t member_whole(struct json_object *object, const char *key);

/* How many elements an array has, or a member that is one, and one of these. */
size_t elements(struct json_object *array);
size_t member_count(struct json_object *object, const char *key);
struct json_object *member_at(struct json_object *object, const char *key, size_t index);

#endif
