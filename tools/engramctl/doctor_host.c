/* SPDX-License-Identifier: MIT */
/* Whether this kernel has what recording needs, and the service manager knows of the daemon. */
#define _GNU_SOURCE
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define POPULATE_WRITE 23 /* MADV_POPULATE_WRITE, which older headers lack */

/* With a wrong size it fails, but not for want of the call. */
static bool has_rseq(void)
{
    return syscall(SYS_rseq, NULL, 0, 0, 0) == 0 || (errno != ENOSYS && errno != EPERM);
}

static bool has_statx(void)
{
    struct statx status;
    return statx(AT_FDCWD, "/", 0, STATX_BTIME, &status) == 0;
}

static bool has_populate(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool has = page != MAP_FAILED && madvise(page, 4096, POPULATE_WRITE) == 0;
    if (page != MAP_FAILED)
        munmap(page, 4096);
    return has;
}

static bool has_locks(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = memfd_create("engramctl", MFD_CLOEXEC);
    bool has = fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

static const struct {
    const char *name;
    bool (*has)(void);
    enum level level; /* of its absence */
    const char *lacking, *advice;
} features[] = {
    {"rseq", has_rseq, LEVEL_WARNING, "recording takes atomic instructions, and longer",
     "allow rseq in the seccomp filter, or use a kernel of 4.18 or later"},
    {"populate", has_populate, LEVEL_PROBLEM, "no process can attach",
     "use a kernel of 5.14 or later"},
    {"statx", has_statx, LEVEL_PROBLEM, "processes do not find the region directory",
     "allow statx in the seccomp filter, or use a kernel of 4.11 or later"},
    {"locks", has_locks, LEVEL_PROBLEM, "the living cannot be told from the dead",
     "use a kernel of 3.15 or later with open file description locks"},
};

static void check_features(struct doctor *d)
{
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (features[i].has())
            find(d, LEVEL_OK, features[i].name, NULL, "the kernel has it");
        else
            find(d, features[i].level, features[i].name, features[i].advice,
                 "the kernel lacks it: %s", features[i].lacking);
    }
}

static bool is_in(const char *const *directories, const char *name)
{
    char path[256];
    for (; *directories; directories++) {
        snprintf(path, sizeof path, "%s/%s", *directories, name);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static void check_unit(struct doctor *d)
{
    static const char *const units[] = {"/etc/systemd/system",           "/run/systemd/system",
                                        "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                                        "/lib/systemd/system",           NULL};
    static const char *const enabled[] = {"/etc/systemd/system/multi-user.target.wants",
                                          "/etc/systemd/system/sockets.target.wants", NULL};
    if (access("/run/systemd/system", F_OK) != 0)
        find(d, LEVEL_OK, "unit", NULL, "systemd does not run here, so nothing is to be started");
    else if (!is_in(units, "engramd.service"))
        find(d, LEVEL_WARNING, "unit", "install engramd's package, or make install",
             "systemd has no unit engramd.service: the daemon does not come back by itself");
    else if (!is_in(enabled, "engramd.service") && !is_in(enabled, "engramd.socket"))
        find(d, LEVEL_WARNING, "unit", "systemctl enable engramd.socket engramd.service",
             "engramd.service is not started at boot");
    else
        find(d, LEVEL_OK, "unit", NULL, "engramd.service is there, and started at boot");
}

void doctor_host(struct doctor *d)
{
    check_features(d);
    check_unit(d);
}
