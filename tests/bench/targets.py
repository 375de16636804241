"""A row for each performance target of the requirements, listed in targets.txt: what of ours answers it."""
import dataclasses
import os
import pathlib
import statistics
import sys
import time

import figures
import table

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from live import Daemon

PART = "performance targets of the requirements"
STORE = 1 << 30  # bytes of an engine's memories
FACTOR = {("ns", "us"): 1e-3, ("ms", "s"): 1e-3}


@dataclasses.dataclass(frozen=True)
class Target:
    number: int
    words: str
    bound: str
    unit: str


@dataclasses.dataclass(frozen=True)
class Answer:
    """By a program of tests/bench, or by a function of this file: values in the target's unit."""

    of: object
    figure: str
    note: str = ""


def targets():
    lines = (HERE / "targets.txt").read_text().splitlines()
    for line in lines:
        if not line.startswith("#"):
            number, words, bound, unit = line.split("\t")
            yield Target(int(number), words, bound, unit)


def cpu(pid):
    """Seconds that a process has used."""
    return time.clock_gettime(~pid << 3 | 2)  # CPUCLOCK_SCHED of a process, as libc makes it


def work_of(series):
    """How much engram-demo has done: one piece of work is in one of these, whatever else it records."""
    counted = ("engram_operation_duration_seconds_count", "engram_pattern_completion_score_count",
               "engram_spreading_activation_depth_hops_count")
    return sum(value for name, value in series.items() if name.startswith(counted))


def beside_an_engine(run):
    """By what: shares in percent, one for each second of engram-demo at 100,000 op/s, scraped at 1 Hz.

    What recording takes is reckoned: for each piece of work, what all records of a recall cost.
    """
    found = {"cpu": [], "memory": []}
    _, recall = figures.of(run, "targets")["all records of a recall", "engram"]
    with Daemon(program=run.build / "engramd") as daemon, open(os.devnull, "w") as nowhere:
        demo = daemon.run(run.build / "engram-demo", "--rate", "100000", "--seconds", "0", stdout=nowhere,
                          stderr=nowhere)
        time.sleep(1)  # in its first second it stores what it is to remember
        before = work_of(daemon.scrape()), cpu(demo.pid), cpu(daemon.process.pid)
        for _ in range(run.turns):
            time.sleep(1)
            now = work_of(daemon.scrape()), cpu(demo.pid), cpu(daemon.process.pid)
            work, engine, watching = (after - at for after, at in zip(now, before))
            found["cpu"].append((min(recall) * 1e-9 * work + watching) / engine * 100)
            found["memory"].append(sum(entry.stat().st_blocks * 512 for entry in os.scandir(daemon.regions)
                                       if entry.is_file()) / STORE * 100)
            before = now
    return found


BY_HARDWARE = "the CPU counts, engramd reads it: 64 software events of a CPU in {pmu}; for what engines count: "
ANSWERS = {
    1: Answer(beside_an_engine, "cpu", "of engram-demo: all of engramd, and the records of a recall for each work"),
    2: Answer(beside_an_engine, "memory", "engram-demo's region, of a store of 1 GB; for engramd see its own part"),
    3: Answer("targets", "counter add", "engram_counter_add()"),
    4: Answer("targets", "histogram record", "engram_histogram_record()"),
    5: Answer("targets", "scrape of an engine: p50", "GET /metrics beside engram-demo: {size}"),
    6: Answer("targets", "scrape of 10,000 counters more: p50", "GET /metrics: {size}"),
    7: Answer("sensing", "that and health, beside 64 threads: p50", "in engramd, on each tick"),
    8: Answer("targets", "event emit", "engram_event_emit_at()"),
    9: Answer("targets", "event read", "in engramd, 128 at a time"),
    10: Answer("targets", "counter add without rseq", "what engram_counter_add() is on kernels without rseq"),
    11: Answer("targets", "two gauge sets", "engram_gauge_set(), twice"),
    12: Answer("targets", "histogram record, event, gauge set", "how long it was in the last one, an event, a weight"),
    13: Answer("targets", "histogram record of a score", "engram_histogram_record()"),
    14: Answer("targets", "histogram record, two counters, event", "its score, trials, false ones; an event of each"),
    15: Answer("targets", "counter add", BY_HARDWARE + "engram_counter_add()"),
    16: Answer("targets", "two counters", BY_HARDWARE + "reads, and near ones"),
    17: Answer("targets", "counter add", "engramd knows the node by the CPU whose copy was added to: no call more"),
    18: Answer("targets", "counter add", BY_HARDWARE + "engram_counter_add()"),
    19: Answer("targets", "counter and up-down counter", "allocations, and how many are in use"),
    20: Answer("targets", "up-down counter", "engram_updown_add()"),
    21: Answer("targets", "fragmentation of 349,525 slots", "by engram-demo's pool, of a store of 1 GB, at its worst"),
    22: Answer("sensing", "what nodes have and how they compare: p50",
               "engramd reads all nodes; it says how uneven they are, and moves nothing"),
    23: Answer("targets", "address test, counter add", "engram_counter_add() of the test's result"),
    24: Answer("targets", "heap allocations", "by all calls above, as the allocator has counted them"),
    25: Answer("stream_latency", "alert to stream, tick 100 ms: p99", "from its cause to a client of /stream"),
}


def values_of(run, answer, unit, measured):
    """What was measured, in the target's unit."""
    if callable(answer.of):
        if answer.of not in measured:
            measured[answer.of] = answer.of(run)
        return measured[answer.of][answer.figure]
    own, values = figures.of(run, answer.of)[answer.figure, "engram"]
    return values if own == unit else [value * FACTOR[own, unit] for value in values]


def note_of(run, answer):
    """With the figures that are part of it."""
    def said(program, figure):
        unit, values = figures.of(run, program).get((figure, "engram"), ("", []))
        return f"{statistics.median(values):.0f} {unit}" if values else "(not measured here)"
    note = answer.note.replace("{pmu}", said("sensing", "64 software events of each CPU: p50"))
    if "{size}" in note:
        note = note.replace("{size}", said(answer.of, answer.figure.replace("p50", "bytes")))
    return note


def rows(run):
    measured = {}
    for target in targets():
        answer = ANSWERS[target.number]
        yield table.of(PART, f"{target.number}. {target.words}", "engram", target.unit,
                       values_of(run, answer, target.unit, measured), f"<= {target.bound}", note_of(run, answer))
