/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "suites.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void reserve_descriptors(void)
{
    int fd = open("/dev/null", O_RDONLY);
    for (int i = 3; i < 3 + RESERVED_FDS; i++)
        if (fd != i)
            dup2(fd, i);
}

#define ADD_SUITE(name) srunner_add_suite(runner, name##_suite());

int main(void)
{
    reserve_descriptors();
    if (!unit_directory_make()) {
        perror("unit: /dev/shm");
        return EXIT_FAILURE;
    }
    SRunner *runner = srunner_create(NULL);
    SUITES(ADD_SUITE)
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    unit_directory_remove();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
