/* SPDX-License-Identifier: MIT */
/* Whether processes can record in the region directory, and the daemon read it. */
#define _GNU_SOURCE
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PARENT "/dev/shm/engram"
#define MAKE_IT "systemd-tmpfiles --create engramd.conf, or start engramd as root"
#define ROOM_LEAST (UINT64_C(1) << 20)    /* a region takes about as much to be made */
#define ROOM_PLENTY (UINT64_C(128) << 20) /* and may grow to 64 MiB */
#define INODES_PLENTY 1000u

/* Others could put another directory in its place: processes then keep away. */
static void check_parent(struct doctor *d)
{
    struct stat status;
    if (!d->standard || lstat(PARENT, &status))
        return;
    if (!S_ISDIR(status.st_mode) || status.st_uid != 0 || (status.st_mode & 022))
        find(d, LEVEL_PROBLEM, "parent", "remove it; then " MAKE_IT,
             PARENT " is not root's alone, so processes avoid what is in it");
}

static bool check_mode(struct doctor *d, const struct stat *status)
{
    mode_t mode = status->st_mode & 07777;
    const char *advice = d->standard ? "chmod 3777 " DEFAULT_DIRECTORY : "chmod 1777 the directory";
    if ((mode & S_IWOTH) && !(mode & S_ISVTX))
        find(d, LEVEL_PROBLEM, "mode", advice,
             "everybody may remove what others have in it: its mode is %04o", mode);
    else if (d->standard && !(mode & S_IWOTH))
        find(d, LEVEL_WARNING, "mode", advice,
             "not everybody may record in it: its mode is %04o, not 3777", mode);
    else if (d->standard && !(mode & S_ISGID))
        find(d, LEVEL_WARNING, "mode", advice,
             "regions do not get its group, so only a daemon of root reads them: its mode is %04o",
             mode);
    else
        return true;
    return false;
}

static void check_owner(struct doctor *d, const char *path, const struct stat *status)
{
    const struct passwd *user = getpwuid(status->st_uid);
    const struct group *group = getgrgid(status->st_gid);
    if (check_mode(d, status))
        find(d, LEVEL_OK, "directory", NULL, "%s is there, of %s:%s, mode %04o", path,
             user ? user->pw_name : "?", group ? group->gr_name : "?", status->st_mode & 07777);
}

static void check_tmpfs(struct doctor *d, int fd)
{
    struct statfs system;
    if (fstatfs(fd, &system))
        return;
    if (system.f_type == TMPFS_MAGIC)
        find(d, LEVEL_OK, "tmpfs", NULL, "it is on a tmpfs");
    else
        find(d, LEVEL_PROBLEM, "tmpfs",
             "mount a tmpfs there, or name a directory below /dev/shm by ENGRAM_DIR and "
             "--region-dir",
             "it is not on a tmpfs, so processes refuse to record there");
}

static void check_room(struct doctor *d, int fd)
{
    struct statvfs system;
    if (fstatvfs(fd, &system))
        return;
    uint64_t room = (uint64_t)system.f_bavail * system.f_frsize;
    const char *advice = "remove what nobody needs, or mount -o remount,size=... it larger";
    if (system.f_blocks == 0)
        find(d, LEVEL_OK, "room", NULL, "it has no limit but the memory");
    else
        find(d,
             room < ROOM_LEAST    ? LEVEL_PROBLEM
             : room < ROOM_PLENTY ? LEVEL_WARNING
                                  : LEVEL_OK,
             "room", room < ROOM_PLENTY ? advice : NULL,
             "%ju MiB are left there; a process takes up to 64", (uintmax_t)(room >> 20));
    if (system.f_files && system.f_favail < INODES_PLENTY)
        find(d, system.f_favail ? LEVEL_WARNING : LEVEL_PROBLEM, "inodes",
             "remove files that nobody needs, or mount -o remount,nr_inodes=... more",
             "%ju more files can be made there", (uintmax_t)system.f_favail);
    else
        find(d, LEVEL_OK, "inodes", NULL, "it has inodes left");
}

/* As a process does it: an anonymous file, locked. */
static void check_recording(struct doctor *d, const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        find(d, LEVEL_WARNING, "recording", "use a group that may write there, or chmod it",
             "this user may not record there");
    else if (fd < 0)
        find(d, LEVEL_PROBLEM, "recording", "see what is said above; is its file system full?",
             "no region can be made there: %s", strerror(errno));
    else if (fcntl(fd, F_OFD_SETLK, &lock))
        find(d, LEVEL_PROBLEM, "recording", "use a tmpfs and a kernel that is not older than 5.14",
             "a region cannot be locked there: %s", strerror(errno));
    else
        find(d, LEVEL_OK, "recording", NULL, "this user can record there");
    if (fd >= 0)
        close(fd);
}

static void check_marker(struct doctor *d, const char *path, int fd)
{
    struct stat status;
    char who[32];
    if (fstatat(fd, ENGRAM_OFF_NAME, &status, AT_SYMLINK_NOFOLLOW))
        return;
    snprintf(who, sizeof who, "user %ju alone", (uintmax_t)status.st_uid);
    find(d, LEVEL_WARNING, "switch", "engramctl metrics on",
         "recording is switched off for %s by %s/" ENGRAM_OFF_NAME,
         status.st_uid ? who : "all users", path);
}

void doctor_directory(struct doctor *d, const char *path)
{
    struct stat status;
    check_parent(d);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        find(d, d->standard && errno == ENOENT ? LEVEL_WARNING : LEVEL_PROBLEM, "directory",
             d->standard ? MAKE_IT : "make it, or name another with --region-dir",
             "the region directory %s cannot be read: %s%s", path, strerror(errno),
             d->standard ? "; processes fall back to /dev/shm/engram.*" : "");
        return;
    }
    if (fstat(fd, &status) == 0)
        check_owner(d, path, &status);
    check_tmpfs(d, fd);
    check_room(d, fd);
    check_recording(d, path);
    check_marker(d, path, fd);
    close(fd);
}
