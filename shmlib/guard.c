/* SPDX-License-Identifier: MIT */
#include "shmlib/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

static _Thread_local sigjmp_buf *volatile guard_return;

static void on_bus_error(int signal_number)
{
    if (guard_return)
        siglongjmp(*guard_return, 1);
    signal(signal_number, SIG_DFL); /* the instruction faults again, for good this time */
}

void guard_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_bus_error;
    action.sa_flags = SA_NODEFER; /* left by a jump, so the signal must not stay blocked */
    sigaction(SIGBUS, &action, NULL);
}

bool guard_run(void (*read)(void *argument), void *argument)
{
    sigjmp_buf here;
    if (sigsetjmp(here, 0)) {
        guard_return = NULL;
        return false;
    }
    guard_return = &here;
    read(argument);
    guard_return = NULL;
    return true;
}
