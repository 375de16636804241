"""What it costs to read 10,000 counters or 100 histograms: the sum of their copies, and an idle tick."""
import json
import subprocess

import table

PART = "reading 10,000 counters"
GOALS = {
    ("counters", 2, 2, "warm"): "<= 5",
    ("counters", 128, 128, "warm"): "<= 150",
    ("counters", 128, 128, "cold"): "<= 500",
}
KINDS = {
    "warm": ("warm", "engram"),
    "plain, warm": ("warm", "value by value"),
    "cold": ("caches evicted", "engram"),
    "plain, cold": ("caches evicted", "value by value"),
    "tick": ("a tick, nothing changed", "engram"),
}


def about(one):
    kind = "" if one["series"] == "counters" else "100 histograms, "
    written = "" if one["written"] == one["cpus"] else f", {one['written']} written"
    return f"{kind}{one['cpus']} CPUs{written}: {KINDS[one['what']][0]}"


def rows(run):
    ran = subprocess.run([run.build / "bench/reading"], check=True, capture_output=True, text=True)
    for one in map(json.loads, ran.stdout.splitlines()):
        who = KINDS[one["what"]][1]
        if who != "engram" and one["cpus"] != one["written"]:
            continue
        goal = GOALS.get((one["series"], one["cpus"], one["written"], one["what"]), "")
        yield table.of(PART, about(one), who, "us", one["us"], goal)
