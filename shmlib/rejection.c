/* SPDX-License-Identifier: MIT */
#include "shmlib/reader.h"

static const struct {
    const char *name, *advice;
} rejections[REJECTION_COUNT] = {
    [REJECTION_NONE] = {"none", "nothing is wrong"},
    [REJECTION_OPEN] = {"open", "it cannot be opened as a regular file; remove it if it is none"},
    [REJECTION_OWNER] = {"owner",
                         "it belongs to a user whose files may not be read here; run as root, "
                         "or give the directory the reader's group and mode 3777"},
    [REJECTION_MODE] = {"mode", "others than its owner may write to it; remove it"},
    [REJECTION_SHORT] = {"short", "it is shorter than its header says; restart its process"},
    [REJECTION_MAGIC] = {"magic", "it is no engram region; is this a region directory?"},
    [REJECTION_ENDIAN] = {"endian", "it was written on a machine of the other byte order"},
    [REJECTION_VERSION] = {"version", "its layout has another major version; rebuild the process "
                                      "with this version's header, or update engramd"},
    [REJECTION_LAYOUT] = {"layout", "its sizes contradict each other; restart its process"},
    [REJECTION_MEMORY] = {"memory",
                          "there is no memory or no descriptor left to read it; it is tried again"},
    [REJECTION_DESCRIPTOR] = {"descriptor", "a series in it is malformed; restart its process"},
    [REJECTION_HOLE] = {"hole", "it claims memory that it does not have; restart its process"},
    [REJECTION_QUOTA] = {"quota", "its user has more regions than are allowed; remove old ones"},
    [REJECTION_DUPLICATE] = {"duplicate", "another file is the same region; remove the copy"},
    [REJECTION_TRUNCATED] = {"truncated", "it was shortened under its process; restart that"},
};

const char *rejection_name(enum rejection rejection)
{
    return rejections[rejection].name;
}

const char *rejection_advice(enum rejection rejection)
{
    return rejections[rejection].advice;
}
