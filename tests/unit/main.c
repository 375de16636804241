/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include <stdlib.h>

#define ADD_SUITE(name) srunner_add_suite(runner, name##_suite());

int main(void)
{
    SRunner *runner = srunner_create(NULL);
    SUITES(ADD_SUITE)
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
