#!/usr/bin/env python3
"""What make bench makes of figures: goals reached and missed, what a library lost, ratios, the picture."""
import os
import pathlib
import stat
import sys
import tempfile
import xml.dom.minidom

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../bench"))
import contestant
import picture
import recording
import table
import turns

# A library that takes 2 ns with one thread and 6 ns with two, when it loses a tenth.
LIBRARY = """#!/usr/bin/env python3
import json, sys
for line in sys.stdin:
    operation, threads, rounds = line.split()
    threads, count = int(threads), int(threads) * int(rounds)
    if operation != "counter":
        print(json.dumps({"absent": "none"}), flush=True)
    else:
        kept = count - (threads - 1) * count // 10
        print(json.dumps({"ns": 6 if threads > 1 else 2, "count": kept}), flush=True)
"""
MUTE = "#!/bin/sh\necho no daemon >&2\nexit 3\n"


def expect(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"{what}: {seen!r} instead of {wanted!r}")


def goals():
    reached = table.of("p", "w", "engram", "ns", [3, 1, 2], "<= 2")
    expect("least and median", (reached.least, reached.median, reached.reached()), (1, 2, True))
    expect("a goal that is missed", table.of("p", "w", "engram", "ns", [1, 2.1, 3], "<= 2").reached(), False)
    expect("no goal", table.of("p", "w", "other", "ns", [1]).reached(), None)
    rate = table.of("p", "w", "engram", "1/s", [1, 2, 3], ">= 3")
    expect("the best of rates", (rate.least, rate.reached()), (3, False))
    expect("the best of a ratio that is to be small", table.of("p", "w", "e", "x", [1, 2, 3], "<= 3").least, 1)
    lines = table.text([reached, rate]).splitlines()
    expect("verdicts", [line.split("goal")[1] for line in lines if "goal" in line], [" <= 2: reached", " >= 3: MISSED"])


def measured(room):
    """Three turns of a library and of one that ends at once."""
    taking = turns.Turns(quick=True)
    for name, text in (("library", LIBRARY), ("mute", MUTE)):
        (room / name).write_text(text)
        (room / name).chmod(stat.S_IRWXU)
    running = [contestant.Running(contestant.Contestant(who, (f"{{}}/{program}",), "peer"), room, room, 1 << 20)
               for who, program in (("good", "library"), ("silent", "mute"))]
    for operation in ("counter", "span") * 3:
        taking.take(recording.Operation(operation, "p", operation, ["good", "silent"]), running)
    for one in running:
        one.stop()
    return taking.taken, taking.failed


def driver():
    with tempfile.TemporaryDirectory() as room:
        taken, failed = measured(pathlib.Path(room))
    expect("who took part", taken.whose("counter", 1), ["good"])
    expect("an operation that nobody has", taken.whose("span", 1), [])
    expect("one line each", taken.ns["counter", 1, "good"], [2, 2, 2])
    expect("nothing lost", taken.loss(("counter", 1, "good")), "")
    expect("who does not answer is named", failed, {"silent": "no daemon"})
    if ("counter", 2, "good") in taken.ns:  # not on one CPU
        loss = taken.loss(("counter", 2, "good"))
        if not loss.startswith("LOST ") or not loss.endswith("(10.0%)"):
            sys.exit(f"a tenth was lost: {loss!r}")


def filled(figures, lost=()):
    taken = turns.Taken()
    for (threads, who), ns in figures.items():
        for each in ns:
            kept = 90 if (threads, who) in lost else 100
            taken.add(("counter", threads, who), {"ns": each, "count": kept}, 100)
    return taken


def ratios():
    operation = recording.Operation("counter", "p", "add", [])
    figures = {(1, "engram"): [1, 1, 2], (1, "PCP MMV"): [2, 2, 2], (1, "Rust prometheus"): [4, 5, 6],
               (1, "atomic increment"): [1, 1, 1]}
    row, = recording.times_faster(operation, 1, filled(figures))
    expect("beside the fastest library", (row.median, row.reached()), (2, False))
    row, = recording.times_faster(operation, 1, filled(figures, lost=[(1, "PCP MMV")]))
    expect("one that loses is no measure", (row.least, row.median, row.reached()), (4, 5, True))
    expect("what it follows from", row.note, "faster than Rust prometheus, the fastest that counts right")
    expect("nobody to be beside", list(recording.times_faster(operation, 1, filled({(1, "engram"): [1]}))), [])
    figures |= {(2, "engram"): [2, 3, 9], (1, "the loop alone"): [1], (2, "the loop alone"): [1.5]}
    row, = recording.beside_one_thread(operation, filled(figures))
    expect("two threads to one", (row.least, row.median, row.reached()), (2, 3, False))
    expect("a machine that is busy", "1.50" in row.note, True)
    try:
        recording.check_ours(filled(figures, lost=[(1, "engram")]))
    except SystemExit as complaint:
        expect("ours lost", "LOST 30 of 300" in str(complaint), True)
    else:
        sys.exit("ours lost a tenth and nobody says so")


def bars():
    rows = [table.of("counters", "add", who, "ns", [ns]) for who, ns in (("engram", 0.5), ("<other>", 50))]
    rows.append(table.of("counters", "only of ours", "engram", "ns", [1]))
    rows.append(table.of("counters", "add", "engram", "x", [100]))
    drawing = xml.dom.minidom.parseString(picture.svg(rows))
    found = [(bar.getAttribute("class"), float(bar.getAttribute("width")))
             for bar in drawing.getElementsByTagName("rect")[1:]]
    share = picture.BAR / 3  # the axis is from 0.1 to 100
    expect("bars", found, [("ours", round(share * 0.69897, 1)), ("other", round(share * 2.69897, 1))])


for part in (goals, driver, ratios, bars):
    part()
