/* SPDX-License-Identifier: MIT */
#include "daemon/http/accept.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t length;
};

/* One element of a list header: its value, what its parameters are, and its weight in thousandths.
 */
struct range {
    struct span value;
    struct span version, proto, encoding;
    int weight;
};

static struct span trim(struct span span)
{
    while (span.length && (*span.at == ' ' || *span.at == '\t'))
        span.at++, span.length--;
    while (span.length && (span.at[span.length - 1] == ' ' || span.at[span.length - 1] == '\t'))
        span.length--;
    return span;
}

static bool is(struct span span, const char *word)
{
    return span.length == strlen(word) && strncasecmp(span.at, word, span.length) == 0;
}

/* Cuts off what stands before the separator; quoted separators do not count. */
static struct span cut(struct span *rest, char separator)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->length && (quoted || rest->at[i] != separator); i++)
        if (rest->at[i] == '"')
            quoted = !quoted;
    struct span head = {rest->at, i};
    size_t skip = i < rest->length ? i + 1 : i;
    rest->at += skip;
    rest->length -= skip;
    return trim(head);
}

/* "0.5" as 500; what is no weight counts as none, that is 1. */
static int weight_of(struct span text)
{
    if (text.length == 0 || (text.at[0] != '0' && text.at[0] != '1'))
        return 1000;
    int weight = (text.at[0] - '0') * 1000, unit = 100;
    for (size_t i = 2; i < text.length && i < 5 && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
        weight += (text.at[i] - '0') * unit;
        unit /= 10;
    }
    return weight > 1000 ? 1000 : weight;
}

static struct span unquote(struct span span)
{
    if (span.length >= 2 && span.at[0] == '"' && span.at[span.length - 1] == '"')
        return (struct span){span.at + 1, span.length - 2};
    return span;
}

static struct range parse_range(struct span element)
{
    struct range range = {.weight = 1000};
    range.value = cut(&element, ';');
    while (element.length) {
        struct span parameter = cut(&element, ';');
        struct span name = cut(&parameter, '=');
        if (is(name, "q"))
            range.weight = weight_of(trim(parameter));
        else if (is(name, "version"))
            range.version = unquote(trim(parameter));
        else if (is(name, "proto"))
            range.proto = unquote(trim(parameter));
        else if (is(name, "encoding"))
            range.encoding = unquote(trim(parameter));
    }
    return range;
}

/* How precisely a range names a format: 0 not at all, 1 anything, 2 any of its type, 3 by name. */
static int match(const struct range *range, const char *type, const char *any, const char *first,
                 const char *second)
{
    if (is(range->value, "*/*"))
        return 1;
    if (is(range->value, any))
        return 2;
    if (!is(range->value, type))
        return 0;
    return range->version.length == 0 || is(range->version, first) || is(range->version, second)
               ? 3
               : 0;
}

struct choice {
    int precision;
    int weight;
};

/* The most precise range decides; of equally precise ones the heaviest. */
static void consider(struct choice *choice, int precision, int weight)
{
    if (precision == 0 || precision < choice->precision ||
        (precision == choice->precision && weight < choice->weight))
        return;
    *choice = (struct choice){precision, weight};
}

/* Only by its name: whoever takes anything wants to read it.  A parameter that is there is this. */
static bool is_protobuf(const struct range *range)
{
    return is(range->value, "application/vnd.google.protobuf") &&
           (!range->proto.length || is(range->proto, "io.prometheus.client.MetricFamily")) &&
           (!range->encoding.length || is(range->encoding, "delimited"));
}

/* What a header says of each format. */
struct wishes {
    struct choice text, openmetrics, protobuf, json;
};

static struct wishes wishes_of(struct span rest)
{
    struct wishes wishes = {0};
    while (rest.length) {
        struct range range = parse_range(cut(&rest, ','));
        consider(&wishes.text, match(&range, "text/plain", "text/*", "0.0.4", "0.0.4"),
                 range.weight);
        consider(&wishes.openmetrics,
                 match(&range, "application/openmetrics-text", "application/*", "1.0.0", "0.0.1"),
                 range.weight);
        consider(&wishes.protobuf, is_protobuf(&range) ? 3 : 0, range.weight);
        consider(&wishes.json, is(range.value, "application/json") ? 3 : 0, range.weight);
    }
    return wishes;
}

enum exposition_format accept_format(const char *accept)
{
    struct span header = {accept, accept ? strlen(accept) : 0};
    if (trim(header).length == 0)
        return EXPOSITION_TEXT;
    struct wishes wishes = wishes_of(header);
    int text = wishes.text.weight, openmetrics = wishes.openmetrics.weight;
    int protobuf = wishes.protobuf.weight, json = wishes.json.weight;
    bool named = wishes.openmetrics.precision == 3 && openmetrics > 0;
    if (protobuf && protobuf >= text && protobuf >= openmetrics && protobuf >= json)
        return EXPOSITION_PROTOBUF;
    if (json && json >= text && !(named && openmetrics >= json))
        return EXPOSITION_JSON;
    if (openmetrics > text || (named && openmetrics == text))
        return EXPOSITION_OPENMETRICS;
    return text ? EXPOSITION_TEXT : EXPOSITION_NONE;
}

bool accept_gzip(const char *accept_encoding)
{
    struct span rest = {accept_encoding, accept_encoding ? strlen(accept_encoding) : 0};
    struct choice gzip = {0, 0};
    while (rest.length) {
        struct range range = parse_range(cut(&rest, ','));
        consider(&gzip, is(range.value, "gzip") ? 2 : is(range.value, "*") ? 1 : 0, range.weight);
    }
    return gzip.weight > 0;
}
