/* SPDX-License-Identifier: MIT */
#include "daemon/quota.h"

#include <stdlib.h>

#define USERS_MOST 256u
#define EVERYBODY_ELSE ((uid_t)-1) /* no user has this number */
#define MINUTE_NS UINT64_C(60000000000)

static struct quota_user *find(const struct quota *quota, uid_t owner)
{
    for (struct quota_user *user = quota->users; user; user = user->next)
        if (user->owner == owner)
            return user;
    return NULL;
}

struct quota_user *quota_find(const struct quota *quota, uid_t owner)
{
    struct quota_user *user = find(quota, owner);
    return user ? user : find(quota, EVERYBODY_ELSE);
}

struct quota_user *quota_user(struct quota *quota, uid_t owner)
{
    struct quota_user *user = find(quota, owner);
    if (!user && quota->count >= USERS_MOST) {
        owner = EVERYBODY_ELSE;
        user = find(quota, owner);
    }
    if (user || !(user = calloc(1, sizeof *user)))
        return user;
    user->owner = owner;
    user->next = quota->users;
    quota->users = user;
    quota->count++;
    return user;
}

void quota_sweep(struct quota *quota)
{
    for (struct quota_user **at = &quota->users, *user; (user = *at);) {
        user->unknown = 0;
        user->spent = 0;
        if (user->files) {
            at = &user->next;
            continue;
        }
        *at = user->next;
        free(user);
        quota->count--;
    }
}

void quota_free(struct quota *quota)
{
    for (struct quota_user *user; (user = quota->users);) {
        quota->users = user->next;
        free(user);
    }
}

uint64_t quota_room(const struct quota *quota, const struct quota_user *user)
{
    uint64_t own = user->memory < QUOTA_MEMORY ? QUOTA_MEMORY - user->memory : 0;
    uint64_t all = quota->memory < QUOTA_MEMORY_ALL ? QUOTA_MEMORY_ALL - quota->memory : 0;
    return own < all ? own : all;
}

void quota_charge(struct quota *quota, struct quota_user *user, int64_t bytes)
{
    user->memory += (uint64_t)bytes;
    quota->memory += (uint64_t)bytes;
}

bool quota_may_tell(struct quota_user *user, uint64_t now)
{
    if (now - user->lines_since >= MINUTE_NS) {
        user->lines_since = now;
        user->lines = 0;
    }
    return user->lines++ < QUOTA_LINES;
}
