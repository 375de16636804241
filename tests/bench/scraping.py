"""Scrapes of 10,000 counters that are being added to: ours, beside those of other libraries."""
import collections
import contextlib
import dataclasses
import gzip
import http.client
import json
import pathlib
import re
import subprocess
import sys
import time

import table

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from live import Daemon, free_port

PART = "scrape of 10,000 counters on loopback"
SERIES = 10_000
SAMPLE = re.compile(r'^scraped_operations_total\{(.*)\} (\S+)$', re.M)
LABELS = re.compile(r'operation="operation_(\d)".*shard="shard-00(\d\d)".*store="store_(\d)"')
PACE = 110  # ms: each scrape is the first of its snapshot, as ours ticks every 100 ms
SETTLED = 0.5  # s, after which a daemon shows what it was told
TRIMMED = 2.5  # s, after which ours has given back what it took to answer many
GZIP = ("Accept-Encoding: gzip",)
PROMETHEUS = ("Accept: application/openmetrics-text;version=1.0.0", *GZIP)
AGAIN = "ours makes a body once for each snapshot"


@dataclasses.dataclass(frozen=True)
class Way:
    """How it is asked, and what of that has a goal: ours, and over the others."""

    what: str
    connections: int
    pace: int  # ms
    headers: tuple
    p50: str = ""
    p99: str = ""
    rate: str = ""
    times: str = ""


WAYS = [
    Way(f"plain, one every {PACE} ms", 1, PACE, (), p50="<= 0.3", p99="<= 1", times=">= 20"),
    Way(f"gzip, one every {PACE} ms", 1, PACE, GZIP, p50="<= 1", times=">= 20"),
    Way("plain, back to back", 1, 0, (), p50="<= 0.3", p99="<= 1"),
    Way("gzip, back to back", 1, 0, GZIP),
    Way("plain, 8 connections", 8, 0, (), rate=">= 3000", times=">= 20"),
    Way("gzip, 8 connections", 8, 0, GZIP),
]


class Contestant:
    """A process that counts, told by scrape_writer.c's protocol, and the server of what it counts."""

    def __init__(self, who, process, server=None, port=None):
        self.who, self.process = who, process
        self.port = int(process.stdout.readline()) or port
        self.server = server or process.pid
        self.taken = collections.defaultdict(list)  # by what was measured

    def tell(self, what):
        """How often it has added to each counter by now."""
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def cpu(self):
        """Seconds that the server has used."""
        return time.clock_gettime(~self.server << 3 | 2)  # CPUCLOCK_SCHED of a process, as libc makes it

    def memory(self, field):
        """In MB: VmRSS, all that is resident, or RssAnon, what is not of a file."""
        with open(f"/proc/{self.server}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field)) * 1024 / 1e6


def body(port, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics", headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return (gzip.decompress(content) if answer.headers["Content-Encoding"] == "gzip" else content).decode()


def check(one, added, text):
    """All series are there, each once for each memory node, with what was added to it."""
    values = collections.defaultdict(float)
    for labels, value in SAMPLE.findall(text):
        operation, shard, store = LABELS.search(labels).groups()
        values[int(operation) * 1000 + int(store) * 100 + int(shard)] += float(value)
    assert values == {i: i + added for i in range(SERIES)}, f"{one.who} told other values"


def verify(one):
    added = one.tell("hold")
    time.sleep(SETTLED)
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        check(one, added, body(one.port, **headers))


def load(run, one, connections, ms, pace, headers=(), path="/metrics"):
    """What scrape_http found; it ends the run where an answer is not what it should be."""
    command = [run.build / "bench/scrape_http", *map(str, (one.port, connections, ms, pace)), path, *headers]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def ask(run, one, way, ms):
    """One turn; CPU is what the server used meanwhile, whatever for."""
    before = one.cpu()
    found = load(run, one, way.connections, ms, way.pace, way.headers)
    took = one.taken
    took[way, "p50"].append(found["p50"] / 1e3)
    took[way, "p99"].append(found["p99"] / 1e3)
    took[way, "rate"].append(found["answers"] / found["seconds"])
    took[way, "cpu"].append((one.cpu() - before) * 1e3 / found["answers"])
    took[way, "bytes"].append(found["bytes"] / 1e6)


def scrape_once_a_second(run, one):
    """The share of a core that the daemon takes, asked as Prometheus asks, and its memory then."""
    seconds = 1 if run.quick else 10
    time.sleep(0 if run.quick else TRIMMED)
    for what, headers in (("plain", ()), ("gzip", PROMETHEUS)):
        one.tell("go")
        before, start = one.cpu(), time.monotonic()
        load(run, one, 1, seconds * 1000, 1000, headers)
        one.taken["share", what].append((one.cpu() - before) / (time.monotonic() - start) * 100)
        one.tell("hold")
    for field in ("VmRSS", "RssAnon"):
        one.taken[field].append(one.memory(field))


def start(run, stack):
    """Whoever is there, ours first."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    port = free_port()
    daemon = stack.enter_context(Daemon("--listen", f"127.0.0.1:{port}", "--history-memory", "1",
                                        program=f"{run.build}/engramd"))
    yield Contestant("engram", daemon.run(run.build / "bench/scrape_writer", **pipes),
                     daemon.process.pid, port)
    for who, program in (("prometheus-cpp", "scraped-prometheus-cpp"),
                         ("client_golang", "scraped-client_golang")):
        path = run.build / "bench/peers" / program
        if run.quick:
            continue
        if not path.exists():
            run.missing.append(f"scrapes of {who}, which is not installed: make bench-deps")
            continue
        peer = subprocess.Popen([path], text=True, **pipes)
        stack.callback(peer.wait)
        stack.callback(peer.kill)
        yield Contestant(who, peer)


def rows_of(one):
    """What was measured of one; the goals are ours."""
    ours = one.who == "engram"

    def row(way, key, unit, what, goal=""):
        note = AGAIN if ours and not way.pace else ""
        return table.of(PART, f"{way.what}: {what}", one.who, unit, one.taken[way, key], goal if ours else "", note)
    for way in WAYS:
        if way.connections == 1:
            yield row(way, "p50", "ms", "p50", way.p50)
            yield row(way, "p99", "ms", "p99", way.p99)
        else:
            yield row(way, "rate", "1/s", "scrapes", way.rate)
            yield row(way, "cpu", "ms", "CPU of each")
        if way.pace:
            yield row(way, "bytes", "MB", "size of each")


def compared(ours, peer):
    """How many times as fast ours is, turn by turn: by its rate where many ask at once, else by its median."""
    for way in (way for way in WAYS if way.times):
        of = "p50" if way.connections == 1 else "rate"
        pairs = zip(ours.taken[way, of], peer.taken[way, of])
        times = [theirs / own if of == "p50" else own / theirs for own, theirs in pairs]
        yield table.of(PART, f"{way.what}: against {peer.who}", "engram", "x", times, way.times)


def rows(run):
    with contextlib.ExitStack() as stack:
        there = list(start(run, stack))
        ours, *others = there
        time.sleep(SETTLED)
        ms = 100 if run.quick else 400
        for _ in range(run.turns):
            for one in there:
                one.tell("go")
                for way in WAYS:
                    ask(run, one, way, 3 * ms if way.pace else ms)
                verify(one)
            nothing = load(run, ours, 1, 3 * ms, PACE, path="/-/healthy")
            ours.taken["nothing"].append(nothing["p50"] / 1e3)
        scrape_once_a_second(run, ours)
        for one in others:
            one.taken["VmRSS"].append(one.memory("VmRSS"))
    for one in there:
        yield from rows_of(one)
        yield table.of(PART, "resident memory", one.who, "MB", one.taken["VmRSS"], "<= 8" if one is ours else "")
    yield table.of(PART, f"an answer of a line, one every {PACE} ms: p50", "engram", "ms", ours.taken["nothing"],
                   note="of which most is to wake both")
    yield table.of(PART, "resident memory, libraries and regions apart", "engram", "MB", ours.taken["RssAnon"])
    for what in ("plain", "gzip"):
        yield table.of(PART, f"10 ticks and a scrape a second, {what}: CPU", "engram", "%",
                       ours.taken["share", what], "<= 0.3")
    for peer in others:
        yield from compared(ours, peer)
