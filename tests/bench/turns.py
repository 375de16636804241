"""Turns: every contestant does an operation, one after the other, again and again, and what that gave."""
import os
import sys

from contestant import Failed

LINE_NS = 6e6  # so short that on a busy machine most lines are not interrupted
COLD_ROUNDS = {True: 5, False: 25}  # quick or not


class Taken:
    """All that was measured: ns by operation, threads and contestant, and what was lost meanwhile."""

    def __init__(self):
        self.ns, self.lost, self.asked_for = {}, {}, {}

    def add(self, key, answer, expected):
        self.ns.setdefault(key, []).append(answer["ns"])
        if "count" in answer:
            self.lost[key] = self.lost.get(key, 0) + expected - answer["count"]
            self.asked_for[key] = self.asked_for.get(key, 0) + expected

    def whose(self, operation, threads):
        """Who took part."""
        return [key[2] for key in self.ns if key[:2] == (operation, threads)]

    def loss(self, key):
        """In words; "" where nothing was lost."""
        lost = self.lost.get(key, 0)
        return f"LOST {lost:,} of {self.asked_for[key]:,} ({lost / self.asked_for[key]:.1%})" if lost else ""


class Rounds:
    """How many rounds make a line last long enough, by contestant, operation and threads."""

    def __init__(self, quick):
        self.cold = COLD_ROUNDS[quick]
        self.known = {}

    def of(self, running, operation, own, threads):
        """None where the contestant has no such operation."""
        key = (running.contestant.who, operation, threads)
        if key not in self.known:
            self.known[key] = self.found(running, own, threads)
        return self.known[key]

    def found(self, running, own, threads):
        if own.startswith("cold-"):
            return self.cold if running.ask(own, threads, 1) else None
        for rounds in (1000, 50000):  # the first meets pages that are not there yet
            answer = running.ask(own, threads, rounds)
            if not answer:
                return None
        return max(1000, int(LINE_NS / max(answer["ns"], 0.1)))


def take_one(running, operation, threads, rounds, taken):
    own, _ = running.contestant.asked(operation.name)
    count = rounds.of(running, operation.name, own, threads)
    if count:
        key = (operation.name, threads, running.contestant.who)
        taken.add(key, running.ask(own, threads, count), threads * count)


def number_of(run, operation):
    """Of turns: as many more as their lines are short."""
    return run.turns if run.quick or operation.name.startswith("cold-") else 5 * run.turns


def take(run, operation, running, rounds, taken):
    """All turns of one operation; who fails is left out from then on, and named."""
    threads = [number for number in operation.threads if number <= len(os.sched_getaffinity(0))]
    for turn in range(number_of(run, operation)):
        for one in [one for one in running if one.contestant.who in operation.who][::1 if turn % 2 else -1]:
            try:
                for number in threads:
                    take_one(one, operation, number, rounds, taken)
            except Failed as reason:
                if one.contestant.kind == "ours":
                    sys.exit(f"{one.contestant.who}: {operation.name}: {reason}")
                run.missing.append(f"{one.contestant.who}: {reason}")
                running.remove(one)
