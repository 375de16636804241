"""What a record costs, as the recording thread sees it: ours beside every library that is installed.

Within each turn every contestant does every operation some times, with one thread and then with two on
the same object; afterwards it is asked how much it recorded.  Histograms are fed 65,536 values that are
log-uniform from 1 us to 10 s.
"""
import dataclasses
import os
import pathlib
import re
import statistics
import sys
import tempfile

import table
from contestant import Contestant, Running
from turns import Turns

HERE = pathlib.Path(__file__).resolve().parent
BOUNDS = {"histogram": ("bounds", "15 bounds"), "span": ("span", "15 bounds")}
CONTESTANTS = [
    Contestant("engram", ("{}/engram", "{}/observer"), "ours"),
    Contestant("engram, global", ("{}/engram", "{}/observer"), "ours", instead={
        name: (f"{name}-global", "the handle is read from memory")
        for name in ("counter", "gauge", "histogram", "bounds", "event", "event-clock", "span")}),
    Contestant("engram, libengram.a", ("{}/engram-a", "{}/observer"), "ours"),
    Contestant("engram, libengram.so", ("{}/engram-so", "{}/observer"), "ours"),
    Contestant("engram, Rust, .a", ("{}/engram-rust-a", "{}/observer"), "ours", "rustc"),
    Contestant("engram, Rust, .so", ("{}/engram-rust-so", "{}/observer"), "ours", "rustc"),
    Contestant("engram without rseq", ("{}/engram", "{}/observer"), "ours",
               environment={"GLIBC_TUNABLES": "glibc.pthread.rseq=0"}),
    Contestant("plain increment", ("{}/yardstick", "plain"), "yardstick"),
    Contestant("increment, looked up", ("{}/yardstick", "plain"), "yardstick", instead={
        "counter": ("counter-looked-up", "of what a pointer points to, which is read each time")}),
    Contestant("atomic increment", ("{}/yardstick", "atomic"), "yardstick"),
    Contestant("the loop alone", ("{}/yardstick", "plain"), "yardstick", instead={
        "counter": ("loop", ""), "counters": ("loop", ""), "gauge": ("loop-value", ""), "histogram": ("loop-value", ""),
        "bounds": ("loop-value", ""), "event": ("loop", ""), "span-work": ("work", "the work alone"), "span": ("clock-twice", "and two clock reads"),
        "event-clock": ("clock", "and a clock read")}),
    Contestant("requirements' design", ("{}/requirements",), "peer",
               instead={"histogram": ("histogram", "64 buckets, no sum")}),
    Contestant("prometheus-cpp", ("{}/prometheus-cpp",), "peer", "prometheus-cpp-dev", instead=BOUNDS),
    Contestant("client_golang", ("{}/client_golang",), "peer", "golang-github-prometheus-client-golang-dev",
               instead={"histogram": ("histogram", "native"), "span": ("span", "15 bounds")}),
    Contestant("Rust prometheus", ("{}/rust-prometheus",), "peer", "librust-prometheus-dev", instead=BOUNDS),
    Contestant("LTTng-UST", (str(HERE / "peers/lttng.py"), "{}/lttng"), "peer", "lttng-tools and liblttng-ust-dev",
               instead={"event": ("event-clock", "reads its clock")}),
    Contestant("PCP MMV", ("{}/pcp-mmv",), "peer", "libpcp-mmv1-dev"),
]
ALL = [contestant.who for contestant in CONTESTANTS]
VARIANTS = ["engram, libengram.a", "engram, libengram.so", "engram, Rust, .a", "engram, Rust, .so",
            "engram without rseq", "increment, looked up"]
PLAIN = [who for who in ALL if who not in VARIANTS]


@dataclasses.dataclass(frozen=True)
class Operation:
    name: str
    part: str
    what: str
    who: list
    threads: tuple = (1, 2)
    note: str = ""  # on our own row


DRAINED = "another process reads the ring without a rest"
COLD = "other memory was read before each; a clock read is in it"
OPERATIONS = [
    Operation("counter", "counters", "counter add", ALL),
    Operation("counters", "counters", "counter add, 64 in turn",
              ["engram", "plain increment", "atomic increment", "the loop alone"], (1,)),
    Operation("gauge", "gauges", "gauge set", PLAIN),
    Operation("histogram", "histograms", "histogram record", ALL),
    Operation("bounds", "histograms of 15 bounds", "histogram of 15 bounds", PLAIN),
    Operation("event", "events", "event of 32 bytes, time given", PLAIN, note=DRAINED),
    Operation("event-each-ms", "events", "event of 32 bytes, time given, looked for each ms", ["engram"], (1,),
              note="engramd looks each 10 ms at most"),
    Operation("event-clock", "events", "event of 32 bytes, time read", PLAIN, note=DRAINED),
    Operation("span", "spans", "span: two times, a record", ALL),
    Operation("span-work", "spans", "span around 60 multiplications", ["engram", "the loop alone"], (1,)),
    Operation("cold-counter", "recording when nothing is cached", "counter add", PLAIN, (1,), COLD),
    Operation("cold-histogram", "recording when nothing is cached", "histogram record", PLAIN, (1,), COLD),
    Operation("cold-event-clock", "recording when nothing is cached", "event, time read", PLAIN, (1,), COLD),
]

# By operation and threads: ours, and how many times faster than the fastest that counts right.
GOALS = {
    ("counter", 1, "engram"): "<= 0.75",
    ("counter", 1, "engram, global"): "<= 0.75",
    ("counters", 1, "engram"): "<= 0.75",
    ("counter", 1, "engram, libengram.a"): "<= 2",
    ("counter", 1, "engram, libengram.so"): "<= 2.5",
    ("counter", 1, "engram, Rust, .a"): "<= 2",
    ("counter", 1, "engram, Rust, .so"): "<= 2.5",
    ("bounds", 1, "engram"): "<= 6",
    ("event", 1, "engram"): "<= 5",
    ("span", 1, "engram"): "<= 28",  # where the kernel keeps its time by the CPU's counter
}
CLOCK = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
COUNTERS = ("tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter")
# Less the loop, ns.  Spans without anything in them wait for each other: of the clock's tick, and of the
# cell, whose place follows from it.
NET_GOALS = {"histogram": "<= 2", "span-work": "<= 28"}


def ratio_goals(is_stacked):
    return {("counter", 1): ">= 2.5", ("counter", 2): ">= 6" if is_stacked else ">= 8",
            ("histogram", 1): ">= 6", ("histogram", 2): ">= 25", ("event", 1): ">= 15"}


def goal_of(operation, threads, who):
    if operation.name == "span" and read(CLOCK) not in COUNTERS:
        return ""
    return GOALS.get((operation.name, threads, who), "")


def read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ""


def is_stacked():
    """Whether all CPUs that we may run on are threads of one core."""
    cores = {read(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") or cpu
             for cpu in os.sched_getaffinity(0)}
    return len(cores) == 1 and len(os.sched_getaffinity(0)) > 1


def evict_bytes():
    """Twice the largest cache, in bytes; 64 MB where nothing tells."""
    caches = pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")
    sizes = [int(size[1]) for size in (re.match(r"(\d+)K", read(cache)) for cache in caches) if size]
    return 2048 * max(sizes, default=32 << 10)


def built(run):
    """The contestants that there are; the others are named."""
    programs = (run.build / "bench/peers").resolve()
    lacking = [contestant for contestant in CONTESTANTS if not contestant.is_built(programs)]
    for contestant in lacking:
        if not contestant.package:
            sys.exit(f"{contestant.who} is not built: make peers")
        run.missing.append(f"{contestant.who}: not built; make bench-deps installs {contestant.package}")
    return [contestant for contestant in CONTESTANTS if contestant not in lacking], programs


def titled(operation, threads, of_what=""):
    return f"{operation.what}{of_what}, {threads} thread{'s' if threads > 1 else ''}"


def figures(operation, threads, taken):
    """The row of each who took part."""
    notes = {contestant.who: contestant.asked(operation.name)[1] for contestant in CONTESTANTS}
    for who in sorted(taken.whose(operation.name, threads), key=ALL.index):
        key = (operation.name, threads, who)
        note = ", ".join(filter(None, [operation.note if who == "engram" else "", notes[who], taken.loss(key)]))
        yield table.of(operation.part, titled(operation, threads), who, "ns", taken.ns[key],
                       goal_of(operation, threads, who), note)


def compared(operation, what, unit, of, ours, other, goal, note=""):
    """A row that follows from two others: of their best turns, and of their medians."""
    best, median = (of(choice(ours), choice(other)) for choice in (min, statistics.median))
    return table.Row(operation.part, what, "engram", unit, best, median, goal, note)


def net_of_the_loop(operation, threads, taken):
    ours, loop = (taken.ns[operation.name, threads, who] for who in ("engram", "the loop alone"))
    yield compared(operation, titled(operation, threads, " less the loop"), "ns",
                   lambda record, alone: record - alone, ours, loop,
                   NET_GOALS[operation.name])


def beside_one_thread(operation, taken):
    one, two = (taken.ns.get((operation.name, threads, "engram")) for threads in (1, 2))
    if two:
        loop = [statistics.median(taken.ns[operation.name, threads, "the loop alone"]) for threads in (1, 2)]
        yield compared(operation, f"{operation.what}, 2 threads to 1", "x", lambda both, alone: both / alone,
                       two, one, "<= 2" if is_stacked() else "<= 1.2",
                       f"the loop alone: {loop[1] / loop[0]:.2f}, which is 1 on an idle machine")


def fastest(operation, threads, taken):
    """Among the libraries that record as much as they are told to; None where there is none."""
    peers = {contestant.who for contestant in CONTESTANTS if contestant.kind == "peer"}
    right = [who for who in taken.whose(operation.name, threads)
             if who in peers and not taken.loss((operation.name, threads, who))]
    return min(right, key=lambda who: statistics.median(taken.ns[operation.name, threads, who]), default=None)


def times_faster(operation, threads, taken):
    peer = fastest(operation, threads, taken)
    if peer:
        ours, other = (taken.ns[operation.name, threads, who] for who in ("engram", peer))
        yield compared(operation, titled(operation, threads), "x", lambda our, their: their / our, ours, other,
                       ratio_goals(is_stacked()).get((operation.name, threads), ""),
                       f"faster than {peer}, the fastest that counts right")


def rows_of(operation, taken):
    for threads in operation.threads:
        if taken.whose(operation.name, threads):
            yield from figures(operation, threads, taken)
            if operation.name in NET_GOALS:
                yield from net_of_the_loop(operation, threads, taken)
            yield from times_faster(operation, threads, taken)
    if operation.name == "counter":
        yield from beside_one_thread(operation, taken)


def check_ours(taken):
    """A library that loses what it was told has no business in this table, and ours ends it."""
    ours = {contestant.who for contestant in CONTESTANTS if contestant.kind == "ours"}
    for key in taken.ns:
        if key[2] in ours and taken.loss(key):
            sys.exit(f"{key[2]}: {key[0]}, {key[1]} threads: {taken.loss(key)}")


def take_turn(turns, contestants, programs):
    """By processes that are started anew: some loops take longer at some addresses."""
    with tempfile.TemporaryDirectory(prefix="engram-bench-", dir="/dev/shm") as room:
        running = [Running(contestant, programs, room, evict_bytes()) for contestant in contestants
                   if contestant.who not in turns.failed]
        try:
            for operation in OPERATIONS:
                turns.take(operation, running)
        finally:
            for one in running:
                one.stop()


def rows(run):
    contestants, programs = built(run)
    turns = Turns(run.quick)
    for _ in range(run.turns):
        take_turn(turns, contestants, programs)
    run.missing += [f"{who}: {reason}" for who, reason in turns.failed.items()]
    check_ours(turns.taken)
    for operation in OPERATIONS:
        yield from rows_of(operation, turns.taken)
