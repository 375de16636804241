#!/usr/bin/env python3
# tests/run: alone: it floods the machine, and asks how long a scrape takes beside that.
"""Hostile clients beside scrapes: every scrape is answered, and memory is bounded.

Mutated requests all the time, and after one another requests that smuggle others, slow askers,
endless heads, big and endless bodies, readers that stop, connections and streams that say or take
nothing, and connections that come and go.  Each kind comes from addresses of its own on loopback.
The daemon lives, its resident memory stays below 64 MB, and scrapes by a socket file and from an
address of their own succeed; how long they took is printed.

    REQUESTS=1000000 SECONDS=60 SEED=1 tests/integration/http-attacks.py
"""
import collections
import multiprocessing
import os
import random
import re
import resource
import selectors
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from http_corpus import mutated, smuggled
from live import BUILD, Daemon, scrape, values, wait_for

REQUESTS = int(os.environ.get("REQUESTS", "20000"))
SECONDS = float(os.environ.get("SECONDS", "2"))  # for which what holds on is held
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
RESIDENT_MOST = 64 << 10  # kB
TIMEOUT = 60  # seconds: a hang, on any machine
BODY = 100 << 20
ENDLESS = 64 << 30  # bytes: more than loopback takes in the second that a refused client is heard
KNOWN = {200, 204, 400, 404, 405, 406, 413, 421, 431, 501, 503, 505}
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
IDLE = []  # who has come in a crowd
GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Wrong(Exception):
    pass


def resident(pid, field="VmRSS"):
    """kB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))


def connected(port, address, receive=0):
    """A connection from an address of loopback, perhaps with little room for what comes."""
    client = socket.socket()
    client.settimeout(TIMEOUT)
    if receive:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    client.bind((address, 0))
    client.connect(("127.0.0.1", port))
    return client


def crowd(port, first, count, **options):
    """Connections from as many addresses as they need to be let in."""
    return [connected(port, f"127.0.{first}.{1 + i // 250}", **options) for i in range(count)]


def close_all(clients):
    for client in clients:
        client.close()


def send_all(client, data):
    """What the server takes of it; it may close at any time."""
    try:
        client.sendall(data)
        return True
    except OSError:
        return False


def read_to_end(client):
    """What the server says until it closes or, as after a reset, until that is all there is."""
    parts = []
    try:
        while part := client.recv(1 << 16):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def scrape_tcp(port):
    """/metrics, asked for from an address of its own."""
    with connected(port, "127.0.0.1") as client:
        client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        head, _, body = read_to_end(client).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise OSError(head[:60])
    return body


class Scraper(multiprocessing.Process):
    """Scrapes all the time, by a socket file and from an address of its own in turn."""

    def __init__(self, daemon, port):
        super().__init__(daemon=True)
        self.path, self.port, self.watched = daemon.socket, port, daemon.process.pid
        self.results, self.told = multiprocessing.Pipe(False)
        self.asked, self.ask = multiprocessing.Pipe(False)

    def one(self, number):
        return scrape(self.path, TIMEOUT) if number % 2 else scrape_tcp(self.port)

    def run(self):
        times, wrong, most, number = [], [], 0, 0
        while True:
            start = time.monotonic()
            try:
                self.one(number)
                times.append(time.monotonic() - start)
            except OSError as error:
                wrong.append(f"scrape {number}: {error!r}")
            most = max(most, resident(self.watched))
            number += 1
            if self.asked.poll(0.01):
                self.asked.recv()
                self.told.send((times, wrong, most))
                times, wrong, most = [], [], 0

    def report(self, attack):
        """Says how the scrapes since the last report were, and fails if one was not answered."""
        self.ask.send(None)
        if not self.results.poll(2 * TIMEOUT):
            raise Wrong(f"{attack}: a scrape hangs")
        times, wrong, most = self.results.recv()
        times.sort()
        at = lambda share: times[int(share * (len(times) - 1))] * 1e3 if times else float("nan")
        print(f"{attack}: {len(times)} scrapes, p50 {at(0.5):.1f} ms, p99 {at(0.99):.1f} ms, longest "
              f"{at(1):.1f} ms; {most} kB resident", flush=True)
        if wrong:
            raise Wrong(f"{attack}: {len(wrong)} scrapes failed, the first: {wrong[0]}")
        if most > RESIDENT_MOST:
            raise Wrong(f"{attack}: {most} kB resident, more than {RESIDENT_MOST}")


def check_answers(said, request):
    """The statuses of what was said, each of which has to be known."""
    statuses = [int(status) for status in STATUS.findall(said)]
    if (said and not said.startswith(b"HTTP/1.1 ")) or not KNOWN.issuperset(statuses):
        raise Wrong(f"{request!r} was answered {said[:200]!r}")
    return statuses


def mutate(port, seed, count):
    """In a process of its own: sends mutated requests, each on a connection of its own.  From one
    address alone there would not be enough ports on a machine that is fast."""
    chance, seen = random.Random(seed), collections.Counter()
    for number in range(count):
        request = mutated(chance)
        with connected(port, f"127.0.1.{1 + number % 250}") as client:
            if send_all(client, request):
                try:
                    client.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
            seen.update(check_answers(read_to_end(client), request) or ["none"])
    print(f"{count} mutated requests, answers: {dict(seen.most_common())}", flush=True)
    if seen[200] == 0 or seen[400] == 0:
        raise Wrong("mutations are all of one kind")


def smuggle(port):
    """The request behind is not answered, and the connection ends."""
    for request in smuggled():
        with connected(port, "127.0.2.1") as client:
            send_all(client, request)
            statuses = check_answers(read_to_end(client), request)
            if len(statuses) != 1 or statuses[0] < 400:
                raise Wrong(f"{request!r} was answered {statuses}")


def wait_closed(clients, what, feed=b"", pause=1.0):
    """Waits until the server has closed all, which are sent something now and then; what was said."""
    said = collections.Counter()
    end = time.monotonic() + TIMEOUT + SECONDS
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            if time.monotonic() > end:
                raise Wrong(f"{what}: {len(selector.get_map())} connections are not closed")
            for key, _ in selector.select(pause):
                try:
                    part = key.fileobj.recv(1 << 16)
                except OSError:
                    part = b""
                said.update(STATUS.findall(part))
                if not part:
                    selector.unregister(key.fileobj)
            for key in list(selector.get_map().values()) if feed else []:
                send_all(key.fileobj, feed)
            time.sleep(pause)
    return said


def slow_askers(port):
    """500 that send a byte now and then are cut, however long they would go on."""
    clients = crowd(port, 3, 500)
    for client in clients:
        send_all(client, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ")
    said = wait_closed(clients, "slow askers", feed=b"a")
    close_all(clients)
    if said:
        raise Wrong(f"slow askers were answered {said}")


def endless_heads(port):
    """Each is refused, be it as soon as it is too long, or while it goes on and on."""
    clients = crowd(port, 4, 100)
    for number, client in enumerate(clients):
        line = [b"X: a\r\n", b"a" * 100, b"X: " + b"a" * 1000 + b"\r\n"][number % 3]
        block = line * (100000 // len(line))
        send_all(client, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + block)
        if check_answers(read_to_end(client), b"an endless head") != [431]:
            raise Wrong("an endless head is not refused")
    close_all(clients)
    for line in b"X: a\r\n", b"a" * 100:
        with connected(port, "127.0.4.9") as client:
            send_all(client, b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            sent = 0
            while sent < ENDLESS and send_all(client, line * 10000):
                sent += len(line) * 10000
            if sent >= ENDLESS or check_answers(read_to_end(client), line) != [431]:
                raise Wrong(f"an endless head: {sent} bytes of it were taken")


def bodies(port):
    """100 MB with a length, the same in chunks, and the same behind a request without either."""
    heads = [b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % BODY,
             b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
             b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % BODY]
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    for head in heads:
        with connected(port, "127.0.5.1") as client:
            send_all(client, head)
            sent = 0
            while sent < BODY and send_all(client, chunk):
                sent += len(chunk)
            statuses = check_answers(read_to_end(client), head)
            if statuses not in ([413], [501]):
                raise Wrong(f"a body was answered {statuses}")


def stopped_readers(port):
    """1,000 that ask for more than the kernel holds for them, and read none of it, are cut."""
    clients = crowd(port, 6, 1000, receive=4096)
    for client in clients:
        send_all(client, GET * 200)
    wait_for(lambda: not served(clients, port), "stopped readers are cut", 2 * TIMEOUT)
    close_all(clients)


def grudging_readers(port):
    """100 that read a thousand bytes a second are cut in the end: the kernel holds the answer for
    them, so that it is for being idle, and the deadline of an answer is not seen here."""
    clients = crowd(port, 10, 100, receive=4096)
    for client in clients:
        send_all(client, GET)

    def cut():
        time.sleep(1)
        for client in clients:
            client.recv(1000)
        return not served(clients, port)

    wait_for(cut, "grudging readers are cut", 3 * TIMEOUT)
    close_all(clients)


def served(clients, port):
    """Those whose connection the server has not closed, though they may have yet to read that."""
    ours = {client.getsockname() for client in clients}
    with open("/proc/net/tcp") as table:
        lines = [line.split() for line in list(table)[1:]]
    return ours & {address_of(other) for _, own, other, state, *_ in lines
                   if state == "01" and address_of(own) == ("127.0.0.1", port)}


def address_of(text):
    """ADDRESS:PORT as in /proc/net/tcp."""
    address, port = (int(part, 16) for part in text.split(":"))
    return socket.inet_ntoa(struct.pack("=I", address)), port


def streams(port):
    """1,000 streams that nobody reads go without what is new and, if they last, are cut."""
    clients = crowd(port, 7, 1000, receive=4096)
    for client in clients:
        send_all(client, b"GET /stream?fields=value,buckets HTTP/1.1\r\nHost: localhost\r\n\r\n")
    if any(client.recv(15, socket.MSG_PEEK) != b"HTTP/1.1 200 OK" for client in clients):
        raise Wrong("that is no stream")
    time.sleep(SECONDS)
    wait_for(lambda: values(scrape_tcp(port))["engramd_stream_skipped_total"] >= 1000,
             "what stalled streams do not take is skipped")
    if SECONDS >= 30:
        wait_for(lambda: not served(clients, port), "stalled streams are cut", 2 * TIMEOUT)
    close_all(clients)


def crowd_comes(port):
    """10,000 connect that say nothing, as fast as they can."""
    IDLE.extend(crowd(port, 8, 10000))


def idle_connections(_):
    """And stay."""
    time.sleep(SECONDS)
    close_all(IDLE)


def crowded_out(said):
    return {reason: said[f'engramd_http_crowded_out_total{{reason="{reason}"}}']
            for reason in ("idle", "slow", "refused")}


def check_counts(said):
    """What the daemon says of all this."""
    gone = crowded_out(said)
    print(f"crowded out: {gone}")
    if gone["idle"] < 8000:
        raise Wrong("10,000 idle connections were let in")


def comers_and_goers(port):
    """Some that leave at once, every other by a reset, with an answer on its way, are forgotten."""
    before = crowded_out(values(scrape_tcp(port)))
    for number in range(REQUESTS // 4):
        with connected(port, "127.0.9.1") as client:
            if number % 4 < 2:
                send_all(client, GET)
            if number % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    after = crowded_out(values(scrape_tcp(port)))
    if after != before:
        raise Wrong(f"some that had left were still there: crowded out {before}, then {after}")


ATTACKS = [smuggle, slow_askers, endless_heads, bodies, stopped_readers, streams, crowd_comes,
           idle_connections, comers_and_goers]
if SECONDS >= 30:
    ATTACKS.append(grudging_readers)


def siege(daemon, port, scraper):
    time.sleep(1)
    scraper.report("nothing")
    mutator = multiprocessing.Process(target=mutate, args=(port, SEED, REQUESTS), daemon=True)
    mutator.start()
    for attack in ATTACKS:
        attack(port)
        scraper.report(attack.__name__.replace("_", " "))
        if daemon.process.poll() is not None:
            raise Wrong(f"{attack.__name__}: the daemon has ended: {daemon.process.poll()}")
    mutator.join()
    scraper.report("mutated requests")
    if mutator.exitcode != 0:
        raise Wrong("a mutated request got no proper answer")


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit < 12000:
        print(f"10,000 connections do not fit: ulimit -Hn is {limit}")
        sys.exit(77)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    print(f"SEED={SEED}", flush=True)
    with Daemon("--listen", "127.0.0.1:0") as daemon:
        port = int(re.search(r"address=127\.0\.0\.1:(\d+)", daemon.log()).group(1))
        daemon.run(f"{BUILD}/engram-demo", "--process", "healthy", "--threads", "1", "--seconds", "0",
                   "--rate", "2000", stderr=subprocess.DEVNULL)
        wait_for(lambda: 'process="healthy"' in scrape(daemon.socket).decode(), "the demo's series")
        scraper = Scraper(daemon, port)
        scraper.start()
        try:
            siege(daemon, port, scraper)
        finally:
            scraper.kill()
        check_counts(daemon.scrape())
        print(f"at most {resident(daemon.process.pid, 'VmHWM')} kB resident in all")
        if daemon.stop() != 0:
            raise Wrong("the daemon did not stop well")


if __name__ == "__main__":
    main()
