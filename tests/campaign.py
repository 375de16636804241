#!/usr/bin/env python3
"""A campaign of faults: in each round engines and made-up machines have faults, by values drawn anew,
and beside them others are well.  Prints for each alert how many faults it missed, and how many healthy
stretches it spoilt, with 95 % bounds, by Prometheus and by engramd itself: campaign.py [ROUNDS]."""
import math
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from alert_sites import Engines, Intake, MadeUp, Sick
from alert_watch import Seen, Watch

SECONDS = 50  # of a round: at a sixtieth, fifty minutes
GOALS = {"missed": 0.01, "spoilt": 0.05}


def tail(count, most, chance):
    """How likely at most so many of `count` are, each by that chance."""
    if chance in (0, 1):
        return float(chance == 0 or most >= count)
    return sum(math.exp(math.lgamma(count + 1) - math.lgamma(i + 1) - math.lgamma(count - i + 1) +
                        i * math.log(chance) + (count - i) * math.log1p(-chance))
               for i in range(most + 1))


def bound(count, bad, side):
    """Of the interval by C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), at 95 %."""
    if side == "low" and bad == 0:
        return 0.0
    least, most = 0.0, 1.0
    for _ in range(60):
        middle = (least + most) / 2
        high = tail(count, bad, middle) < 0.025 if side == "high" else 1 - tail(
            count, bad - 1, middle) > 0.025
        least, most = (least, middle) if high else (middle, most)
    return (least + most) / 2


class Judge:
    """What one of the two, Prometheus or engramd, got right and wrong."""

    def __init__(self, who):
        self.who, self.faults, self.stretches, self.wrong = who, {}, {}, []

    def take(self, site, found):
        for process, names in site.expected.items():
            seen = found.get(process, set())
            for name in names:
                count, missed = self.faults.get(name, (0, 0))
                self.faults[name] = (count + 1, missed + (name not in seen))
            for name in names - seen:
                self.wrong.append(f"{name} missed: {site.name} {process} {site.said()}")
        for subject, names in site.healthy(found):
            count, spoilt = self.stretches.get(subject, (0, 0))
            self.stretches[subject] = (count + 1, spoilt + bool(names))
            if names:
                self.wrong.append(f"{subject} spoilt by {names}: {site.name} {site.said()}")

    def show(self):
        good = True
        print(f"\n{self.who}:")
        for title, table in (("missed", self.faults), ("spoilt", self.stretches)):
            print(f"  {'fault' if title == 'missed' else 'healthy':34} {'tried':>6} {title:>7}")
            for name in sorted(table):
                print(f"  {name:34} {table[name][0]:6} {table[name][1]:7}")
            count, bad = (sum(column) for column in zip(*table.values()))
            low, high = (bound(count, bad, side) for side in ("low", "high"))
            good &= bad / count < GOALS[title]
            print(f"  {'all':34} {count:6} {bad:7}   {bad / count:.2%}, 95 %: {low:.2%} to {high:.2%}"
                  f"; goal < {GOALS[title]:.0%}")
        for line in self.wrong:
            print(f"  {line}")
        return good


def one_round(judges):
    sites = []
    try:
        for kind in (Engines, lambda: MadeUp(True), lambda: MadeUp(False), Intake, Sick):
            sites.append(kind())
        with Watch(sites) as watch, Seen(watch, sites) as seen:
            time.sleep(random.uniform(0, 2))
            for site in sites:
                site.break_it()
            time.sleep(SECONDS)
        for judge in judges:
            for site in sites:
                judge.take(site, seen.said()[judge.who].get(site.name, {}))
    finally:
        for site in sites:
            site.close()


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    random.seed(seed)
    judges = [Judge("Prometheus"), Judge("engramd")]
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        one_round(judges)
    print(f"SEED={seed}")
    if not all([judge.show() for judge in judges]):
        sys.exit(1)


main()
