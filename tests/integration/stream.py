#!/usr/bin/env python3
"""/stream against a running daemon: the sum of what it says is what a scrape says, a client that is
cut off goes on where it was or is told what it missed, and one that does not read harms nobody."""
import itertools
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import BUILD, Daemon, UnixConnection, wait_for
from sse import Stream

CUTS = int(os.environ.get("CUTS", "100"))
FEED = 65536  # items that the daemon remembers


def key(series):
    labels = ",".join(f'{name}="{value}"' for name, value in series["labels"].items())
    return f"{series['name']}{{{labels}}}"


class Values:
    """Counters and counts of histograms, as a client keeps them."""

    def __init__(self):
        self.known = {}
        self.types = {}

    def take(self, name, data):
        if name == "snapshot":
            self.known = {key(s): s["value"] for s in data["series"]}
            self.types = {key(s): s["type"] for s in data["series"]}
        if name != "metrics":
            return
        for series in data["series"]:
            if series.get("gone"):
                self.known.pop(key(series), None)  # a gauge, perhaps
            elif "delta" in series:
                self.add(key(series), series["delta"])

    def add(self, at, delta):
        if isinstance(delta, dict):
            known = self.known.setdefault(at, {"count": 0, "sum": 0})
            known["count"] += delta["count"]
        else:
            self.known[at] = self.known.get(at, 0) + delta

    def counts(self):
        """As a scrape shows them."""
        shown = {}
        for at, value in self.known.items():
            if isinstance(value, dict):
                shown[at.replace("{", "_count{", 1)] = value["count"]
            elif self.types.get(at, "counter") == "counter":
                shown[at] = value
        return shown


def sums_are_the_scrape():
    """Processes come and go meanwhile, and the filter leaves the daemon's own families out."""
    with Daemon("--tick", "20") as daemon:
        first = daemon.run(f"{BUILD}/engram-demo", "--process", "first", "--seconds", "3",
                           stdout=subprocess.DEVNULL)
        wait_for(lambda: any("first" in series for series in daemon.scrape()), "the first process")
        with Stream(daemon.socket, "?match=engram_*&fields=delta") as stream:
            values, states, second = Values(), [], None
            for name, _, data in stream:
                values.take(name, data)
                if name == "process":
                    states.append((data["process"], data["state"]))
                if name == "metrics" and not second:
                    second = daemon.run(f"{BUILD}/engram-demo", "--process", "second", "--seconds",
                                        "1", stdout=subprocess.DEVNULL)
                if first.poll() is not None and second and second.poll() is not None and \
                        {("first", "ended"), ("second", "ended")} <= set(states):
                    break
            # Their last values may be told after their end; then only what the daemon derives moves.
            quiet = daemon.scrape()
            for name, _, data in itertools.islice(stream, 100):
                seen = {at: value for at, value in values.counts().items() if at in quiet}
                wrong = {at: (value, quiet[at]) for at, value in seen.items() if value != quiet[at]}
                if not wrong:
                    break
                values.take(name, data)
            assert len(seen) > 100, f"only {len(seen)} series"
            assert not wrong, f"stream and scrape differ: {dict(list(wrong.items())[:5])}"
            assert ("second", "attached") in states, states


def numbers_of(stream, numbers, stop):
    """Takes events until stop() says so."""
    for name, _, data in stream:
        assert name == "event", (name, data)
        numbers.append(data["values"][0])
        if stop():
            return


def cut_clients_lose_nothing():
    events = max(2000, 20 * CUTS)
    with Daemon("--tick", "10") as daemon:
        stream = Stream(daemon.socket, "?kinds=event&match=numbered")
        daemon.run(f"{BUILD}/helpers/emitter", str(events), "5", "10", stdin=subprocess.PIPE,
                   stdout=subprocess.PIPE)
        numbers, cuts = [], 0
        while len(numbers) < events:
            stay = random.randrange(1, 2 * events // CUTS)
            left = [stay]

            def stop():
                left[0] -= 1
                return left[0] == 0 or len(numbers) == events
            numbers_of(stream, numbers, stop)
            stream.socket.close()
            cuts += 1
            # By the header and by the parameter, as a client can.
            query = f"?kinds=event&match=numbered&last-event-id={stream.last}"
            stream = Stream(daemon.socket, query) if cuts % 2 else \
                Stream(daemon.socket, "?kinds=event&match=numbered", stream.last)
        numbers.sort()  # the first one may lie in another ring, for want of a CPU's own
        wrong = next((i for i, number in enumerate(numbers) if i != number), None)
        assert wrong is None, f"lost or doubled: {numbers[max(0, wrong - 5):wrong + 5]}"
        print(f"{cuts} cuts, {events} events")


def messages_so_far(stream):
    """How many have come, and the rest of them may take a second."""
    stream.socket.settimeout(1)
    count = 0
    try:
        for _ in stream:
            count += 1
    except TimeoutError:
        return count


def lost_events_are_told():
    """More than the daemon remembers happens while the client is away: it is told how many, with
    what else happened meanwhile."""
    events = FEED + 20000
    with Daemon("--tick", "10") as daemon, Stream(daemon.socket, "?kinds=health,alert,process") as others:
        emitter = daemon.run(f"{BUILD}/helpers/emitter", str(events), "100", "10",
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        before, after = [], []
        with Stream(daemon.socket, "?kinds=event") as stream:
            numbers_of(stream, before, lambda: len(before) == 5)
        emitter.stdout.readline()
        read = wait_for(lambda: all_read(daemon, events), "all events", 60)
        with Stream(daemon.socket, "?kinds=event", stream.last) as stream:
            name, _, gap = next(stream)
            assert name == "gap", (name, gap)
            numbers_of(stream, after, lambda: after[-1] == events - 1)
        assert len(set(before + after)) == len(before + after) >= FEED
        more = gap["missed"] - (read - len(before + after))
        assert 0 <= more <= messages_so_far(others), (gap, read, len(before), len(after))


def slow_client_gets_all_events():
    """It falls behind, and what happened meanwhile waits for it in the daemon's ring."""
    events = 20000
    with Daemon("--tick", "10") as daemon:
        with Stream(daemon.socket, "?kinds=event") as stream:
            daemon.run(f"{BUILD}/helpers/emitter", str(events), "50", "10", stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE)
            read = wait_for(lambda: all_read(daemon, events), "all events", 60)
            numbers = []
            numbers_of(stream, numbers, lambda: len(numbers) == read)
            assert len(set(numbers)) == read, "events were doubled"


def all_read(daemon, events):
    """What of the events the daemon has got, once none is to come; a busy machine may lose some."""
    values = daemon.scrape()
    read = values["engramd_events_total"]
    return read if read + values["engramd_events_missed_total"] == events else None


def another_run_resets():
    with Daemon() as daemon:
        with Stream(daemon.socket, "?match=engramd_build_info") as stream:
            stream.until("snapshot")
        with Stream(daemon.socket, "?match=engramd_build_info", "1-5") as stream:
            assert next(stream)[0] == "reset"
            name, _, data = stream.until("snapshot")
            assert [series["name"] for series in data["series"]] == ["engramd_build_info"]


def slow_client_is_told_and_stuck_one_cut():
    with Daemon("--tick", "10") as daemon:
        daemon.run(f"{BUILD}/engram-demo", "--seconds", "60", stdout=subprocess.DEVNULL)
        wait_for(lambda: any("engram_spread" in s for s in daemon.scrape()), "the process")
        told_of_the_gap(daemon)
        with Stream(daemon.socket) as stuck:
            wait_for(lambda: daemon.scrape()["engramd_stream_cut_total"] >= 1, "the cut", 60)
            try:
                while True:
                    stuck.receive()
            except (EOFError, ConnectionResetError):
                pass


def told_of_the_gap(daemon):
    with Stream(daemon.socket, "?fields=delta") as slow:
        values = Values()
        wait_for(lambda: daemon.scrape()["engramd_stream_skipped_total"] > 20, "falling behind")
        for name, _, data in slow:
            values.take(name, data)
            if name == "gap":
                assert data["skipped"] > 0
                break
        name, _, data = next(slow)
        assert name == "snapshot", name


def bad_requests_are_explained():
    with Daemon() as daemon:
        for query, word in (("interval=1h", "10ms to 1m"), ("kinds=everything", "metrics"),
                            ("nonsense=1", "no parameter"), ("fields=", "delta")):
            with Stream(daemon.socket, f"?{query}") as stream:
                assert stream.status == 400, stream.head
                while word.encode() not in stream.bytes:
                    stream.receive()
        head = UnixConnection(daemon.socket)
        head.request("HEAD", "/stream")
        assert head.getresponse().status == 200
        with Stream(daemon.socket, "?interval=1s&match=process_cpu*") as stream:
            stream.until("snapshot")
            assert stream.until("metrics")[2]["seconds"] > 0.5


for test in (bad_requests_are_explained, another_run_resets, sums_are_the_scrape,
             cut_clients_lose_nothing, lost_events_are_told, slow_client_gets_all_events,
             slow_client_is_told_and_stuck_one_cut):
    start = time.monotonic()
    test()
    print(f"{test.__name__}: {time.monotonic() - start:.1f} s")
