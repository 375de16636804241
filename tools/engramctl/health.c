/* SPDX-License-Identifier: MIT */
/* engramctl health: what each check has found. */
#include "fetch.h"
#include "json_out.h"
#include "terminal.h"

#include <string.h>

#define PATH "/api/v1/health"

static void print_number(struct json_object *check, const char *key)
{
    struct json_object *value = member(check, key);
    if (json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int))
        printf(" %9.4g", json_object_get_double(value));
    else
        printf(" %9s", "-");
}

static void print_check(struct json_object *check)
{
    printf("%-18s %-9s", member_text(check, "component", "?"), member_text(check, "status", "?"));
    print_number(check, "value");
    print_number(check, "threshold");
    printf(" %-16s %s\n", member_text(check, "unit", ""),
           visible(member_text(check, "reason", "")));
}

static void print_health(struct json_object *all)
{
    printf("%-18s %-9s %9s %9s %-16s %s\n", "COMPONENT", "STATUS", "VALUE", "LIMIT", "UNIT",
           "REASON");
    for (size_t i = 0; i < member_count(all, "checks"); i++)
        print_check(member_at(all, "checks", i));
    printf("%s\n", member_text(all, "status", "?"));
}

/* What is unknown is said, and is nobody's fault. */
static bool is_wrong(struct json_object *all)
{
    const char *status = member_text(all, "status", "");
    return strcmp(status, "healthy") != 0 && strcmp(status, "unknown") != 0;
}

int command_health(const struct options *options)
{
    struct json_object *all = fetch(options, PATH);
    if (!all)
        return EXIT_WRONG;
    bool wrong = is_wrong(all);
    if (options->json) {
        print_json(all);
    } else {
        print_health(all);
        json_object_put(all);
    }
    return wrong ? EXIT_WRONG : EXIT_FINE;
}
