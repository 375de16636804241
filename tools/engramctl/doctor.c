/* SPDX-License-Identifier: MIT */
/* engramctl doctor: what is wrong with this installation, and how to mend it. */
#include "doctor.h"
#include "json_out.h"
#include "terminal.h"

#include <stdarg.h>
#include <stdlib.h>

static const char *const level_names[LEVELS] = {"ok", "warning", "problem"};

void find(struct doctor *doctor, enum level level, const char *check, const char *advice,
          const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    doctor->count[level]++;
    if (!doctor->findings) {
        printf("%-8s %-10s %s\n", level_names[level], check, visible(text));
        if (advice)
            printf("%-8s %-10s -> %s\n", "", "", advice);
        return;
    }
    struct json_object *finding = json_object_new_object();
    put_text(finding, "check", check);
    put_text(finding, "level", level_names[level]);
    put_text(finding, "finding", text);
    if (advice)
        put_text(finding, "advice", advice);
    json_object_array_add(doctor->findings, finding);
}

static void conclude(struct doctor *doctor)
{
    if (!doctor->findings) {
        unsigned problems = doctor->count[LEVEL_PROBLEM], warnings = doctor->count[LEVEL_WARNING];
        printf("%u problem%s, %u warning%s, %u ok\n", problems, problems == 1 ? "" : "s", warnings,
               warnings == 1 ? "" : "s", doctor->count[LEVEL_OK]);
        return;
    }
    struct json_object *all = json_object_new_object();
    json_object_object_add(all, "findings", doctor->findings);
    put_whole(all, "problems", doctor->count[LEVEL_PROBLEM]);
    put_whole(all, "warnings", doctor->count[LEVEL_WARNING]);
    put_whole(all, "ok", doctor->count[LEVEL_OK]);
    print_json(all);
}

int command_doctor(const struct options *options)
{
    const char *named = getenv("ENGRAM_DIR");
    struct doctor doctor = {
        .options = options,
        .standard = !options->directories_given && !(named && *named),
        .findings = options->json ? json_object_new_array() : NULL,
    };
    doctor_daemon(&doctor);
    doctor_exposure(&doctor);
    for (int i = 0; doctor.standard ? i == 0 : options->directories[i] != NULL; i++)
        doctor_directory(&doctor, doctor.standard ? DEFAULT_DIRECTORY : options->directories[i]);
    doctor_regions(&doctor);
    doctor_host(&doctor);
    conclude(&doctor);
    return doctor.count[LEVEL_PROBLEM] ? EXIT_WRONG : EXIT_FINE;
}
