"""Streams: what they bring, how late and for how much, on a real daemon and beside libevent's evhttp."""
import figures
from figures import Goal

CLIENTS = {
    "messages lost": Goal("<= 0.5"),
    "lag p99": Goal("<= 120", "from when it was due to the client's read"),
    "daemon's CPU": Goal("<= 70"),
    "daemon's memory": Goal("<= 64"),
    "scrapes p99": Goal("<= 5"),
}
GOALS = {f"{case}: {what}": goal for case in ("10000 clients", "10000 clients, 1000 stall")
         for what, goal in CLIENTS.items()}
LATENCY = {}
for tick in (10, 100):
    LATENCY[f"event to stream, tick {tick} ms: p99"] = Goal(f"<= {tick + 5}")
    LATENCY[f"event to stream, tick {tick} ms: lost"] = Goal("<= 0")
    LATENCY[f"alert to stream, tick {tick} ms: p99"] = Goal(f"<= {tick + 100}")


def rows(run):
    yield from figures.rows(run, "from a process to a client of /stream", "stream_latency", LATENCY)
    yield from figures.rows(run, "1 KB to each client, 10 times a second", "stream_clients", GOALS)
    if not run.quick:
        yield from figures.rows(run, "streams beside evhttp", "http_streams", {})
