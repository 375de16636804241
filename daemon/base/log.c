/* SPDX-License-Identifier: MIT */
#include "daemon/base/log.h"
#include "shmlib/text.h"

#include <engram/valid.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1024
#define MINUTE_NS UINT64_C(60000000000)

struct line {
    char text[LINE_SIZE];
    size_t length;
    bool full; /* nothing is added any more, so that what is there stays well formed */
};

/* Adds all of a text or, past the end of the line, none of it. */
static void add_text(struct line *line, const char *text)
{
    size_t length = strlen(text);
    line->full |= line->length + length > LINE_SIZE - 2; /* room for a quote and the newline */
    if (line->full)
        return;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void add_byte(struct line *line, unsigned char c)
{
    char escape[8];
    snprintf(escape, sizeof escape, "\\x%02x", c);
    add_text(line, escape);
}

/* Adds the next character of a text; its length.  Bytes that are no UTF-8 are escaped, or the
 * journal would show the whole line as a blob, and so is what would command a terminal. */
static size_t add_character(struct line *line, const char *at)
{
    char escape[8];
    size_t length = engram_utf8_sequence((const uint8_t *)at, strlen(at));
    uint32_t code = length ? text_code_point(at, length) : 0;
    if (length <= 1 && text_commands(code)) {
        if (*at == '\n')
            add_text(line, "\\n");
        else
            add_byte(line, (unsigned char)*at);
        return 1;
    }
    if (text_commands(code)) {
        snprintf(escape, sizeof escape, "\\u%04x", code);
        add_text(line, escape);
        return length;
    }
    snprintf(escape, sizeof escape, "%s%.*s", *at == '"' || *at == '\\' ? "\\" : "", (int)length,
             at);
    add_text(line, escape);
    return length;
}

static void add_value(struct line *line, const char *value)
{
    bool quoted = *value == 0 || strpbrk(value, " \"=\\\t\n\r");
    if (quoted)
        add_text(line, "\"");
    bool opened = quoted && !line->full;
    while (*value && !line->full)
        value += add_character(line, value);
    if (opened)
        line->text[line->length++] = '"'; /* has room even when the line is full */
}

/* Whether stderr is the journal: the variable alone is inherited by every shell of a desktop. */
static bool in_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char own[64];
    if (!stream || fstat(STDERR_FILENO, &status) != 0)
        return false;
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, own) == 0;
}

static void add_head(struct line *line, enum log_level level)
{
    char head[64] = "";
    const char *name = level == LOG_LEVEL_ERROR     ? "error"
                       : level == LOG_LEVEL_WARNING ? "warning"
                                                    : "info";
    struct timespec now;
    struct tm utc;
    if (in_journal()) {
        snprintf(head, sizeof head, "<%d>level=%s", (int)level, name);
    } else {
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &utc);
        size_t used = strftime(head, sizeof head, "ts=%Y-%m-%dT%H:%M:%S", &utc);
        snprintf(head + used, sizeof head - used, ".%03ldZ level=%s", now.tv_nsec / 1000000, name);
    }
    add_text(line, head);
}

/* Formats one key=%conversion at a time, since only so is it known where a value ends. */
static void add_fields(struct line *line, const char *fields, va_list arguments)
{
    char format[64], value[LINE_SIZE];
    while (*fields) {
        size_t key = strcspn(fields, "=");
        size_t length = strcspn(fields, " ");
        if (key >= length || length - key >= sizeof format)
            return;
        snprintf(value, sizeof value, " %.*s", (int)key + 1, fields);
        if (line->length + strlen(value) + 2 > LINE_SIZE - 2)
            return; /* a key without room for a value says nothing */
        add_text(line, value);
        memcpy(format, fields + key + 1, length - key - 1);
        format[length - key - 1] = 0;
        if (strcmp(format, "%s") == 0)
            snprintf(value, sizeof value, "%s", va_arg(arguments, const char *));
        else if (strcmp(format, "%d") == 0)
            snprintf(value, sizeof value, "%d", va_arg(arguments, int));
        else if (strcmp(format, "%u") == 0)
            snprintf(value, sizeof value, "%u", va_arg(arguments, unsigned));
        else
            return; /* no other conversion is used: three are enough for a log */
        add_value(line, value);
        fields += length + (fields[length] == ' ');
    }
}

void log_event(enum log_level level, const char *message, const char *fields, ...)
{
    struct line line = {.length = 0};
    va_list arguments;
    add_head(&line, level);
    add_text(&line, " msg=");
    add_value(&line, message);
    va_start(arguments, fields);
    if (fields)
        add_fields(&line, fields, arguments);
    va_end(arguments);
    line.text[line.length++] = '\n';
    if (write(STDERR_FILENO, line.text, line.length) < 0)
        return; /* nowhere is left to say so */
}

bool log_counts(const struct log_limit *limit, uint64_t now)
{
    return limit->lines && now - limit->since < MINUTE_NS;
}

bool log_may(struct log_limit *limit, uint64_t now)
{
    if (!log_counts(limit, now))
        *limit = (struct log_limit){now, 0};
    return limit->lines++ < LOG_LINES;
}
