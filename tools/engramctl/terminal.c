/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "terminal.h"
#include "shmlib/text.h"

#include <engram/valid.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEQUENCE_MOST 4 /* bytes of UTF-8 */

/* Whether more bytes could make a sequence of what there is. */
static bool is_begun(const char *at, size_t left)
{
    unsigned char c = (unsigned char)*at;
    size_t whole = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || left >= whole)
        return false;
    for (size_t i = 1; i < left; i++)
        if (((unsigned char)at[i] & 0xc0) != 0x80)
            return false;
    return true;
}

size_t write_visible(FILE *to, const char *bytes, size_t length, const char *allowed)
{
    size_t at = 0;
    while (at < length) {
        size_t step = engram_utf8_sequence((const uint8_t *)bytes + at, length - at);
        uint32_t code = step ? text_code_point(bytes + at, step) : 0;
        if (!step && is_begun(bytes + at, length - at))
            break;
        if (!step)
            fprintf(to, "\\x%02x", (unsigned char)bytes[at]);
        else if (text_commands(code) && !(code && code < 0x80 && strchr(allowed, (int)code)))
            fprintf(to, "\\u%04x", code);
        else
            fwrite(bytes + at, 1, step, to);
        at += step ? step : 1;
    }
    return at;
}

const char *visible(const char *text)
{
    static char *shown;
    size_t size;
    free(shown);
    shown = NULL;
    FILE *to = open_memstream(&shown, &size);
    if (!to)
        return "?";
    size_t length = strlen(text), done = write_visible(to, text, length, "");
    for (; done < length; done++)
        fprintf(to, "\\x%02x", (unsigned char)text[done]);
    return fclose(to) == 0 ? shown : "?";
}

struct guarded {
    FILE *to;
    char begun[SEQUENCE_MOST]; /* a sequence whose end is yet to come */
    size_t length;
};

static ssize_t guard(void *cookie, const char *bytes, size_t length)
{
    struct guarded *guarded = cookie;
    size_t all = guarded->length + length;
    char *joined = malloc(all + 1);
    if (!joined)
        return 0;
    memcpy(joined, guarded->begun, guarded->length);
    memcpy(joined + guarded->length, bytes, length);
    size_t done = write_visible(guarded->to, joined, all, "\n\t");
    guarded->length = all - done;
    memcpy(guarded->begun, joined + done, guarded->length);
    free(joined);
    return fflush(guarded->to) == 0 && !ferror(guarded->to) ? (ssize_t)length : 0;
}

static void guard_stream(FILE **stream, int mode)
{
    const cookie_io_functions_t functions = {.write = guard};
    struct guarded *guarded = isatty(fileno(*stream)) ? calloc(1, sizeof *guarded) : NULL;
    FILE *made = guarded ? fopencookie(guarded, "w", functions) : NULL;
    if (!made) {
        free(guarded);
        return;
    }
    setvbuf(made, NULL, mode, BUFSIZ);
    guarded->to = *stream;
    *stream = made;
}

void terminal_guard(void)
{
    guard_stream(&stdout, _IOLBF);
    guard_stream(&stderr, _IONBF);
}
