#!/usr/bin/env python3
"""The API of a running daemon: its numbers are those of the demo and of the scrape, errors are JSON,
and the history keeps to its budget with 10,000 series."""
import ctypes
import json
import random
import re
import sys
import time

sys.path.insert(0, "tests")
from live import BUILD, Daemon, ask, wait_for  # noqa: E402

WINDOWS = ("one_second", "ten_seconds", "one_minute", "five_minutes")
SERIES = 10000
MEGABYTES = 4


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def get(daemon, target, status=200, **headers):
    answer, body = ask(daemon.socket, target, 30, **headers)
    assert answer.status == status, f"{target}: {answer.status}: {body[:300]}"
    assert answer.getheader("Content-Type") == "application/json", answer.getheader("Content-Type")
    return json.loads(body, parse_constant=refuse)


def snapshot(daemon, query=""):
    return get(daemon, "/api/v1/snapshot" + query)


def started(daemon):
    """The history has its first sample: what is counted from now on is in its windows."""
    wait_for(lambda: ask(daemon.socket, "/api/v1/snapshot")[0].status == 200, "the first sample")


def with_process(series):
    return series[:-1] + ',process="demo"}' if series.endswith("}") else series + '{process="demo"}'


def check_errors(daemon):
    for target, status in (("/api/v1/nothing", 404), ("/api/", 404), ("/api/v1/snapshot?range=1m", 400),
                           ("/api/v1/query?range=long", 400), ("/api/v1/query?match=", 400),
                           ("/api/v1/processes?process=%zz", 400), ("/api/v1/alerts?x", 400)):
        error = get(daemon, target, status)["error"]
        assert error["status"] == status and error["reason"], error


def check_shapes(daemon):
    document = snapshot(daemon, "?match=engram_*")
    assert document["schema_version"]
    assert set(document["export"]) == {"exported", "dropped", "queue_depth"}, document["export"]
    for window in WINDOWS:
        stats = document[window]["engram_operation_duration_seconds"]
        for name in ("count", "sum", "mean", "min", "max", "p50", "p90", "p99"):
            assert name in stats, (window, stats)
    busy = document["five_minutes"]["engram_operation_duration_seconds"]
    assert busy["min"] <= busy["p50"] <= busy["p90"] <= busy["p99"] <= busy["max"], busy
    assert busy["min"] <= busy["mean"] <= busy["max"], busy
    assert not any(name.startswith("engramd_") for name in document["one_second"])
    asked = get(daemon, "/metrics?match=engram_*", Accept="application/json")
    assert set(asked) == set(document), set(asked) ^ set(document)
    topology = get(daemon, "/api/v1/topology")
    assert topology["packages"] and topology["cpus"] and topology["numa_nodes"], topology
    alerts = get(daemon, "/api/v1/alerts")["alerts"]
    assert not [alert for alert in alerts if alert["state"] == "firing"], alerts


def check_processes(daemon, demo):
    [process] = get(daemon, "/api/v1/processes?process=demo")["processes"]
    assert process["up"] == 1 and process["regions"][0]["pid"] == demo.pid, process
    assert process["regions"][0]["alive"] and process["regions"][0]["main_process"] == "running"
    assert abs(process["regions"][0]["last_seen_ms"] / 1000 - time.time()) < 10, process
    assert get(daemon, "/api/v1/processes?process=nobody") == {"processes": []}


def check_totals(daemon, totals):
    """What the windows counted is what the demo recorded, every single one of its series."""
    counted = sum(totals["counters"].values())

    def caught_up():
        document = snapshot(daemon)
        now = document["five_minutes"]
        return document if counted == sum(now[with_process(series)]["count"]
                                          for series in totals["counters"]) else None

    document = wait_for(caught_up, "all counters in the window")
    window = document["five_minutes"]
    for series, value in totals["counters"].items():
        assert window[with_process(series)]["count"] == value, series
    for series, value in totals["histograms"].items():
        stats = window[with_process(series)]
        assert stats["count"] == value["count"], series
        assert abs(stats["sum"] - value["sum"]) <= 1e-9 * abs(value["sum"]), (series, stats, value)
    names = {series.split("{")[0] for series in totals["counters"]}
    for name in names:  # as one, all of its series
        of_name = [stats["count"] for series, stats in window.items() if series.startswith(name + "{")]
        assert window[name]["count"] == sum(of_name) > 0 or not any(of_name), name


def summed(daemon):
    """The demo's series of a scrape, each summed over the memory nodes."""
    sums = {}
    for series, value in daemon.scrape().items():
        if 'process="demo"' in series and "_bucket" not in series:
            key = re.sub(r',numa_node="\d+"', "", series)
            sums[key] = sums.get(key, 0) + value
    return sums


def at_rest(daemon):
    """A scrape and the points of a tick after it, once nothing changes: what the kernel counted of
    a process that has ended comes with the look that finds it ended."""
    sums = summed(daemon)
    target = "/api/v1/query?process=demo&range=10s"
    seen = get(daemon, target)["time_ms"]

    def next_tick():
        answer = get(daemon, target)
        return answer if answer["time_ms"] > seen else None

    answer = wait_for(next_tick, "the next tick")
    later = summed(daemon)
    counted = [key for key in sums if re.search(r"_(total|count|sum){", key)]
    return (sums, answer) if all(sums[key] == later.get(key) for key in counted) else None


def check_scrape(daemon):
    """The newest points are the scrape's values, summed over the memory nodes."""
    sums, answer = wait_for(lambda: at_rest(daemon), "two scrapes alike")
    checked = 0
    for series in answer["series"]:
        labels = ",".join(f'{name}="{value}"' for name, value in series["labels"].items())
        key = f"{series['name']}{{{labels}}}"
        if series["type"] in ("counter", "histogram") and series["points"]:
            newest = series["points"][-1]
            assert newest[0] == answer["time_ms"], series
            assert abs(newest[1] - sums[key]) <= 1e-9 * abs(sums[key]), (key, newest, sums[key])
            values = [value for _, value in series["points"]]
            assert values == sorted(values), key
            checked += 1
    assert checked > 50, checked


def check_demo():
    with Daemon() as daemon:
        started(daemon)
        demo = daemon.run(f"{BUILD}/engram-demo", "--process", "demo", "--threads", "1", "--seconds",
                          "4", "--rate", "20000", stdout=-1, stderr=-3)
        wait_for(lambda: get(daemon, "/api/v1/processes?process=demo")["processes"], "the demo")
        check_processes(daemon, demo)
        check_errors(daemon)
        totals = json.loads(demo.communicate()[0])
        check_shapes(daemon)
        check_totals(daemon, totals)
        check_scrape(daemon)
        [process] = wait_for(lambda: [one for one in get(daemon, "/api/v1/processes")["processes"]
                                      if one["process"] == "demo" and "kept" in one], "the fold")
        assert process["up"] == 0 and process["kept"]["series"] > 50, process
        assert daemon.stop() == 0


class Slot(ctypes.Structure):
    _fields_ = [("region", ctypes.c_void_p), ("blocks", ctypes.c_uint32), ("slot", ctypes.c_uint32)]


def many_counters(library):
    library.engram_counter_new.restype = Slot
    library.engram_counter_new.argtypes = [ctypes.c_char_p, ctypes.c_char_p,
                                           ctypes.POINTER(ctypes.c_char_p)]
    library.engram_counter_add.argtypes = [Slot, ctypes.c_uint64]
    assert library.engram_attach(b"many") == 0, library.engram_reason()
    names = (ctypes.c_char_p * 3)(b"item", b"", None)
    slots = []
    for i in range(SERIES):
        names[1] = b"%05d" % i
        slots.append(library.engram_counter_new(b"many_total", b"Many.", names))
    return slots


def write_many():
    """As a process of its own: counters that move by numbers that do not compress."""
    library = ctypes.CDLL(f"{BUILD}/libengram.so")
    slots = many_counters(library)
    numbers = random.Random(1)
    while True:
        for slot in slots:
            library.engram_counter_add(slot, numbers.getrandbits(54))
        time.sleep(0.3)


def check_budget():
    with Daemon("--history-memory", str(MEGABYTES)) as daemon:
        started(daemon)
        daemon.run(sys.executable, __file__, "many")

        def full():
            history = snapshot(daemon, "?match=engramd_series")["history"]
            values = daemon.scrape()
            for taken in (history["bytes"], values.get("engramd_history_bytes", 0)):
                assert taken <= MEGABYTES << 20, history
            document = get(daemon, "/api/v1/query?match=engramd_series&range=1h")
            reach = document["time_ms"] - history["oldest_fine_ms"]
            first = document["series"][0]["points"][0][0]
            assert first >= document["from_ms"] >= history["oldest_ms"] - 2000, (document, history)
            return history if history["series"] >= SERIES and time.monotonic() - begun > (
                reach / 1000 + 3) else None

        begun = time.monotonic()
        history = wait_for(full, "a history that is full", 120)
        assert history["series_left_out"] == 0, history
        assert history["bytes"] > (MEGABYTES << 20) * 0.7, history
        windows = snapshot(daemon, "?label=item:00042")
        reach = (windows["time_ms"] - windows["history"]["oldest_ms"]) / 1000
        assert windows["window_seconds"]["five_minutes"] <= reach + 1, windows["window_seconds"]
        assert windows["five_minutes"]["many_total"]["count"] > 0
        assert get(daemon, "/api/v1/query?match=many_total", 400)["error"]["status"] == 400
        assert daemon.stop() == 0


if __name__ == "__main__":
    if sys.argv[1:] == ["many"]:
        write_many()
    check_demo()
    check_budget()
    print("the API tells what was recorded, within its budget")
