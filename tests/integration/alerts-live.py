#!/usr/bin/env python3
# tests/run: alone: twenty engines, ten daemons and a Prometheus want what CPUs there are.
"""Each alert there is, set off: by a fault of an engine, of the machine or of engramd, or on a machine
that is made up, below a --sysroot, where this one has no such part.  All durations are a sixtieth.  It
arrives at a receiver behind a real Prometheus and Alertmanager, nothing else does, and engramd, which
looks for itself, says the same."""
import os
import re
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from alert_sites import (Behind, Blind, Down, Engines, Intake, MadeUp, Restarting, SensorHangs, Sick,
                         Site, Slow, Usual)
from alert_watch import Seen, Watch
from live import wait_for

SECONDS = 90  # until all have to be there
ONLY_PROMETHEUS = {"EngramdDown", "EngramdRestarts"}  # engramd cannot tell of itself


def lacking(site, found):
    return {(site.name, process, name) for process, names in site.expected.items()
            for name in names - found.get(process, set())}


def unexpected(site, found):
    return {(site.name, process, name) for process, names in found.items()
            for name in names - site.expected.get(process, set())
            - (site.besides if not process else set())}


def all_of(seen, sites, function):
    """By who said it, or did not."""
    found = {}
    for who, said in seen.said().items():
        one = set().union(*(function(site, said.get(site.name, {})) for site in sites))
        if who == "engramd":
            one = {item for item in one if item[2] not in ONLY_PROMETHEUS}
        if one:
            found[who] = one
    return found


def show(sites):
    """Every alert, and what set it off; "made up" is what this machine has no part for."""
    rows = {}
    for site in sites:
        for process, names in site.expected.items():
            for name in names:
                rows.setdefault(name, f"{process or site.name}{', made up' if site.made_up else ''}")
    defined = {name for rules in ("engram", "absence")
               for name in re.findall(r"- alert: (\w+)", open(f"alerts/{rules}.rules.yml").read())}
    for name in sorted(rows):
        print(f"{name:32} {rows[name]}")
    assert set(rows) == defined, set(rows) ^ defined


def arrive(sites):
    """All of them within the time, and nothing else for some more of it."""
    with Watch(sites, with_alertmanager=True) as watch, Seen(watch, sites) as seen:
        for site in sites:
            site.break_it()
        try:
            wait_for(lambda: not all_of(seen, sites, lacking), "all alerts", SECONDS)
        except AssertionError:
            print(f"lacking: {all_of(seen, sites, lacking)}")
            raise
        time.sleep(2)
        wrong = all_of(seen, sites, unexpected)
        assert not wrong, f"unexpected: {wrong}"
        told = watch.receiver.severities
        assert told.get("on-call", set()) <= {"critical"}, told
        assert "critical" not in told.get("team", set()), told


def main():
    for program in ("prometheus", "prometheus-alertmanager", "strace"):
        if not shutil.which(program):
            print(f"{program} is not installed")
            sys.exit(77)
    all_sites, sites = [], []
    # What wants the machine for itself, what makes it busy, and the rest.
    stages = ((Usual,), (Behind, SensorHangs, Blind, Down, Restarting),
              (Engines, lambda: MadeUp(True), lambda: MadeUp(False), Site, Intake, Sick, Slow))
    for stage in stages:
        sites = []
        try:
            for kind in stage:
                sites.append(kind())
            arrive(sites)
        finally:
            for site in sites:
                site.close()
        all_sites += sites
    show(all_sites)


main()
