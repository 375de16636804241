/* SPDX-License-Identifier: MIT */
/* Values and labels that are hard to write down; stays until it is killed. */
#include <engram/engram.h>

#include <math.h>
#include <unistd.h>

static void set(const char *is, double value)
{
    const char *labels[] = {"is", is, NULL};
    engram_gauge_set(engram_gauge_new("awkward_value", "Hard \"to\" \\ write\ndown.", labels),
                     value);
}

int main(void)
{
    static const char *const labels[] = {
        "quoted",     "say \"it\"", "escaped",      "\\n is no \\", "lines",
        "one\ntwo\n", "braces",     "{a=\"b\",} 1", "accented",     "\xc3\xa9\xf0\x9f\x90\x98",
        NULL};
    engram_attach("awkward@host:1+2");
    engram_counter_add(engram_counter_new("awkward_total", "Hard to write down.", labels), 7);
    engram_histogram_record(engram_histogram_new("awkward_seconds", "All of them.", labels),
                            INFINITY);
    set("nan", NAN);
    set("high", INFINITY);
    set("low", -INFINITY);
    set("below", -0.5);
    pause();
    return 0;
}
