#!/usr/bin/env python3
# tests/run: alone: twelve engines want what CPUs there are.
"""Each fault that engram-demo can have moves what it is about, and without it that stays where it
belongs; tasks that wait for workers turn thread_pool, and it recovers."""
import json
import math
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import BUILD, Daemon, ask, wait_for

HEALTHY = "healthy"
RATE = 4000


def demo(daemon, name, *options):
    return daemon.run(f"{BUILD}/engram-demo", "--process", name, "--threads", "1", "--rate",
                      str(RATE), "--seconds", "0", *options,
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Process:
    """The series of one process, at two times."""

    def __init__(self, before, now, seconds, name):
        self.before, self.current, self.seconds, self.name = before, now, seconds, name

    def find(self, values, family, **labels):
        found = []
        for series, value in values.items():
            if series.startswith(family + "{") and f'process="{self.name}"' in series and all(
                    f'{label}="{text}"' in series for label, text in labels.items()):
                found.append(value)
        return found

    def now(self, family, **labels):
        return sum(self.find(self.current, family, **labels)) if self.find(
            self.current, family, **labels) else math.nan

    def rise(self, family, **labels):
        return self.now(family, **labels) - sum(self.find(self.before, family, **labels))

    def rate(self, family, **labels):
        return self.rise(family, **labels) / self.seconds

    def imbalance(self):
        one = self.find(self.current, "engram_cls_hippocampal_weight_ratio")
        other = self.find(self.current, "engram_cls_neocortical_weight_ratio")
        return max((abs(a - b) for a, b in zip(one, other)), default=math.nan)

    def recall_seconds(self):
        family = "engram_operation_duration_seconds"
        return (self.rise(family + "_sum", operation="recall") /
                self.rise(family + "_count", operation="recall"))


# What each is about, and whether that is amiss.
FAULTS = {
    "allocation": lambda p: p.rise("engram_zero_allocation_violations") > 0,
    "atomics": lambda p: p.now("engram_atomic_operation_contention") > 100,
    "audit": lambda p: p.now("engram_hnsw_audit_violations", kind="asymmetric_edge") > 0,
    "contention": lambda p: p.rate("engram_lock_free_contentions_total", component="store") > 1000,
    "degradation": lambda p: p.rise("engram_graceful_degradation_events") > 5,
    "false-memories": lambda p: p.now("engram_false_memory_generation_rate") > 0.8,
    "fragmentation": lambda p: p.now("engram_memory_pool_fragmentation_ratio",
                                     pool_type="vector_arena") > 0.3,
    "imbalance": lambda p: p.imbalance() > 0.8,
    "misaligned": lambda p: p.now("engram_cache_aligned_allocations_percent") < 95,
    "slow-recall": lambda p: p.recall_seconds() > 0.001,
    "stalled-consolidation": lambda p: p.rise("engram_consolidation_transition_duration_ms_count")
                                       == 0,
    "stalled-workers": lambda p: p.now("engram_worker_queue_depth") > 64,
}


def check_all_are_tried():
    usage = subprocess.run([f"{BUILD}/engram-demo", "--help"], capture_output=True, text=True,
                           check=True).stdout
    assert re.findall(r"^ {20}([a-z-]+): ", usage, re.M) == list(FAULTS), usage


def each_fault_moves_what_it_is_about():
    """All at a time, each in a process of its own, beside one that has none."""
    with Daemon() as daemon:
        for name in (HEALTHY, *FAULTS):
            demo(daemon, name, *([] if name == HEALTHY else ["--fault", name]))
        wait_for(lambda: all(f'process="{name}"' in str(daemon.scrape()) for name in FAULTS), "all")
        began, before = time.monotonic(), daemon.scrape()

        def missing():
            now, seconds = daemon.scrape(), time.monotonic() - began
            healthy = Process(before, now, seconds, HEALTHY)
            wrong = [f"{name} where there is none" for name, amiss in FAULTS.items()
                     if amiss(healthy)]
            return wrong + [name for name, amiss in FAULTS.items()
                            if not amiss(Process(before, now, seconds, name))]
        time.sleep(8)
        try:
            wait_for(lambda: not missing(), "all faults and no more")
        except AssertionError:
            print(missing())
            raise


def workers_that_stall_turn_the_thread_pool():
    with Daemon() as daemon:
        def pool():
            checks = json.loads(ask(daemon.socket, "/health")[1])["checks"]
            return next(check for check in checks if check["component"] == "thread_pool")
        demo(daemon, "stalls", "--fault", "stalled-workers:0:8")
        wait_for(lambda: pool()["status"] == "unhealthy" and
                 "tasks wait for each of 1 workers" in pool()["reason"], "queues that fill up")
        wait_for(lambda: pool()["status"] == "healthy", "it recovers")


def main():
    check_all_are_tried()
    each_fault_moves_what_it_is_about()
    workers_that_stall_turn_the_thread_pool()


main()
