#!/usr/bin/env python3
"""Memory and links of machines that are made up below a --sysroot.  Boxes of the PMU are the
kernel's clocks of its CPUs under other names, which count a known number each second, so that the
whole way from the descriptions in sysfs to the kernel and to the metrics is gone; caches are files
that a thread keeps rising."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import Daemon, ask, wait_for
from machine import Caches, Machine

CLOCK = 1e9  # of a CPU's clock, a second
NODE = ('engram_numa_memory_bandwidth_bytes_per_second{{direction="{}",node="{}",source="{}"}}')
CROSS = 'engram_numa_cross_socket_bandwidth_gbps{{direction="{}"}}'
BUSY = "engram_numa_cross_socket_utilization_ratio"


def becomes(daemon, series, value):
    """Within a twentieth: what rises here does so in steps."""
    def is_right():
        return abs(daemon.scrape().get(series, 0) - value) <= value / 20
    try:
        wait_for(is_right, f"{series} of {value}")
    finally:
        print(f"{series}: {daemon.scrape().get(series)}, {value}")


def absent(daemon, prefix):
    found = [series for series in daemon.scrape() if series.startswith(prefix)]
    assert not found, found


def reason(daemon, event):
    for series in daemon.scrape():
        if series.startswith("engram_hardware_event_available{") and f'event="{event}"' in series:
            return (re.search('reason="([^"]*)"', series) or [None, ""])[1]
    return None


def boxes(root):
    machine = Machine(root, 2)
    machine.box("uncore_imc_0", "0-1")
    machine.named("uncore_imc_0", "cas_count_read", "event=0x04,umask=0x03")
    machine.named("uncore_imc_0", "cas_count_write", "config=1")
    machine.box("uncore_imc_free_running_0", "0-1")
    machine.named("uncore_imc_free_running_0", "cas_count_read", "config=0")
    machine.named("uncore_imc_free_running_0", "cas_count_write", "config=0")
    machine.box("uncore_upi_0", "0-1")
    machine.box("uncore_upi_1", "0-1")
    with Caches(machine, ((3e9, 1e9), (500, 400))), \
            Daemon("--sysroot", root, "--cross-socket-capacity", "40") as daemon:
        if reason(daemon, "memory_read_bytes") == "permission":
            print("not tried: boxes of the PMU, which take CAP_PERFMON")
            return
        for node in (0, 1):
            becomes(daemon, NODE.format("read", node, "pmu"), CLOCK * 64)
            becomes(daemon, NODE.format("write", node, "pmu"), CLOCK * 64)
        sent = 2 * CLOCK * 64 / 9  # of two links
        becomes(daemon, CROSS.format("read"), 2 * sent / 1e9)
        becomes(daemon, CROSS.format("write"), 2 * sent / 1e9)
        becomes(daemon, BUSY, sent / 40e9)
        absent(daemon, NODE.format("any", 0, "resctrl"))
        absent(daemon, CROSS.format("any"))
        assert reason(daemon, "memory_bytes") == ""  # which count all the same


def caches_of_two(root):
    with Caches(Machine(root, 2), ((3e9, 1e9), (500e6, 400e6))) as caches, \
            Daemon("--sysroot", root, "--cross-socket-capacity", "2.4") as daemon:
        becomes(daemon, NODE.format("any", 0, "resctrl"), 1.1e9)
        becomes(daemon, NODE.format("any", 1, "resctrl"), 2.4e9)
        becomes(daemon, CROSS.format("any"), 2.1)
        becomes(daemon, BUSY, 2 / 2.4)
        for event in ("memory_read_bytes", "cross_socket_sent_bytes"):
            assert reason(daemon, event) == "not_supported", event
        wait_for(lambda: b"can carry" in ask(daemon.socket, "/health")[1], "the check of the links")
        caches.says[1] = "Unavailable"
        wait_for(lambda: reason(daemon, "memory_bytes") == "unavailable", "the reason")
        absent(daemon, "engram_numa_memory_bandwidth")
        absent(daemon, "engram_numa_cross_socket")
        del caches.says[1]
        becomes(daemon, NODE.format("any", 1, "resctrl"), 2.4e9)


def caches_of_three(root):
    """Whose memory was remote is not known, but that it was."""
    with Caches(Machine(root, 3), ((3e9, 2e9), (4e9, 2e9), (2e9, 2e9))), \
            Daemon("--sysroot", root) as daemon:
        becomes(daemon, CROSS.format("any"), 3)
        absent(daemon, "engram_numa_memory_bandwidth")
        absent(daemon, BUSY)


def nothing(root):
    Machine(root, 2)
    with Daemon("--sysroot", root) as daemon:
        wait_for(lambda: reason(daemon, "local_memory_bytes") == "not_found", "the reason")
        absent(daemon, "engram_numa_memory_bandwidth")
        absent(daemon, "engram_numa_cross_socket")


def main():
    for test in (boxes, caches_of_two, caches_of_three, nothing):
        with tempfile.TemporaryDirectory(prefix="engram-sysroot-") as root:
            print(f"-- {test.__name__}")
            test(root)


main()
