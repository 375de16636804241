#!/usr/bin/env python3
"""The npm package eventsource, as it is, through a daemon that is killed and started again."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import Daemon
from restarted import STREAM, free_port, goes_through_a_restart

PACKAGE = "eventsource@3.0.7"
CLIENTS = os.path.join(os.path.dirname(__file__), "..", "clients")


def skip(why):
    print(why)
    sys.exit(77)


def install(room):
    for program in "node", "npm":
        if not shutil.which(program):
            skip(f"{program} is not installed: apt-get install nodejs npm")
    for name in "node.mjs", "values.mjs":
        shutil.copy(os.path.join(CLIENTS, name), room)
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE],
                          cwd=room, capture_output=True, text=True)
    if done.returncode:
        skip(f"npm cannot install {PACKAGE}: {(done.stderr.splitlines() or ['?'])[-1]}")


with tempfile.TemporaryDirectory() as room:
    install(room)
    port = free_port()
    with Daemon("--listen", f"127.0.0.1:{port}") as daemon:
        client = daemon.run("node", f"{room}/node.mjs", f"http://127.0.0.1:{port}{STREAM}",
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def known():
            print(file=client.stdin, flush=True)
            return json.loads(client.stdout.readline())

        goes_through_a_restart(daemon, known)
