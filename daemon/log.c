/* SPDX-License-Identifier: MIT */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1024

struct line {
    char text[LINE_SIZE];
    size_t length;
};

static void add(struct line *line, char c)
{
    if (line->length < LINE_SIZE - 1) /* room for the newline */
        line->text[line->length++] = c;
}

static void add_text(struct line *line, const char *text)
{
    while (*text)
        add(line, *text++);
}

static void add_value(struct line *line, const char *value)
{
    bool quoted = *value == 0 || strpbrk(value, " \"=\\\t\n\r");
    if (quoted)
        add(line, '"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            add(line, '\\');
        if (*value == '\n')
            add_text(line, "\\n");
        else
            add(line, (unsigned char)*value < ' ' ? '?' : *value);
    }
    if (quoted)
        add(line, '"');
}

static void add_head(struct line *line, enum log_level level)
{
    char head[64] = "";
    const char *name = level == LOG_LEVEL_ERROR     ? "error"
                       : level == LOG_LEVEL_WARNING ? "warning"
                                                    : "info";
    struct timespec now;
    struct tm utc;
    if (getenv("JOURNAL_STREAM")) {
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
        add(line, ' ');
        for (size_t i = 0; i <= key; i++)
            add(line, fields[i]);
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
