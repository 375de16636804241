#!/usr/bin/env python3
"""The daemon runs out of descriptors or address space: once there are some, it serves all by itself."""
import os
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import BUILD, Daemon, wait_for


def descriptors(pid):
    """One below the lowest free number: what is open stays, nothing can be opened."""
    numbers = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    return next(number for number in range(len(numbers) + 1) if number not in numbers)


def address_space(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize() + (1 << 20)


def total(daemon):
    return sum(value for series, value in daemon.scrape().items()
               if series.startswith("hammer_total"))


def runs_out(which, limit, sign):
    with Daemon() as daemon:
        pid = daemon.process.pid
        before = resource.prlimit(pid, which)
        resource.prlimit(pid, which, (limit(pid), before[1]))
        hammer = daemon.run(f"{BUILD}/helpers/hammer", "2", "1000", stdout=subprocess.PIPE)
        added = int(hammer.communicate()[0].split()[1])
        wait_for(lambda: sign in daemon.log(), "a refusal")
        assert daemon.process.poll() is None
        resource.prlimit(pid, which, before)
        wait_for(lambda: total(daemon) == added, f"a total of {added}")
        wait_for(lambda: not [n for n in os.listdir(daemon.regions) if n[0] != "."], "the fold")
        assert total(daemon) == added


runs_out(resource.RLIMIT_NOFILE, descriptors, "Too many open files")
runs_out(resource.RLIMIT_AS, address_space, "reason=memory")
