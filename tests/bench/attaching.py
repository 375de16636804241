"""What it takes a process to attach and to register series: once in each of many new processes."""
import json
import os
import subprocess
import tempfile

import table

PART = "attach and register"
# Of attaching.c's figures: what it is, the unit, how many ns that is, the goal, a note.
FIGURES = {
    "attach": ("attach", "ms", 1e6, "<= 3", "before the first chunk of a CPU"),
    "first": ("first record, which reserves a chunk", "ms", 1e6, "", "64 KiB, for one CPU"),
    "few": ("register, each of the first 10,000", "us", 1e3, "", ""),
    "many": ("register, 10,000 are registered", "us", 1e3, "<= 2", "each of 1,000 new ones"),
    "again": ("register what is registered", "us", 1e3, "", "each of 1,000 of 11,000"),
}


def once(run):
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="engram-bench-") as directory:
        said = subprocess.run([run.build / "bench" / "attaching"], stdout=subprocess.PIPE,
                              env={**os.environ, "ENGRAM_DIR": directory}, check=True).stdout
    return json.loads(said)


def rows(run):
    found = [once(run) for _ in range(5 if run.quick else 50)]
    for figure, (what, unit, ns, goal, note) in FIGURES.items():
        yield table.of(PART, what, "engram", unit, [one[figure] / ns for one in found], goal, note)
