"""What it costs to read 10,000 counters: the sum of their copies, and a tick in which nothing changed."""
import json
import subprocess

import table

PART = "reading 10,000 counters"
GOALS = {(2, 2, "warm"): "<= 5", (128, 128, "warm"): "<= 150", (128, 128, "cold"): "<= 500"}
KINDS = {
    "warm": ("sum, warm", "engram"),
    "cold": ("sum, caches evicted", "engram"),
    "word by word, warm": ("sum, warm", "word by word"),
    "word by word, cold": ("sum, caches evicted", "word by word"),
    "tick": ("a tick, nothing changed", "engram"),
}


def machine(cpus, written):
    return f"{cpus} CPUs" if cpus == written else f"{written} of {cpus} CPUs written"


def rows(run):
    ran = subprocess.run([run.build / "bench/reading"], check=True, capture_output=True, text=True)
    for line in ran.stdout.splitlines():
        one = json.loads(line)
        what, who = KINDS[one["what"]]
        if who != "engram" and one["cpus"] != one["written"]:
            continue
        yield table.of(
            PART,
            f"{machine(one['cpus'], one['written'])}: {what}",
            who,
            "us",
            one["us"],
            GOALS.get((one["cpus"], one["written"], one["what"]), ""),
        )
