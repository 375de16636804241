#!/usr/bin/env python3
"""make bench: one table of what everything costs, ours beside others, measured by turns in one run.

Usage: run.py [part...]   Environment: BUILD (build), QUICK (1: under a minute, too short to judge by)

Each part is a module beside this one with rows(run), which yields table.Row.  The table goes to
stdout, and as JSON and as a picture to $BUILD/bench.json and $BUILD/bench.svg.
"""
import functools
import importlib
import os
import pathlib
import platform
import re
import signal
import sys

import picture
import table

PARTS = ["recording", "reading", "overhead", "attaching", "scraping", "sensing", "serving", "streams", "targets"]


class Run:
    """What all parts are told."""

    build = pathlib.Path(os.environ.get("BUILD", "build"))
    quick = bool(os.environ.get("QUICK"))
    turns = 3 if quick else 9

    def __init__(self):
        self.missing = []  # peers that are not installed, as sentences

    @functools.cache
    def rows_of(self, part):
        """All rows of a part, which measures once, for the table and for other parts."""
        print(f"{part} ...", file=sys.stderr, flush=True)
        return list(importlib.import_module(part).rows(self))


def machine():
    """What the figures are of."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return (f"{model[1] if model else platform.machine()}, {len(os.sched_getaffinity(0))} CPUs, "
            f"Linux {platform.release()}")


def main(wanted):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by which whatever was started is ended
    unknown = set(wanted) - set(PARTS)
    if unknown:
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    run, rows = Run(), []
    for name in wanted or PARTS:
        rows += run.rows_of(name)
    print(f"{machine()}; {run.turns} turns{', too short to judge by' if run.quick else ''}")
    print(table.text(rows))
    for sentence in run.missing:
        print(f"not measured: {sentence}")
    about = {"machine": machine(), "turns": run.turns, "missing": run.missing}
    (run.build / "bench.json").write_text(table.as_json(rows, **about) + "\n")
    (run.build / "bench.svg").write_text(picture.svg(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
