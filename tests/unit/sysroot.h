/* SPDX-License-Identifier: MIT */
/* A /proc and a /sys of a test's own. */
#ifndef TESTS_UNIT_SYSROOT_H
#define TESTS_UNIT_SYSROOT_H

extern char sysroot[64];

void sysroot_start(void); /* empty */
void sysroot_stop(void);

/* Writes a file below the root, in place of what it held, and makes its folders. */
__attribute__((format(printf, 2, 3))) void sysroot_put(const char *path, const char *text, ...);
void sysroot_remove(const char *path);

#endif
