"""Turns: every contestant does an operation, one after the other, again and again, and what that gave."""
import os
import random
import sys

from contestant import Failed

LINE_NS = 6e6  # so short that on a busy machine most lines are not interrupted


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


class Turns:
    """What is asked of those who run, how often, and what they answered."""

    def __init__(self, quick):
        self.lines, self.cold = (1, 5) if quick else (5, 25)  # in each turn; rounds of a cold line
        self.taken = Taken()
        self.failed = {}  # who did not answer, and why: they are not asked again
        self.rounds = {}  # that make a line long enough

    def take(self, operation, running):
        """A turn of an operation, with one thread and with more."""
        threads = [number for number in operation.threads if number <= len(os.sched_getaffinity(0))]
        lines = 1 if operation.name.startswith("cold-") else self.lines
        those = [one for one in running if one.contestant.who in operation.who]
        for line in range(lines + 1):
            for one in random.sample(those, len(those)):  # nobody always comes after the same one
                for number in threads:
                    self.ask(one, operation.name, number, warm=line == 0)

    def ask(self, one, operation, threads, warm):
        who = one.contestant.who
        if who in self.failed:
            return
        try:
            (self.warm if warm else self.line)(one, operation, threads)
        except Failed as reason:
            if one.contestant.kind == "ours":
                sys.exit(f"{who}: {operation}: {reason}")
            self.failed[who] = str(reason)

    def warm(self, one, operation, threads):
        """The first records of a process meet pages that are not there yet; the next tell how long one takes."""
        own, _ = one.contestant.asked(operation)
        is_cold = own.startswith("cold-")
        answer = one.ask(own, threads, 1 if is_cold else 1000)
        key = (operation, threads, one.contestant.who)
        if answer and key not in self.rounds:
            self.rounds[key] = self.cold if is_cold else self.long_enough(one.ask(own, threads, 50000))

    @staticmethod
    def long_enough(answer):
        return max(1000, int(LINE_NS / max(answer["ns"], 0.1)))

    def line(self, one, operation, threads):
        own, _ = one.contestant.asked(operation)
        key = (operation, threads, one.contestant.who)
        if key in self.rounds:
            self.taken.add(key, one.ask(own, threads, self.rounds[key]), threads * self.rounds[key])
