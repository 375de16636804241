#!/usr/bin/env python3
"""No record call allocates, nor does the daemon in its ticks while nobody asks it anything.

Counted by an interposed allocator, mappings included.  What the daemon allocates is what it keeps:
a block of its history each second, on the thread of its event loop.
"""
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

sys.path.append("tests")
from live import BUILD, Daemon, wait_for

SECONDS = 5  # of steady ticks: of those of 100 ms, and of what is done once a second
HISTORY = "engramd"  # the thread that keeps it


def build(room):
    library = f"{room}/allocations.so"
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-fPIC", "-shared",
                    "tests/helpers/shared/allocations.c", "-o", library], check=True)
    return library


def counted(room, library):
    """Environment of a program whose allocations are counted anew, and a way to read them."""
    path = pathlib.Path(f"{room}/counts")
    path.write_bytes(bytes(64 * 32))

    def made():
        records = struct.iter_unpack("16sQ8x", path.read_bytes()[32:])
        return {name.rstrip(b"\0").decode(): count for name, count in records if name[0]}

    return path, {"LD_PRELOAD": library, "ALLOCATIONS": str(path)}, made


def record_calls():
    """Of api.h, those that are not about attaching and registering."""
    api = pathlib.Path("include/engram/api.h").read_text()
    calls = set(re.findall(r"^ENGRAM_FUNCTION .*[ *](engram_\w+)\(", api, re.M))
    assert calls, "no call is found in api.h"
    return {call for call in calls
            if not re.search(r"_(attach|detach|reason|register|new)$", call)}


def no_record_allocates(room, library, **environment):
    _, preload, _ = counted(room, library)
    with tempfile.TemporaryDirectory(prefix="engram-test-", dir="/dev/shm") as regions:
        said = subprocess.run([f"{BUILD}/helpers/records"], stdout=subprocess.PIPE, text=True,
                              check=True, env={**os.environ, **preload, "ENGRAM_DIR": regions,
                                               **environment}).stdout.split()
    made = list(zip(said[::2], map(int, said[1::2])))
    assert made.pop() == ("malloc", 1), "the control, which allocates, is not counted"
    assert {call for call, _ in made} == record_calls(), record_calls() ^ {call for call, _ in made}
    assert not any(count for _, count in made), made


def risen(before, after):
    return {name: count - before.get(name, 0) for name, count in after.items()}


def no_tick_allocates(room, library):
    path, preload, made = counted(room, library)
    with Daemon(**preload) as daemon:
        daemon.run(f"{BUILD}/engram-demo", "--rate", "2000", "--seconds", "0",
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: "engram_operation" in str(daemon.scrape()), "the demo")
        time.sleep(3)  # what is allocated once, by whatever comes late
        before = made()
        time.sleep(SECONDS)
        steady = risen(before, made())
        if any(count for name, count in steady.items() if name != HISTORY):
            with open(path, "r+b") as file:
                file.write(struct.pack("q", 50))
            time.sleep(SECONDS)
            raise AssertionError(f"allocated in {SECONDS} s, and where is in the log: {steady}")
        assert 0 < steady[HISTORY] <= 3 * SECONDS, steady
        print(f"in {SECONDS} s: {steady}")


def main():
    with tempfile.TemporaryDirectory() as room:
        library = build(room)
        no_record_allocates(room, library)
        no_record_allocates(room, library, GLIBC_TUNABLES="glibc.pthread.rseq=0")
        no_record_allocates(room, library, ENGRAM_METRICS="off")
        no_tick_allocates(room, library)


main()
