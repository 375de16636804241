#!/usr/bin/env python3
"""A collector hangs: its values go, the rest is served on, another thread takes its place."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import BUILD, Daemon, wait_for

OUT = "engramd_collector_success{socket=\"1\"}"
REPLACED = "engramd_collector_replaced_total{socket=\"1\"}"
TWO_SOCKETS = {"HWLOC_SYNTHETIC": "package:2 numanode:1 core:1 pu:1"}


def of_node(values, node):
    return sum(value for series, value in values.items()
               if series.startswith("engram_operation_duration_seconds_count")
               and f'numa_node="{node}"' in series)


def freeze(daemon, thread):
    freezer = daemon.run(f"{BUILD}/helpers/freezer", str(thread),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if freezer.stdout.readline() != "frozen\n":
        print("the kernel does not let one process stop a thread of another")
        sys.exit(77)
    return freezer


def release(freezer):
    freezer.stdin.close()
    freezer.wait(timeout=10)


def replaced_after_a_hang(daemon):
    daemon.run(f"{BUILD}/engram-demo", "--threads", "2", "--seconds", "60", "--rate", "2000",
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = wait_for(lambda: of_node(daemon.scrape(), 1) and daemon.scrape(), "values of node 1")
    freezer = freeze(daemon, daemon.threads("collector/1")[0])
    out = wait_for(lambda: (v := daemon.scrape())[OUT] == 0 and v, "word of the hang")
    assert not of_node(out, 1), "values of a socket that is out are shown"
    assert of_node(out, 0) > of_node(before, 0), "the other socket is not served on"
    back = wait_for(lambda: (v := daemon.scrape())[OUT] == 1 and v, "the replacement")
    assert back[REPLACED] == 1
    assert of_node(back, 1) >= of_node(before, 1), "a counter fell"
    assert len(daemon.threads("collector/1")) == 2
    release(freezer)
    wait_for(lambda: len(daemon.threads("collector/1")) == 1, "the end of the thread that hung")
    later = daemon.scrape()
    assert later[OUT] == 1 and of_node(later, 1) >= of_node(back, 1)
    assert "a collector hangs" in daemon.log() and "is replaced" in daemon.log()


def stops_beside_a_hang(daemon):
    freezer = freeze(daemon, daemon.threads("collector/0")[0])
    daemon.process.terminate()
    # The frozen thread is traced, and so dies only once it is let go.
    wait_for(lambda: "it is left behind" in daemon.log(), "the end of waiting")
    release(freezer)
    assert daemon.process.wait(timeout=10) == 0


with Daemon(**TWO_SOCKETS) as daemon:
    replaced_after_a_hang(daemon)
    assert daemon.stop() == 0
with Daemon(**TWO_SOCKETS) as daemon:
    stops_beside_a_hang(daemon)
