#!/usr/bin/env python3
"""Writers and the daemon are killed at random instants: nothing is lost, nothing counted twice.

Each writer notes in a file what it has begun and what it has done.  In the end, for every counter,
done <= total <= begun, apart by at most one operation for each kill and thread; and between any two
scrapes, the daemon's own restarts included, no counter or histogram falls or goes missing.

    KILLS=2000 DAEMON_KILLS=200 tests/integration/continuity.py
"""
import http.client
import mmap
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import live

BUILD = os.environ.get("BUILD", "build")
KILLS = int(os.environ.get("KILLS", "300"))
DAEMON_KILLS = int(os.environ.get("DAEMON_KILLS", "30"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
WRITERS = ("alpha", "alpha", "beta", "gamma")  # two of them share a name
THREADS = 2


def scrape(path):
    """The values of all that must never fall, or None while no daemon answers."""
    try:
        body = live.scrape(path).decode()
    except (OSError, http.client.HTTPException):
        return None
    values = {}
    for line in body.splitlines():
        if line.startswith("victim_"):
            series, value = line.rsplit(" ", 1)
            values[series] = float(value)
    return values


class Watcher(threading.Thread):
    """Scrapes all the time and compares each scrape with the one before."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.stop = path, False
        self.seen, self.wrong, self.scrapes = {}, [], 0

    def run(self):
        while not self.stop:
            values = scrape(self.path)
            if values is None:
                time.sleep(0.002)
                continue
            self.scrapes += 1
            for series, before in self.seen.items():
                now = values.get(series)
                if now is None or now < before:
                    self.wrong.append(f"{series} was {before!r}, is {now!r}")
            self.seen.update(values)
            time.sleep(0.005)


class House:
    def __init__(self, room):
        self.room = room
        self.regions = tempfile.mkdtemp(prefix="engram-test-", dir="/dev/shm")
        self.socket = f"{room}/socket"
        self.ledger = f"{room}/ledger"
        self.log = open(f"{room}/engramd.log", "w")
        with open(self.ledger, "wb") as ledger:
            ledger.write(bytes(4096))
        self.daemon, self.writers = None, [None] * len(WRITERS)

    def start_daemon(self):
        self.daemon = subprocess.Popen(
            [f"{BUILD}/engramd", "--listen", f"unix:{self.socket}", "--region-dir", self.regions,
             "--state-dir", f"{self.room}/state", "--tick", "20"], stderr=self.log)

    def start_writer(self, index):
        self.writers[index] = subprocess.Popen(
            [f"{BUILD}/helpers/victim", WRITERS[index], self.ledger, str(index * THREADS)],
            env={**os.environ, "ENGRAM_DIR": self.regions})

    def kill(self, process):
        process.kill()
        process.wait()

    def truth(self):
        """begun and done by process name."""
        with open(self.ledger, "rb") as file, mmap.mmap(file.fileno(), 4096, prot=1) as ledger:
            truth = {}
            for index, name in enumerate(WRITERS):
                for thread in range(THREADS):
                    pair = struct.unpack_from("QQ", ledger, 16 * (index * THREADS + thread))
                    begun, done = truth.get(name, (0, 0))
                    truth[name] = (begun + pair[0], done + pair[1])
            return truth


def campaign(house, chance):
    every = max(1, KILLS // max(1, DAEMON_KILLS))
    house.start_daemon()
    for index in range(len(WRITERS)):
        house.start_writer(index)
    for kill in range(1, KILLS + 1):
        time.sleep(chance.expovariate(1 / 0.012))
        index = chance.randrange(len(WRITERS))
        house.kill(house.writers[index])
        if kill % every == 0:  # now and then both at once
            house.kill(house.daemon)
            house.start_daemon()
        house.start_writer(index)
        if kill % 100 == 0:
            print(f"{kill} writers killed", flush=True)
    for writer in house.writers:
        house.kill(writer)


def wait_for_fold(house):
    """Until nothing but totals is left."""
    end = time.monotonic() + 20
    left = lambda: [name for name in os.listdir(house.regions) if not name.startswith(".")]
    while left() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    return left()


def summed(values, prefix, process):
    return sum(value for series, value in values.items()
               if series.startswith(prefix) and f'process="{process}"' in series)


def check(house, watcher, left):
    wrong = [f"left behind: {left}"] if left else []
    wrong += watcher.wrong
    values = scrape(house.socket)
    for process, (begun, done) in house.truth().items():
        uncertain = begun - done
        for prefix in ("victim_total{", "victim_seconds_count{"):
            total = summed(values, prefix, process)
            if not done <= total <= begun:
                wrong.append(f"{process}: {prefix} is {total:.0f}, not from {done} to {begun}")
        print(f"{process}: {done} done, {uncertain} uncertain")
        if uncertain > THREADS * (KILLS + len(WRITERS)):
            wrong.append(f"{process}: {uncertain} uncertain operations: the ledger is broken")
        if done == 0:
            wrong.append(f"{process}: nothing was done, so nothing is proved")
    print(f"{KILLS} writers and {DAEMON_KILLS} daemons killed, {watcher.scrapes} scrapes, "
          f"seed {SEED}: {len(wrong)} wrong")
    for line in wrong[:20]:
        print(line)
    return not wrong and watcher.scrapes > 10


def main():
    room = tempfile.mkdtemp()
    house = House(room)
    watcher = Watcher(house.socket)
    good = False
    try:
        watcher.start()
        campaign(house, random.Random(SEED))
        left = wait_for_fold(house)
        watcher.stop = True
        watcher.join()
        good = check(house, watcher, left)
    finally:
        for process in [house.daemon, *house.writers]:
            if process and process.poll() is None:
                house.kill(process)
        if not good:
            print(open(f"{room}/engramd.log").read()[-4000:])
        shutil.rmtree(room)
        shutil.rmtree(house.regions)
    return 0 if good else 1


sys.exit(main())
