/* SPDX-License-Identifier: MIT */
/*
 * A process by the name of its argument that says of its graph what it is told: each line of its
 * input is a number of violations, the share of probes that find what is there, and how many
 * seconds ago the audit was.
 */
#include <engram/engram.h>
#include <engram/engine.h>

#include <stdio.h>
#include <time.h>

int main(int argc, char **argv)
{
    static struct engram_engine engine;
    double violations, recall, age;
    if (engram_attach(argc > 1 ? argv[1] : "auditor"))
        return 1;
    engram_register_audit(&engine);
    while (scanf("%lf %lf %lf", &violations, &recall, &age) == 3) {
        engram_gauge_set(engine.audit_violations[ENGRAM_DANGLING_EDGE], violations);
        engram_gauge_set(engine.probe_recall, recall);
        engram_gauge_set(engine.audit_time, (double)time(NULL) - age);
    }
    return 0;
}
