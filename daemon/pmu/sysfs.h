/* SPDX-License-Identifier: MIT */
/*
 * How the kernel describes a PMU, below /sys/bus/event_source/devices: which bits of which word a
 * term of an event sets, which events it knows by name, and on which CPUs they are counted.
 * Whatever a text holds, what is not understood is refused, and nothing behind its NUL is read.  No
 * locale has a say.
 */
#ifndef ENGRAMD_SYSFS_H
#define ENGRAMD_SYSFS_H

#include "daemon/pmu/event.h"

#include <stdbool.h>
#include <stdint.h>

#define SYSFS_DEVICES "/sys/bus/event_source/devices"
#define SYSFS_NAME_SIZE 32
#define SYSFS_FORMATS_MOST 64
#define SYSFS_WRONG_SIZE 128

/* Where a term's value goes. */
struct sysfs_format {
    char name[SYSFS_NAME_SIZE];
    uint32_t word; /* 0 to 2: config, config1, config2 */
    uint64_t bits; /* of it, the lowest for the value's lowest */
};

struct sysfs_device {
    uint32_t type;
    uint32_t format_count;
    struct sysfs_format formats[SYSFS_FORMATS_MOST];
    uint32_t cpu_count; /* 0: it says of no CPU that it is to be asked there */
    uint32_t cpus[PMU_BOX_CPUS];
};

/* What is wrong is a sentence for people; empty where nothing is but that a file is not there. */
struct sysfs_wrong {
    char text[SYSFS_WRONG_SIZE];
};

/* --- Files --- */

/* Reads a device below `sysroot`.  False when it is not there or is not understood. */
bool sysfs_device_read(const char *sysroot, const char *name, struct sysfs_device *device,
                       struct sysfs_wrong *wrong);

/*
 * Sets type, configs and scale of an event that the device knows by name; the scale is 0 where the
 * kernel says none, and for amounts of memory it is in bytes.  False, and the event is as it was,
 * when the device does not know it or it is not understood.
 */
bool sysfs_event_read(const char *sysroot, const char *name, const struct sysfs_device *device,
                      const char *event_name, struct pmu_event *event, struct sysfs_wrong *wrong);

/* --- Texts --- */

/* "config:0-7,32-35"; sets word and bits. */
bool sysfs_parse_format(const char *text, struct sysfs_format *format);

/* "event=0x04,umask=0x03,edge,config1=7": sets type and configs of the event. */
bool sysfs_encode(const struct sysfs_device *device, const char *terms, struct pmu_event *event,
                  struct sysfs_wrong *wrong);

/* "0,28-29": up to `most` CPUs; how many, or -1 when it is no list or a longer one. */
int sysfs_parse_cpus(const char *text, uint32_t *cpus, uint32_t most);

/* "6.103515625e-5"; more than 0. */
bool sysfs_parse_scale(const char *text, double *scale);

/* How many bytes an amount of memory in that unit is, "MiB" say; 1 for any other unit. */
double sysfs_unit_bytes(const char *unit);

#endif
