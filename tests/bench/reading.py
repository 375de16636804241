"""What it costs to read 10,000 counters: the sum of their copies, and a tick in which nothing changed."""
import json
import subprocess

import table

PART = "reading 10,000 counters, or 100 histograms"
GOALS = {
    ("counters", 2, 2, "warm"): "<= 5",
    ("counters", 128, 128, "warm"): "<= 150",
    ("counters", 128, 128, "cold"): "<= 500",
}
KINDS = {
    "warm": ("caches warm", "engram"),
    "plain, warm": ("caches warm", "value by value"),
    "cold": ("caches evicted", "engram"),
    "plain, cold": ("caches evicted", "value by value"),
    "tick": ("a tick, nothing changed", "engram"),
}


def machine(cpus, written):
    return f"{cpus} CPUs" if cpus == written else f"{written} of {cpus} CPUs written"


def rows(run):
    ran = subprocess.run([run.build / "bench/reading"], check=True, capture_output=True, text=True)
    for one in map(json.loads, ran.stdout.splitlines()):
        what, who = KINDS[one["what"]]
        if who != "engram" and one["cpus"] != one["written"]:
            continue
        row = f"{one['series']}, {machine(one['cpus'], one['written'])}: {what}"
        goal = GOALS.get((one["series"], one["cpus"], one["written"], one["what"]), "")
        yield table.of(PART, row, who, "us", one["us"], goal)
