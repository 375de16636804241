/* SPDX-License-Identifier: MIT */
/* A shared object that includes the header on its own, as a plug-in of an engine would. */
#include <engram/engram.h>

#ifdef __cplusplus
extern "C"
#endif
    void
    plugin_record(int times);

void plugin_record(int times)
{
    static const char *const labels[] = {"by", "plugin", NULL};
    engram_counter counter = engram_counter_new("shared_total", "Recorded by any object.", labels);
    engram_histogram histogram = engram_histogram_new("shared_seconds", "The same.", labels);
    for (int i = 0; i < times; i++) {
        engram_counter_add(counter, 1);
        engram_histogram_record(histogram, 0.5);
    }
}
