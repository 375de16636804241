/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/boxes.h"
#include "daemon/base/log.h"
#include "daemon/pmu/sysfs.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define EVENTS 2

/* What each kind of boxes counts; where the kernel has no name for it, its terms, from the makers'
 * manuals as perf's tables have them.  A command to memory moves 64 bytes, and so do nine data
 * flits of a link. */
static const struct kind {
    const char *device;
    struct {
        const char *name;   /* ours */
        const char *kernel; /* NULL: none */
        const char *terms;  /* NULL: none are known */
        double scale;       /* with the terms, or where the kernel has none: bytes */
    } events[EVENTS];
} kinds[] = {
    {"uncore_imc",
     {{"memory_read_bytes", "cas_count_read", NULL, 64},
      {"memory_write_bytes", "cas_count_write", NULL, 64}}},
    {"amd_umc",
     {{"memory_read_bytes", "umc_cas_cmd.rd", "event=0x0a,rdwrmask=0x1", 64},
      {"memory_write_bytes", "umc_cas_cmd.wr", "event=0x0a,rdwrmask=0x2", 64}}},
    {"uncore_upi",
     {{"cross_socket_received_bytes", NULL, "event=0x03,umask=0x0f", 64 / 9.0},
      {"cross_socket_sent_bytes", NULL, "event=0x02,umask=0x0f", 64 / 9.0}}},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

static bool find_event(const char *sysroot, const char *name, const struct sysfs_device *device,
                       const struct kind *kind, int which, struct pmu_event *event,
                       struct sysfs_wrong *wrong)
{
    const char *kernel = kind->events[which].kernel, *terms = kind->events[which].terms;
    *event = (struct pmu_event){.name = kind->events[which].name, .source = "pmu"};
    wrong->text[0] = 0;
    bool found = (kernel && sysfs_event_read(sysroot, name, device, kernel, event, wrong)) ||
                 (!wrong->text[0] && terms && sysfs_encode(device, terms, event, wrong));
    if (found && event->scale <= 0)
        event->scale = kind->events[which].scale;
    return found;
}

static bool find_box(const char *sysroot, const char *name, const struct kind *kind,
                     struct pmu_group *group, struct sysfs_wrong *wrong)
{
    struct sysfs_device device;
    *group = (struct pmu_group){.boxed = true};
    if (!sysfs_device_read(sysroot, name, &device, wrong))
        return false;
    group->cpu_count = device.cpu_count;
    memcpy(group->cpus, device.cpus, sizeof group->cpus);
    for (int i = 0; i < EVENTS; i++)
        if (!find_event(sysroot, name, &device, kind, i, &group->events[i], wrong))
            return false;
    if (group->cpu_count == 0)
        snprintf(wrong->text, sizeof wrong->text, "it has no cpumask");
    return group->cpu_count > 0;
}

/* "uncore_imc_0", and not "uncore_imc_free_running_0", which counts the same once more. */
static bool is_of_kind(const char *name, const struct kind *kind)
{
    size_t length = strlen(kind->device);
    if (strncmp(name, kind->device, length) != 0)
        return false;
    name += length;
    return *name == 0 || (*name == '_' && name[1] && name[1 + strspn(name + 1, "0123456789")] == 0);
}

/* How many; 0 when one of them is not understood, since the others are not the whole. */
static uint32_t find_kind(const char *sysroot, const struct kind *kind, struct pmu_group *groups,
                          uint32_t room)
{
    char path[512];
    uint32_t count = 0;
    bool good = true;
    const struct dirent *entry;
    snprintf(path, sizeof path, "%s" SYSFS_DEVICES, strcmp(sysroot, "/") == 0 ? "" : sysroot);
    DIR *folder = opendir(path);
    while (folder && good && (entry = readdir(folder))) {
        struct sysfs_wrong wrong = {"there are more boxes than are expected"};
        if (!is_of_kind(entry->d_name, kind))
            continue;
        good = count < room && find_box(sysroot, entry->d_name, kind, &groups[count], &wrong);
        count++;
        if (!good && wrong.text[0])
            log_event(LOG_LEVEL_WARNING, "what a device counts is not understood; it is left out",
                      "device=%s error=%s", entry->d_name, wrong.text);
    }
    if (folder)
        closedir(folder);
    return good ? count : 0;
}

/* So that there is a reason where no box counts them. */
static void look_for(const char *name, const char *other, struct pmu_group *group)
{
    *group = (struct pmu_group){
        .events = {{.name = name, .source = "pmu"}, {.name = other, .source = "pmu"}},
        .boxed = true};
}

uint32_t boxes_find(const char *sysroot, struct pmu_group groups[BOXES_GROUPS])
{
    uint32_t count = 0, boxes;
    look_for("memory_read_bytes", "memory_write_bytes", &groups[count++]);
    look_for("cross_socket_received_bytes", "cross_socket_sent_bytes", &groups[count++]);
    boxes = count;
    for (size_t i = 0; i < KINDS; i++)
        count += find_kind(sysroot, &kinds[i], &groups[count], BOXES_MOST - (count - boxes));
    return count;
}
