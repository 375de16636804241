/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "sysroot.h"
#include "fixture.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char sysroot[64];

void sysroot_start(void)
{
    unit_template(sysroot);
    ck_assert_ptr_nonnull(mkdtemp(sysroot));
}

void sysroot_stop(void)
{
    remove_tree(sysroot);
}

void sysroot_put(const char *path, const char *text, ...)
{
    char full[512];
    va_list arguments;
    snprintf(full, sizeof full, "%s%s", sysroot, path);
    for (char *slash = full + strlen(sysroot); (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = 0;
        mkdir(full, 0755);
    }
    FILE *file = fopen(full, "w");
    ck_assert_ptr_nonnull(file);
    va_start(arguments, text);
    vfprintf(file, text, arguments);
    va_end(arguments);
    fclose(file);
}

void sysroot_remove(const char *path)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", sysroot, path);
    ck_assert_int_eq(remove(full), 0);
}
