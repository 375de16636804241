#!/usr/bin/env python3
"""Mutated regions beside a healthy process: the daemon serves it as if they were not there.

tests/helpers/mutant throws files at the region directory, some of which change, shrink and come back
under the same name while they are read and served.  Every scrape is answered and is a valid
exposition, no counter of the healthy process falls and all end exact, what must be refused is
counted by its reason, and when the files are gone the daemon has the memory and the descriptors
that it had before.

    MUTANTS=100000 SEED=1 tests/integration/mutants.py
"""
import collections
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from check_exposition import Checker
from live import scrape

BUILD = os.environ.get("BUILD", "build")
MUTANTS = int(os.environ.get("MUTANTS", "2000"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
BATCH = 100  # at a time: no user may have many, and some machines have 64 MB of /dev/shm
SERIES_LIMIT = "2000"
TIMEOUT = 20  # seconds for a scrape: a hang, on any machine
GROWTH_MOST = 2048  # kB
# What a file's header or its mode decides alone; of the rest, the sum is compared.
CERTAIN = {"open", "mode", "short", "magic", "endian", "version"}
REJECTED = re.compile(r'engramd_region_rejected_total{reason="([a-z]+)"} (\d+)')
PROCESS = re.compile(r'[{,]process="([^"]*)"')


def healthy_counters(text):
    """The series of the healthy process that must never fall."""
    values, falling = {}, ()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:4]
            falling = {"counter": (name,), "histogram": (name + "_bucket", name + "_count")}.get(
                kind, ())
        elif 'process="healthy"' in line and line.startswith(falling):
            series, value = line.rsplit(" ", 1)
            values[series] = float(value)
    return values


class Scraper(threading.Thread):
    """Scrapes all the time, compares each scrape with the one before, and checks some whole."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.stop = path, False
        self.seen, self.wrong, self.scrapes = {}, [], 0

    def look(self, number):
        try:
            body = scrape(self.path, TIMEOUT)
        except OSError as error:
            self.wrong.append(f"scrape {number}: {error!r}")
            time.sleep(0.1)
            return
        values = healthy_counters(body.decode("utf-8", "replace"))
        for series, before in self.seen.items():
            if values.get(series, -1) < before:
                self.wrong.append(f"{series} was {before!r}, is {values.get(series)!r}")
        self.seen.update(values)
        if number % 10 == 0:
            self.wrong += [f"scrape {number}, line {line}: {finding}"
                           for line, finding in Checker("text").check(body)]

    def run(self):
        while not self.stop:
            self.look(self.scrapes)
            self.scrapes += 1
            time.sleep(0.02)


class House:
    def __init__(self, room):
        self.room = room
        self.regions = tempfile.mkdtemp(prefix="engram-test-", dir="/dev/shm")
        self.socket = f"{room}/socket"
        self.expected = collections.Counter()
        self.daemon = subprocess.Popen(
            [f"{BUILD}/engramd", "--listen", f"unix:{self.socket}", "--region-dir", self.regions,
             "--state-dir", f"{room}/state", "--tick", "20", "--forget-after", "1",
             "--series-limit", SERIES_LIMIT],
            stderr=open(f"{room}/engramd.log", "w"))
        self.demo = subprocess.Popen(
            [f"{BUILD}/engram-demo", "--process", "healthy", "--threads", "1", "--seconds", "0",
             "--rate", "2000"],
            env={**os.environ, "ENGRAM_DIR": self.regions}, stdout=open(f"{room}/truth", "w"),
            stderr=subprocess.DEVNULL)
        self.mutant = subprocess.Popen(
            [f"{BUILD}/helpers/mutant", self.regions, SERIES_LIMIT, str(SEED)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def text(self):
        return scrape(self.socket, TIMEOUT).decode()

    def rejected(self):
        return collections.Counter(
            {reason: int(count) for reason, count in REJECTED.findall(self.text())})

    def missing(self):
        """What has yet to be refused."""
        seen = self.rejected()
        missing = {reason: f"{seen[reason]} of {count}" for reason, count in self.expected.items()
                   if reason in CERTAIN and seen[reason] < count}
        if sum(seen.values()) < sum(self.expected.values()):
            missing["all"] = f"{sum(seen.values())} of {sum(self.expected.values())}"
        return missing

    def tell(self, line):
        self.mutant.stdin.write(line + "\n")
        self.mutant.stdin.flush()
        return self.mutant.stdout.readline()

    def throw(self, count):
        refused = self.tell(str(count)).split()
        self.expected.update(
            {reason: int(number) for reason, number in zip(refused[::2], refused[1::2])})
        wait_until(lambda: not self.missing(), lambda: f"not refused: {self.missing()}")
        time.sleep(0.1)  # what is served is changed under its reader for some ticks
        if self.tell("") != "removed\n":
            raise Wrong("the mutants' helper has ended")

    def size(self):
        """kB of memory of its own, and descriptors, once nothing but the healthy process is left."""
        left = lambda: (self.files(), set(PROCESS.findall(self.text())))
        wait_until(lambda: left() == (["healthy"], {"healthy"}), lambda: f"left behind: {left()}")
        time.sleep(2)  # what is free goes back to the kernel a second after the last fold
        with open(f"/proc/{self.daemon.pid}/status") as status:
            anonymous = next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
        return anonymous, min(self.descriptors() for _ in range(20))

    def descriptors(self):
        time.sleep(0.01)  # some are of scrapes
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def files(self):
        return sorted(name.split(".")[0] for name in os.listdir(self.regions) if name[0] != ".")

    def kill(self):
        for process in (self.mutant, self.demo, self.daemon):
            if process.poll() is None:
                process.kill()
            process.wait()


class Wrong(Exception):
    pass


def wait_until(condition, complaint, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Wrong(complaint())
        time.sleep(0.05)


def answers(house):
    try:
        return 'process="healthy"' in house.text()
    except OSError:
        return False


def compare(house):
    """The healthy process's totals with what it says they are."""
    with open(f"{house.room}/scrape", "w") as file:
        file.writelines(line + "\n" for line in house.text().splitlines()
                        if 'process="healthy"' in line)
    return subprocess.run(["awk", "-f", "tests/platforms/compare-totals.awk",
                           f"{house.room}/truth", f"{house.room}/scrape"],
                          capture_output=True, text=True)


def campaign(house):
    thrown = 0
    house.throw(BATCH)
    before = house.size()
    while thrown < MUTANTS:
        house.throw(min(BATCH, MUTANTS - thrown))
        thrown += BATCH
        if thrown % 10000 == 0:
            print(f"{thrown} mutants, {dict(house.rejected())}", flush=True)
    after = house.size()
    print(f"{MUTANTS} mutants: refused {dict(house.rejected())}, of which had to be "
          f"{dict(house.expected)}; RssAnon {before[0]} kB before, {after[0]} kB after")
    if after[0] > before[0] + GROWTH_MOST:
        raise Wrong("memory grew")
    if after[1] != before[1]:
        raise Wrong(f"{before[1]} descriptors before, {after[1]} after")


def check_end(house):
    house.demo.send_signal(signal.SIGTERM)
    house.demo.wait(60)
    wait_until(lambda: compare(house).returncode == 0, lambda: compare(house).stdout)
    print(compare(house).stdout.strip())


def run(house, scraper):
    wait_until(lambda: answers(house), lambda: "the daemon does not serve the healthy process")
    scraper.start()
    campaign(house)
    scraper.stop = True
    scraper.join()
    check_end(house)


def main():
    room = tempfile.mkdtemp()
    house = House(room)
    scraper = Scraper(house.socket)
    good = False
    try:
        run(house, scraper)
        good = not scraper.wrong and scraper.scrapes > 10
    except (Wrong, OSError) as error:
        print(f"failed: {error!r}, daemon {house.daemon.poll()}, mutant {house.mutant.poll()}")
    finally:
        house.kill()
        print(f"{scraper.scrapes} scrapes, seed {SEED}: {len(scraper.wrong)} wrong")
        for line in scraper.wrong[:20]:
            print(line)
        if not good:
            print(open(f"{room}/engramd.log").read()[-4000:])
        shutil.rmtree(room)
        shutil.rmtree(house.regions)
    return 0 if good else 1


sys.exit(main())
