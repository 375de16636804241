#!/usr/bin/env python3
"""LTTng-UST as a contestant: lttng.py PROGRAM, which is lttng.c; ROOM is a directory for its traces.

Starts a session daemon unless one runs, and a session of its own, which its consumer writes to disk
while events come.  The count of an answer is what was emitted less what LTTng says it discarded.
"""
import json
import os
import re
import subprocess
import sys
import time

SESSION = f"engram-bench-{os.getpid()}"
# Large enough for the consumer to keep up; of what it has written the last 16 MB of a CPU are kept.
CHANNEL = ["--subbuf-size=2M", "--num-subbuf=8", "--tracefile-size=8M", "--tracefile-count=2"]


def lttng(*words):
    return subprocess.run(["lttng", "--no-sessiond", *words], capture_output=True, text=True, check=True).stdout


def is_running():
    return subprocess.run(["lttng", "--no-sessiond", "list"], capture_output=True).returncode == 0


def start_daemon():
    """None where one runs already."""
    if is_running():
        return None
    daemon = subprocess.Popen(["lttng-sessiond", "--no-kernel"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        if is_running():
            return daemon
        time.sleep(0.1)
    sys.exit("lttng-sessiond does not answer")


def start_session():
    lttng("create", SESSION, f"--output={os.environ['ROOM']}/trace")
    lttng("enable-channel", "--userspace", "--session", SESSION, *CHANNEL, "bench")
    lttng("enable-event", "--userspace", "--session", SESSION, "--channel", "bench", "engram_bench:event")
    lttng("start", SESSION)


def discarded():
    """Of all so far; the session has to be stopped, or the last are not counted."""
    lttng("stop", SESSION)
    found = re.search(r"Discarded events: (\d+)", lttng("list", SESSION))
    lttng("start", SESSION)
    return int(found[1]) if found else 0


def serve(peer):
    for line in sys.stdin:
        peer.stdin.write(line)
        peer.stdin.flush()
        answer = json.loads(peer.stdout.readline())
        if "ns" in answer:
            _, threads, rounds = line.split()
            before, serve.lost = serve.lost, discarded()
            answer["count"] = int(threads) * int(rounds) - (serve.lost - before)
        print(json.dumps(answer), flush=True)


serve.lost = 0


def main():
    daemon = start_daemon()
    try:
        start_session()
        os.environ["LTTNG_UST_REGISTER_TIMEOUT"] = "-1"  # until the session daemon knows it
        with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
            serve(peer)
        lttng("destroy", SESSION)
    finally:
        if daemon:
            daemon.terminate()
            daemon.wait()


main()
