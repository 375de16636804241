"""What metrics cost engram-demo: compiled out, switched off, on, and on with engramd looking on.

CPU is user and system time of all threads, from one line of the demo to the next, a second later:
neither its start nor waiting for a core is part of it.  engramd ticks at 10 Hz, is scraped at 1 Hz,
and its CPU is added.  Each case runs beside one that is compiled out, at the same time and each on a
CPU of its own, and then again with the CPUs swapped: what the machine does meanwhile to the one it
does to the other.  The interval around the median of these differences is that of the sign test:
nothing is assumed about how the noise is distributed, but that turns do not depend on each other.
"""
import contextlib
import math
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import table

sys.path.append(str(pathlib.Path(__file__).parent.parent))
import live

PART = "overhead on engram-demo"
RATE = 100_000
STORE = 349_526  # episodes: 1 GB of vectors of 3072 bytes
OUT, OFF, ON, WATCHED = "compiled out", "engram, off", "engram, on", "engram, and engramd"
GOAL = "<= 0.5"
LINE = re.compile(r"(\d+) op/s, ([\d.]+) ns of CPU each")


def cpu_ns(pid):
    """CPU that a process has used, all threads, in ns: its clock, as of clock_getcpuclockid(3)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


class Demo:
    """One run in one of the cases, in a directory of its own unless a daemon has one."""

    def __init__(self, run, case, *options, threads=2, cpus=None, regions=None):
        self.own = None if regions else tempfile.mkdtemp(prefix="engram-bench-", dir="/dev/shm")
        name = "engram-demo-bare" if case == OUT else "engram-demo"
        environment = {**os.environ, "ENGRAM_DIR": regions or self.own,
                       "ENGRAM_METRICS": "off" if case == OFF else "on"}
        self.process = subprocess.Popen(
            [run.build / "bench" / name, "--threads", str(threads), "--seconds", "0", *options],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus or os.sched_getaffinity(0)))

    def seconds(self, count, others=lambda: 0):
        """(operations a second, ns of CPU for each, others' of it) of so many seconds, but the
        first; what others use of CPU meanwhile is part of it."""
        found, before = [], others()
        for line in self.process.stderr:
            if not (match := LINE.match(line)):
                continue
            now, rate = others(), max(float(match[1]), 1)
            theirs, before = (now - before) / rate, now
            found.append((rate, float(match[2]) + theirs, theirs))
            if len(found) > count:
                break
        return found[1:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()
        if self.own:
            shutil.rmtree(self.own)


class Watcher:
    """engramd, and somebody who scrapes it."""

    def __enter__(self):
        self.daemon = live.Daemon()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.scrape)
        self.thread.start()
        return self

    def scrape(self):
        while not self.over.wait(1):
            live.scrape(self.daemon.socket)

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.daemon.__exit__(None, None, None)

    def cpu(self):
        return cpu_ns(self.daemon.process.pid)


def means(taken):
    return [statistics.mean(column) for column in zip(*taken)]


def side_by_side(run, case, seconds, cpus):
    """Means of what seconds() tells, at the fixed rate, of a demo that is compiled out and of one in
    the case, with the daemon as the other one, on these two CPUs."""
    options = ("--rate", str(RATE))
    with contextlib.ExitStack() as stack:
        watcher = stack.enter_context(Watcher()) if case == WATCHED else None
        regions = watcher.daemon.regions if watcher else None
        without = stack.enter_context(Demo(run, OUT, *options, threads=1, cpus={cpus[0]}))
        with_it = stack.enter_context(
            Demo(run, case, *options, threads=1, cpus={cpus[1]}, regions=regions))
        taken = with_it.seconds(seconds, watcher.cpu) if watcher else with_it.seconds(seconds)
        return means(without.seconds(seconds)), means(taken)


def flat_out(run, case, seconds):
    with Demo(run, case) as demo:
        return statistics.mean(rate for rate, *_ in demo.seconds(seconds))


def in_turns(run, measure, cases, turns, seconds):
    """[case][turn]: what was measured, every case once in each turn."""
    found = {case: [] for case in cases}
    for _ in range(turns):
        for case in random.sample(cases, len(cases)):
            found[case].append(measure(run, case, seconds))
    return found


def interval(values):
    """Bounds of the median by the sign test, and how sure they are, in %: as near to 95 % from
    above as their number allows; less than 95 if they are less than six."""
    values, count = sorted(values), len(values)
    sure, cut = 0.0, 0
    for k in range(count // 2):
        outside = 2 * sum(math.comb(count, i) for i in range(k + 1)) / 2 ** count
        if k and outside > 0.05:
            break
        sure, cut = 1 - outside, k
    return values[cut], values[count - 1 - cut], 100 * sure


def more_of(turn):
    """How much more the case took, in %, on one CPU and on the other."""
    return statistics.mean(100 * (with_it[1] / without[1] - 1) for without, with_it in turn)


def difference_rows(what, turns, case):
    """Rows of how much more a case takes than what is compiled out, beside it."""
    more = [more_of(turn) for turn in turns]
    low, high, sure = interval(more)
    note = f"{len(more)} turns; median between {low:.2f} and {high:.2f} ({sure:.0f} % sure)"
    yield table.of(PART, f"{what}, more than compiled out", case, "%", more, note=note)
    if case == WATCHED:
        yield table.Row(PART, f"{what}, upper bound of that", case, "%", high, high,
                        GOAL if sure > 90 else "", f"{sure:.0f} % sure; with the lower one")


def absolute_rows(what, who, found):
    rate = statistics.median(rate for rate, *_ in found)
    yield table.of(PART, what, who, "ns", [ns for _, ns, _ in found],
                   note=f"{rate:.0f} op/s reached")
    if who == WATCHED:
        yield table.of(PART, what + ": engramd's part", who, "ns",
                       [theirs for *_, theirs in found], note="10 Hz, scraped at 1 Hz")


def cpu_rows(run):
    turns, seconds = (1, 1) if run.quick else (10, 2)
    cpus = sorted(os.sched_getaffinity(0))[:2]
    if len(cpus) < 2:
        run.missing.append("what metrics cost engram-demo, which wants two CPUs")
        return
    cases, what = [OFF, ON, WATCHED], f"CPU at {RATE} op/s"
    found = in_turns(run, lambda *one: [side_by_side(*one, order) for order in (cpus, cpus[::-1])],
                     cases, turns, seconds)
    runs = {case: [both for turn in found[case] for both in turn] for case in cases}
    yield from absolute_rows(what, OUT, [out for case in cases for out, _ in runs[case]])
    for case in cases:
        yield from absolute_rows(what, case, [with_it for _, with_it in runs[case]])
    for case in cases:
        yield from difference_rows(what, found[case], case)


def flat_rows(run):
    cases = [OUT, OFF, ON]
    found = in_turns(run, flat_out, cases, 4, 2)
    for case in cases:
        yield table.of(PART, "throughput flat out, 2 threads", case, "1/s",
                       found[case])


def memory(pid):
    """kB that a process has in memory, as (its own share of all, of regions)."""
    smaps = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    everything = regions = in_region = 0
    for line in smaps.splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            in_region = "/engram-bench-" in line
        elif line.startswith("Pss:"):
            everything += int(line.split()[1])
            regions += int(line.split()[1]) if in_region else 0
    return everything, regions


def memory_rows(run):
    """Two demos side by side, since it takes a while until the store is full."""
    options = [] if run.quick else ["--episodes", str(STORE)]
    with Demo(run, OUT, *options) as without, Demo(run, ON, *options) as with_it:
        with_it.seconds(2)
        without.seconds(2)
        bare, _ = memory(without.process.pid)
        whole, regions = memory(with_it.process.pid)
    store = "store of 4096 episodes" if run.quick else "store of 1 GB"
    for who, kb in ((OUT, bare), (ON, whole)):
        yield table.of(PART, f"memory (PSS), {store}", who, "MB", [kb / 1024])
    yield table.of(PART, f"memory of metrics, {store}", ON, "%", [100 * (whole - bare) / bare],
                   "" if run.quick else GOAL,
                   f"{(whole - bare) / 1024:.1f} MB more, {regions / 1024:.1f} MB of it the region")


def instructions(run, case, operations):
    """Of one thread for each operation, as callgrind counts them, and so again each time.  It
    knows no rseq, so it is told a CPU (one_cpu.c), or it would count the atomic path, which is
    longer; and what the kernel does for a clock is not counted."""
    preload = run.build / "bench" / "one_cpu.so"
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-fPIC", "-shared",
                    "tests/helpers/shared/one_cpu.c", "-o", preload], check=True)
    name = "engram-demo-bare" if case == OUT else "engram-demo"
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="engram-bench-") as regions:
        said = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=thread_main",
             "--callgrind-out-file=/dev/null", run.build / "bench" / name, "--threads", "1",
             "--seconds", "0", "--operations", str(operations)],
            env={**os.environ, "LD_PRELOAD": preload.absolute(), "ENGRAM_DIR": regions,
                 "ENGRAM_METRICS": "off" if case == OFF else "on"},
            capture_output=True, text=True, check=True).stderr
    return int(re.search(r"Collected : (\d+)", said)[1]) / operations


def instruction_rows(run):
    if not shutil.which("valgrind"):
        run.missing.append("instructions of engram-demo: valgrind is not installed")
        return
    operations = 2000
    counts = {case: instructions(run, case, operations) for case in (OUT, OFF, ON)}
    for case, count in counts.items():
        more = 100 * (count / counts[OUT] - 1)
        yield table.of(PART, f"instructions, {operations} operations, each", case, "",
                       [count], note="callgrind, 1 thread" if case == OUT else f"{more:.2f} % more")


def rows(run):
    yield from cpu_rows(run)
    if not run.quick:
        yield from flat_rows(run)
        yield from instruction_rows(run)
    yield from memory_rows(run)
