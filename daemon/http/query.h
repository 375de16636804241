/* SPDX-License-Identifier: MIT */
/*
 * The query of a request's target, "a=1&b=2": parameters in the order in which
 * they stand, one that is repeated each time.  A pure function of the text; takes
 * no memory.
 *
 * Percent-encoding and "+" for a blank are decoded, as forms and browsers write
 * them.  Strict otherwise: what cannot be read as it was meant is an error.
 */
#ifndef ENGRAMD_QUERY_H
#define ENGRAMD_QUERY_H

#include <stdbool.h>
#include <stddef.h>

struct query {
    const char *rest;
    const char *error; /* a literal phrase such as "a value is too long"; NULL: nothing is wrong */
};

/* `text` is http_request.query, and stays while the query is read. */
static inline struct query query_of(const char *text)
{
    return (struct query){.rest = text};
}

/*
 * The next parameter; false at the end, or when something is wrong, and then
 * `error` says what.  Name and value are terminated UTF-8 without NUL; a parameter
 * with no "=" has the value "".  Nothing between two "&" is skipped.
 */
bool query_next(struct query *query, char *name, size_t name_size, char *value, size_t value_size);

#endif
