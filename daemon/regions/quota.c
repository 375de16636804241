/* SPDX-License-Identifier: MIT */
#include "daemon/regions/quota.h"

#include <stdlib.h>
#include <sys/resource.h>

#define USERS_MOST 256u
#define EVERYBODY_ELSE ((uid_t)-1) /* no user has this number */

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

void quota_sweep(struct quota *quota, uint64_t now)
{
    for (struct quota_user **at = &quota->users, *user; (user = *at);) {
        user->unknown = 0;
        user->spent = 0;
        if (user->files || log_counts(&user->log, now)) {
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

uint32_t quota_regions_most(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= UINT32_MAX)
        return UINT32_MAX;
    rlim_t left = files.rlim_cur / 4;
    left = left > QUOTA_DESCRIPTORS_LEFT ? left : QUOTA_DESCRIPTORS_LEFT;
    return files.rlim_cur > left ? (uint32_t)(files.rlim_cur - left) : 0;
}

static uint64_t left_of(uint64_t limit, uint64_t taken)
{
    return taken < limit ? limit - taken : 0;
}

uint64_t quota_room(const struct quota *quota, const struct quota_user *user)
{
    uint64_t own = left_of(QUOTA_MEMORY, user->memory);
    uint64_t all = left_of(QUOTA_MEMORY_ALL, quota->memory);
    uint64_t least = left_of(QUOTA_MEMORY_LEAST, user->memory);
    return own < all ? own : all > least ? all : least;
}

void quota_charge(struct quota *quota, struct quota_user *user, int64_t bytes)
{
    user->memory += (uint64_t)bytes;
    quota->memory += (uint64_t)bytes;
}
