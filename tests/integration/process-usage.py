#!/usr/bin/env python3
"""What the daemon says of a process that records, against what the process and perf(1) know of it:
page faults, switches and moves of its threads, and its memory on all nodes."""
import ctypes
import mmap
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import BUILD, Daemon, wait_for

FAULTS = 5000
SWITCHES = 3000
MOVES = 200
MEGABYTES = 64
FAULT = 'engram_process_page_faults_total{kind="minor",owner="%d",process="worker"}' % os.geteuid()
SWITCH = 'engram_process_context_switches_total{owner="%d",process="worker"}' % os.geteuid()
MOVE = 'engram_process_cpu_migrations_total{owner="%d",process="worker"}' % os.geteuid()


def touch(pages):
    memory = mmap.mmap(-1, pages * mmap.PAGESIZE)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for page in range(pages):
        memory[page * mmap.PAGESIZE] = 1
    return memory


def work():
    def sleep():
        for _ in range(SWITCHES):
            time.sleep(1e-6)
    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    sleeper.join()
    touch(FAULTS)
    cpus = sorted(os.sched_getaffinity(0))
    for move in range(MOVES if len(cpus) > 1 else 0):
        os.sched_setaffinity(0, {cpus[move % 2]})


def known():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt, usage.ru_nvcsw + usage.ru_nivcsw


def worker():
    """Records, works when it is told to, and says what that has cost."""
    memory = touch((MEGABYTES << 20) // mmap.PAGESIZE)  # before the daemon's first look at it
    library = ctypes.CDLL(f"{BUILD}/libengram.so")
    if library.engram_attach(b"worker"):
        sys.exit("attach failed")
    print("ready", flush=True)
    for _ in sys.stdin:
        before = known()
        work()
        print(*(after - earlier for earlier, after in zip(before, known())), flush=True)
    memory.close()


def between(least, value, most, what):
    print(f"{what}: {value:.0f}, {least:.0f} to {most:.0f}")
    assert least <= value <= most, what


def memory_is_what_the_kernel_says(daemon, pid):
    def told():
        values = daemon.scrape()
        return sum(value for series, value in values.items()
                   if series.startswith("engram_process_numa_memory_bytes{"))
    ours = wait_for(told, "memory")
    resident = int(re.search(r"Rss: +(\d+) kB", open(f"/proc/{pid}/smaps_rollup").read())[1]) << 10
    between(0.9 * resident, ours, 1.1 * resident, "memory")


def events_are_what_others_count(daemon, process):
    wait_for(lambda: SWITCH in daemon.scrape(), "the process")
    perf = subprocess.Popen(["perf", "stat", "-x,", "-e", "cpu-migrations", "-p", str(process.pid)],
                            stderr=subprocess.PIPE, text=True)
    time.sleep(2)  # until the daemon has read what was before
    before = daemon.scrape()
    process.stdin.write("work\n")
    process.stdin.flush()
    faults, switches = map(int, process.stdout.readline().split())
    time.sleep(2.5)
    after = daemon.scrape()
    perf.send_signal(signal.SIGINT)
    moves = int(perf.communicate()[1].split(",")[0])
    assert faults >= FAULTS and switches >= SWITCHES, (faults, switches)
    between(faults, after[FAULT] - before[FAULT], faults + 100, "minor faults")
    between(switches - 2, after[SWITCH] - before[SWITCH], switches + 20, "switches")
    between(MOVES - 1 if os.cpu_count() > 1 else 0, after[MOVE] - before[MOVE], moves, "moves")


def main():
    if sys.argv[1:] == ["worker"]:
        return worker()
    with Daemon() as daemon:
        process = subprocess.Popen([sys.executable, __file__, "worker"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "ENGRAM_DIR": daemon.regions})
        try:
            assert process.stdout.readline() == "ready\n"
            events_are_what_others_count(daemon, process)
            memory_is_what_the_kernel_says(daemon, process.pid)
        finally:
            process.kill()
            process.wait()


main()
