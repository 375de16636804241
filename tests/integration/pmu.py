#!/usr/bin/env python3
# tests/run: alone: it counts what happens on the whole machine.
"""Events of the kernel, against perf(1) in the same stretch of time and against a process that
switches a known number of times; and what a daemon says that may count nothing."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import BUILD, Daemon, ask, wait_for

ROUNDS = 20000  # two switches each, and more where it waits
FAULTS = 20000  # pages
PARANOID = "/proc/sys/kernel/perf_event_paranoid"
EVENTS = {"context-switches": "context_switches", "cpu-migrations": "cpu_migrations",
          "minor-faults": "minor_faults", "major-faults": "major_faults"}
SERIES = 'engram_hardware_events_total{{event="{}",source="software"}}'

WORK = f"""
import mmap, os
os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
there, back = os.pipe(), os.pipe()
if os.fork() == 0:
    for _ in range({ROUNDS}):
        os.read(there[0], 1); os.write(back[1], b"x")
    os._exit(0)
for _ in range({ROUNDS}):
    os.write(there[1], b"x"); os.read(back[0], 1)
os.wait()
memory = mmap.mmap(-1, {FAULTS} * 4096)
memory.madvise(mmap.MADV_NOHUGEPAGE) if hasattr(mmap, "MADV_NOHUGEPAGE") else None
for page in range({FAULTS}):
    memory[page * 4096] = 1
"""


def counts(daemon):
    values = daemon.scrape()
    return {event: values[SERIES.format(event)] for event in EVENTS.values()}


class Perf:
    """perf(1) on all CPUs, while a command runs."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            ["perf", "stat", "-a", "-x,", "-e", ",".join(EVENTS), *command],
            stderr=subprocess.PIPE, text=True, start_new_session=True)

    def counts(self):
        fields = (line.split(",") for line in self.process.communicate()[1].splitlines())
        return {EVENTS[field[2]]: int(field[0]) for field in fields
                if len(field) > 3 and field[2] in EVENTS}


def same_as_perf(daemon):
    """Ours are of a stretch that has the inner perf's in it and is in the outer one's."""
    wait_for(lambda: SERIES.format("minor_faults") in daemon.scrape(), "the first counts")
    outer = Perf("sleep", "1000")
    time.sleep(1)
    before = counts(daemon)
    time.sleep(1)
    inner = Perf(sys.executable, "-c", WORK).counts()
    wait_for(lambda: all(counts(daemon)[event] - before[event] >= least
                         for event, least in inner.items()), f"at least {inner}")
    after = counts(daemon)
    time.sleep(1)
    os.killpg(outer.process.pid, signal.SIGINT)  # or it would wait for its command
    most = outer.counts()
    assert inner.keys() == most.keys() == set(EVENTS.values())
    for event, least in inner.items():
        ours = after[event] - before[event]
        print(f"{event}: {ours:.0f}, perf {least} to {most[event]}")
        assert ours <= most[event], event
    assert after["context_switches"] - before["context_switches"] >= 2 * ROUNDS
    assert after["minor_faults"] - before["minor_faults"] >= FAULTS


def availability(values):
    found = {}
    for series, value in values.items():
        if series.startswith("engram_hardware_event_available{"):
            labels = dict(re.findall(r'([a-z_]+)="([^"]*)"', series))
            assert labels["event"] not in found, series
            found[labels["event"]] = (value, labels.get("reason", ""))
    return found


def each_event_is_there_or_says_why(daemon):
    values = daemon.scrape()
    for event, (value, reason) in availability(values).items():
        shown = any(f'engram_hardware_events_total{{event="{event}",' in series for series in values)
        assert (value == 1) == (reason == "") == shown, (event, value, reason)


def without_privilege():
    """As a user who may not count: all the rest is there, and each event says why it is not."""
    if os.geteuid() != 0 or int(open(PARANOID).read()) <= 0:
        print("not tried: the daemon without privilege, which takes root and a paranoid kernel")
        return
    with Daemon() as daemon:
        daemon.stop()
        shutil.rmtree(f"{daemon.room}/state", ignore_errors=True)
        for path in (daemon.room, daemon.regions):
            os.chown(path, 65534, 65534)
        os.remove(f"{daemon.room}/log")
        program = shutil.copy(daemon.command[0], daemon.room)
        daemon.command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program,
                          *daemon.command[1:]]
        daemon.start()
        wait_for(lambda: "context_switches" in availability(daemon.scrape()), "what is available")
        found = availability(daemon.scrape())
        assert found["context_switches"] == (0, "permission"), found
        assert not any("engram_hardware_events_total" in series for series in daemon.scrape())
        assert "migration_count" not in ask(daemon.socket, "/metrics")[1].decode()
        doctor = subprocess.run([f"{BUILD}/engramctl", "doctor", "-a", f"unix:{daemon.socket}"],
                                capture_output=True, text=True)
        assert re.search(r"^warning +events .*may not count \d+ events", doctor.stdout, re.M), doctor
        assert "CAP_PERFMON" in doctor.stdout


def main():
    with Daemon() as daemon:
        same_as_perf(daemon)
        each_event_is_there_or_says_why(daemon)
    without_privilege()


main()
