#!/usr/bin/env python3
"""A command is run when an alert begins to fire and when it has ended, is told of which, and its runs are
counted; without one nothing is run or counted."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import BUILD, Daemon, wait_for

RUNS = 'engramd_alert_commands_total{result="%s"}'


def audit(daemon):
    """A process, and what says how many violations it has found."""
    process = daemon.run(f"{BUILD}/helpers/auditor", stdin=subprocess.PIPE)

    def tell(violations):
        process.stdin.write(f"{violations} 1 0\n")
        process.stdin.flush()
    return tell


def told_of_both(room):
    command, said = f"{room}/command", f"{room}/said"
    with open(command, "w") as file:
        file.write(f'#!/bin/sh\n[ "$1" = AuditViolations ] || exit 0\n'
                   f'echo "$1 $2 $ENGRAM_ALERT_SEVERITY" >>{said}\n[ "$2" = firing ]\n')
    os.chmod(command, 0o755)
    with Daemon("--alert-command", command) as daemon:
        tell = audit(daemon)
        for violations, what, result in ((1, "firing", "ok"), (0, "inactive", "failed")):
            before = wait_for(lambda: (v := daemon.scrape()).get(RUNS % result) is not None and v, "counts")
            tell(violations)
            wait_for(lambda: os.path.exists(said) and what in open(said).read(), what)
            wait_for(lambda: daemon.scrape()[RUNS % result] > before[RUNS % result], "the count")
    assert open(said).read() == ("AuditViolations firing critical\n"
                                 "AuditViolations inactive critical\n"), open(said).read()


def none():
    with Daemon() as daemon:
        wait_for(lambda: any("alert_state" in series for series in daemon.scrape()), "alerts")
        assert not any(series.startswith("engramd_alert_commands") for series in daemon.scrape())


def main():
    with tempfile.TemporaryDirectory() as room:
        told_of_both(room)
    none()


main()
