/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "engramctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FLAT_DIRECTORY "/dev/shm"
#define FLAT_PREFIX "engram."

/* Only flat names of ours are looked at in /dev/shm, which belongs to everybody. */
static bool is_candidate(const char *directory, const char *name)
{
    if (name[0] == '.' || strcmp(name, ENGRAM_OFF_NAME) == 0)
        return false;
    return strcmp(directory, FLAT_DIRECTORY) != 0 ||
           strncmp(name, FLAT_PREFIX, strlen(FLAT_PREFIX)) == 0;
}

static void visit_file(int dir, const char *directory, const char *name, region_visit *visit,
                       void *argument)
{
    char path[4096];
    enum rejection rejection;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    struct reader *reader = reader_open(dir, name, &rejection);
    visit(argument, path, reader, rejection);
    if (reader)
        reader_close(reader);
}

static bool visit_directory(const char *path, region_visit *visit, void *argument)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        fprintf(stderr, "engramctl: cannot read the region directory %s: %s; %s\n", path,
                strerror(errno),
                errno == ENOENT ? "does engramd run, or is --region-dir needed?"
                                : "run as root or as a member of its group");
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (struct dirent *entry; (entry = readdir(directory));)
        if (is_candidate(path, entry->d_name))
            visit_file(fd, path, entry->d_name, visit, argument);
    closedir(directory);
    return true;
}

int regions_each(const struct options *options, region_visit *visit, void *argument)
{
    int unreadable = 0;
    for (int i = 0; options->directories[i]; i++)
        unreadable += !visit_directory(options->directories[i], visit, argument);
    return unreadable;
}
