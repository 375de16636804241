/* SPDX-License-Identifier: MIT */
#include "fetch.h"
#include "json_out.h"
#include "http.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MOST (256u << 20)

struct document {
    FILE *to;
    size_t length;
};

static bool take(void *argument, const char *bytes, size_t length)
{
    struct document *document = argument;
    document->length += length;
    return document->length <= DOCUMENT_MOST && fwrite(bytes, 1, length, document->to) == length;
}

void fetch_reason(struct http_answer *answer)
{
    struct json_object *all = json_tokener_parse(answer->problem);
    const char *reason = member_text(member(all, "error"), "reason", NULL);
    char kept[sizeof answer->problem];
    snprintf(kept, sizeof kept, "%s", reason ? reason : answer->problem);
    memcpy(answer->problem, kept, sizeof kept);
    json_object_put(all);
}

struct json_object *fetch(const struct options *options, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    struct document document = {open_memstream(&text, &size), 0};
    struct http_answer answer = {.problem = "no memory"};
    bool fetched = document.to && http_get(&options->daemon, path, take, &document, &answer);
    if (document.to && fclose(document.to))
        fetched = false;
    struct json_object *all = fetched ? json_tokener_parse(text) : NULL;
    if (!fetched)
        fetch_reason(&answer);
    if (!all)
        fprintf(stderr, "engramctl: no %s from engramd at %s: %s\n", path, options->daemon.address,
                fetched ? "it answers with something else than JSON" : answer.problem);
    free(text);
    return all;
}

int fetch_and_print(const struct options *options, const char *path,
                    void (*print)(struct json_object *document))
{
    struct json_object *all = fetch(options, path);
    if (!all)
        return EXIT_WRONG;
    if (options->json) {
        print_json(all);
        return EXIT_FINE;
    }
    print(all);
    json_object_put(all);
    return EXIT_FINE;
}

struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    return object && json_object_object_get_ex(object, key, &value) ? value : NULL;
}

const char *member_text(struct json_object *object, const char *key, const char *otherwise)
{
    struct json_object *value = member(object, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : otherwise;
}

uint64_t member_whole(struct json_object *object, const char *key)
{
    struct json_object *value = member(object, key);
    return value ? json_object_get_uint64(value) : 0;
}

size_t elements(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

size_t member_count(struct json_object *object, const char *key)
{
    return elements(member(object, key));
}

struct json_object *member_at(struct json_object *object, const char *key, size_t index)
{
    struct json_object *array = member(object, key);
    return index < elements(array) ? json_object_array_get_idx(array, index) : NULL;
}
