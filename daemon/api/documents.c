/* SPDX-License-Identifier: MIT */
#include "daemon/api/documents.h"
#include "daemon/base/clock.h"
#include "daemon/base/gzip.h"

#include <stdlib.h>

#define KEPT_MOST 8
#define KEPT_BYTES ((size_t)8 << 20) /* of all; what alone is more is not kept */
/* Making documents may take a quarter of the event loop's time, and half a second at once: scrapes
 * and streams are made by the same thread, and whoever asks each time for another one is not alone.
 */
#define SHARE 4
#define AT_ONCE_NS UINT64_C(500000000)

struct document {
    char *key; /* PATH?QUERY; NULL: there is none */
    struct frame *plain, *packed;
};

struct documents {
    struct api api;
    struct document kept[KEPT_MOST];
    uint32_t next;       /* to be replaced */
    uint64_t spent, now; /* ns of making that are not made up for yet, at that time */
};

struct documents *documents_new(const struct api *api)
{
    struct documents *documents = calloc(1, sizeof *documents);
    if (documents)
        documents->api = *api;
    return documents;
}

static void drop(struct document *document)
{
    free(document->key);
    frame_release(document->plain);
    frame_release(document->packed);
    *document = (struct document){0};
}

void documents_forget(struct documents *documents)
{
    for (uint32_t i = 0; i < KEPT_MOST; i++)
        drop(&documents->kept[i]);
}

void documents_free(struct documents *documents)
{
    documents_forget(documents);
    free(documents);
}

static char *key_of(const char *path, const char *query)
{
    struct buffer key = {0};
    buffer_append_string(&key, path);
    buffer_append_char(&key, '?');
    buffer_append(&key, query, strlen(query) + 1);
    return key.data;
}

/* Whether there is time to make one more. */
static bool may_make(struct documents *documents)
{
    uint64_t now = clock_monotonic(), regained = (now - documents->now) / SHARE;
    documents->spent -= regained < documents->spent ? regained : documents->spent;
    documents->now = now;
    return documents->spent < AT_ONCE_NS;
}

static struct frame *make(struct documents *documents, const char *path, const char *query,
                          size_t *account, int *status)
{
    struct buffer body = {0};
    *status = may_make(documents) ? api_answer(&documents->api, path, query, &body) : 503;
    return frame_take(&body, account);
}

static struct document *find(struct documents *documents, const char *key)
{
    for (uint32_t i = 0; i < KEPT_MOST; i++)
        if (documents->kept[i].key && strcmp(documents->kept[i].key, key) == 0)
            return &documents->kept[i];
    return NULL;
}

static size_t kept_bytes(const struct documents *documents)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < KEPT_MOST; i++) {
        const struct document *one = &documents->kept[i];
        bytes += one->plain ? one->plain->length : 0;
        bytes += one->packed ? one->packed->length : 0;
    }
    return bytes;
}

/* Takes the key over, and the first reference of the frame. */
static struct document *keep(struct documents *documents, char *key, struct frame *plain)
{
    struct document *document;
    do {
        document = &documents->kept[documents->next];
        documents->next = (documents->next + 1) % KEPT_MOST;
        drop(document);
    } while (kept_bytes(documents) > KEPT_BYTES - plain->length);
    *document = (struct document){.key = key, .plain = plain};
    return document;
}

static struct frame *choose(struct document *document, bool *gzip, size_t *account)
{
    if (*gzip && !document->packed)
        document->packed = gzip_frame(document->plain, account);
    *gzip &= document->packed != NULL;
    return frame_hold(*gzip ? document->packed : document->plain);
}

/* What is not kept; takes the reference over. */
static struct frame *send_once(struct frame *plain, bool *gzip, size_t *account)
{
    struct frame *packed = *gzip ? gzip_frame(plain, account) : NULL;
    *gzip = packed != NULL;
    if (packed)
        frame_release(plain);
    return packed ? packed : plain;
}

static struct frame *get(struct documents *documents, const char *path, const char *query,
                         bool *gzip, size_t *account, int *status)
{
    char *key = key_of(path, query);
    struct document *document = key ? find(documents, key) : NULL;
    *status = 200;
    if (document) {
        free(key);
        return choose(document, gzip, account);
    }
    struct frame *plain = make(documents, path, query, account, status);
    if (plain && key && *status == 200 && plain->length < KEPT_BYTES)
        return choose(keep(documents, key, plain), gzip, account);
    free(key);
    if (plain)
        return send_once(plain, gzip, account);
    *gzip = false;
    return NULL;
}

struct frame *documents_get(struct documents *documents, const char *path, const char *query,
                            bool *gzip, size_t *account, int *status)
{
    uint64_t start = clock_monotonic();
    struct frame *frame = get(documents, path, query, gzip, account, status);
    documents->spent += clock_monotonic() - start;
    return frame;
}
