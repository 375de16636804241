#!/usr/bin/env python3
"""make bench: one table of what everything costs, ours beside others, measured by turns in one run.

Usage: run.py [part...]   Environment: BUILD (build), QUICK (1: under a minute, too short to judge by)

Each part is a module beside this one with rows(run), which yields table.Row.  The table goes to
stdout, and as JSON and as a picture to $BUILD/bench.json and $BUILD/bench.svg.
"""
import importlib
import os
import pathlib
import sys

import table

PARTS = ["reading"]


class Run:
    """What all parts are told."""

    build = pathlib.Path(os.environ.get("BUILD", "build"))
    quick = bool(os.environ.get("QUICK"))
    turns = 3 if quick else 9

    def __init__(self):
        self.missing = []  # peers that are not installed, as sentences


def main(wanted):
    unknown = set(wanted) - set(PARTS)
    if unknown:
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    run, rows = Run(), []
    for name in wanted or PARTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(name).rows(run)
    print(table.text(rows))
    for sentence in run.missing:
        print(f"not measured: {sentence}")
    (run.build / "bench.json").write_text(table.as_json(rows, missing=run.missing) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
