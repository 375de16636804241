"""A row for each performance target of the requirements, listed in targets.txt: what of ours answers it."""
import dataclasses
import pathlib
import statistics

import figures
import table

PART = "performance targets of the requirements"
FACTOR = {("ns", "us"): 1e-3, ("ms", "s"): 1e-3}


@dataclasses.dataclass(frozen=True)
class Target:
    number: int
    words: str
    bound: str
    unit: str


@dataclasses.dataclass(frozen=True)
class Answer:
    """A figure of a program of tests/bench; or, of a part of the table, the row whose `what` begins so."""

    of: str
    figure: str
    note: str = ""
    is_row: bool = False


def targets():
    lines = pathlib.Path(__file__).with_name("targets.txt").read_text().splitlines()
    for line in lines:
        if not line.startswith("#"):
            number, words, bound, unit = line.split("\t")
            yield Target(int(number), words, bound, unit)


BY_HARDWARE = "the CPU counts, engramd reads it: 64 software events of a CPU in {pmu}; for what engines count: "
ANSWERS = {
    1: Answer("overhead", "CPU at 100000 op/s, upper bound", is_row=True),
    2: Answer("overhead", "memory of metrics", is_row=True),
    3: Answer("targets", "counter add", "engram_counter_add(), its handle read from memory each time"),
    4: Answer("targets", "histogram record", "engram_histogram_record()"),
    5: Answer("targets", "scrape of an engine: p50", "GET /metrics beside engram-demo: {size}"),
    6: Answer("targets", "scrape of 10,000 counters more: p50", "GET /metrics: {size}"),
    7: Answer("sensing", "that and health, when vmstat is read: p50", "in engramd, on each tick"),
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


def values_of(run, answer, unit):
    """What was measured, in the target's unit."""
    own, values = figures.of(run, answer.of)[answer.figure, "engram"]
    return values if own == unit else [value * FACTOR[own, unit] for value in values]


def row_of(run, answer, what, goal):
    """The row of another part, under another heading."""
    found = next(row for row in run.rows_of(answer.of) if row.what.startswith(answer.figure))
    note = f"{found.what}: {found.who}; {found.note}"
    return dataclasses.replace(found, part=PART, what=what, who="engram", goal=goal, note=note)


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
    for target in targets():
        answer = ANSWERS[target.number]
        what, goal = f"{target.number}. {target.words}", f"<= {target.bound}"
        if answer.is_row:
            yield row_of(run, answer, what, goal)
        else:
            yield table.of(PART, what, "engram", target.unit, values_of(run, answer, target.unit), goal,
                           note_of(run, answer))
