/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include <stdlib.h>

int main(void)
{
    static Suite *(*const suites[])(void) = {
        accept_suite,      attach_suite,    bucket_suite,       config_suite,    continuity_suite,
        demo_parts_suite,  demo_suite,      derived_suite,      discovery_suite, events_suite,
        exposition_suite,  golden_suite,    http_request_suite, http_suite,      http_listen_suite,
        http_stream_suite, log_suite,       notify_suite,       number_suite,    pace_suite,
        plan_suite,        processes_suite, reader_suite,       snapshot_suite,  topology_suite,
        totals_suite,      users_suite,     web_suite,          writer_suite,
    };
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        srunner_add_suite(runner, suites[i]());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
