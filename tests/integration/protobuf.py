#!/usr/bin/env python3
"""The scrape in protobuf: it decodes by the schema that Prometheus publishes and says what the text of the
same snapshot says, number by number, and of exponential histograms all buckets.  Debian's Prometheus takes
native histograms from it, whose quantiles lie in the bucket of the exact one."""
import gzip
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from check_exposition import parse_sample
from engram_ctypes import Engram
from live import BUILD, Daemon, ask, free_port, wait_for
from metric_families import ACCEPT, SCHEMA_OF_PROMETHEUS, TYPE, decode, labels_of, native_buckets, samples

PER_OCTAVE = {"known_seconds": 8, "coarse_seconds": 1, "fine_seconds": 32}  # others have 8, too
COUNTED = 2**53 + 2**20 + 1  # no double
RECORDED = 20_000
BOUNDS = [-0.25, 0.5, 1e6, 1e21]


def plain(value):
    return re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], value)


def read_text(body):
    """Numbers by (name, labels), and types and helps by name."""
    numbers, types, helps = {}, {}, {}
    for line in body.decode().splitlines():
        if line.startswith("# "):
            _, keyword, name, text = line.split(" ", 3)
            {"TYPE": types, "HELP": helps}[keyword][name] = text
            continue
        name, labels, value = parse_sample(line)
        pairs = {(key, float(text) if key == "le" else plain(text)) for key, text in labels.items()}
        numbers[name, frozenset(pairs)] = value
    return numbers, types, helps


def one_snapshot(daemon):
    """Text and protobuf of one snapshot: two texts that are the same have no other between them."""
    def both():
        before = ask(daemon.socket, "/metrics")[1]
        answer, body = ask(daemon.socket, "/metrics", Accept=ACCEPT)
        packed, content = ask(daemon.socket, "/metrics", **{"Accept": ACCEPT, "Accept-Encoding": "gzip"})
        assert answer.headers["Content-Type"].startswith(TYPE + ";"), answer.headers["Content-Type"]
        assert packed.headers["Content-Encoding"] == "gzip"
        if ask(daemon.socket, "/metrics")[1] != before:
            return None
        assert gzip.decompress(content) == body
        return before, body
    return wait_for(both, "two texts of one snapshot")


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def check_native(name, labels, histogram, numbers):
    """Whether it is one; its buckets add up to the count and to every bucket of the text."""
    buckets = native_buckets(histogram)
    if buckets is None:
        return False
    per_octave = 2 ** int(histogram["schema"][0])
    infinite = 1024 * per_octave + 1
    assert per_octave == PER_OCTAVE.get(name, 8), (name, histogram["schema"])
    zero, threshold = int(histogram["zero_count"][0]), float(histogram["zero_threshold"][0])
    assert threshold > 0 and all(count > 0 for count in buckets.values()), (name, labels)
    assert all(index == infinite or threshold < 2 ** (index / per_octave) for index in buckets), (name, labels)
    assert zero + sum(buckets.values()) == int(histogram["sample_count"][0]), (name, labels)
    shown = 0
    for (sample, its), count in numbers.items():
        bound = dict(its).get("le")
        if sample == name + "_bucket" and its - {("le", bound)} == labels and bound < math.inf:
            last = round(per_octave * math.log2(bound))
            below = zero + sum(count for index, count in buckets.items() if index <= last)
            assert below == count, (name, labels, bound, below, count)
            shown += 1
    assert shown, (name, labels)
    return True


def check_equal(daemon):
    text, body = one_snapshot(daemon)
    numbers, types, helps = read_text(text)
    families = decode(body)
    found = {}
    for family in families:
        name = family["name"][0]
        assert family["type"][0].lower() == types[name], name
        assert family["help"][0] == plain(helps[name]), name
        for key, value in samples(family):
            assert key not in found, f"twice: {key}"
            found[key] = value
    assert len(families) == len(types)
    assert found.keys() == numbers.keys(), found.keys() ^ numbers.keys()
    wrong = [(key, value, numbers[key]) for key, value in found.items() if not same(value, numbers[key])]
    assert not wrong, wrong
    native = [check_native(family["name"][0], labels_of(metric), metric["histogram"][0], numbers)
              for family in families if family["type"] == ["HISTOGRAM"] for metric in family["metric"]]
    assert any(native) and not all(native)
    assert max(numbers.values(), key=lambda value: value if value < math.inf else 0) == float(COUNTED)
    print(f"{len(found)} numbers of {len(types)} families are those of the text, "
          f"{sum(native)} of {len(native)} histograms are native; "
          f"{len(body)} bytes, and {len(text)} of text")


def query(prometheus, expression):
    """Numbers of a query by its labels."""
    url = f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(url, timeout=10) as answer:
        result = json.load(answer)["data"]["result"]
    return [(one["metric"], float(one["value"][1])) for one in result]


def one(prometheus, expression):
    found = query(prometheus, expression)
    assert len(found) == 1, (expression, found)
    return found[0][1]


def start_prometheus(daemon, target, port, *options):
    with open(f"{daemon.room}/{port}.yml", "w") as file:
        json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                   "scrape_configs": [{"job_name": "engram",
                                       "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}]}, file)
    daemon.run("prometheus", f"--config.file={daemon.room}/{port}.yml",
               f"--storage.tsdb.path={daemon.room}/{port}", f"--web.listen-address=127.0.0.1:{port}",
               *options, stderr=open(f"{daemon.room}/{port}.log", "w"))
    return f"http://127.0.0.1:{port}"


def bucket_of(value, per_octave):
    """The bounds of a value's bucket."""
    index = math.ceil(per_octave * math.log2(value))
    return 2 ** ((index - 1) / per_octave), 2 ** (index / per_octave)


def check_quantiles(prometheus, name, values):
    """Within the bucket of the exact one."""
    values.sort()
    assert one(prometheus, f"histogram_count({name})") == len(values)
    assert math.isclose(one(prometheus, f"histogram_sum({name})"), math.fsum(values), rel_tol=1e-12)
    for q in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1):
        exact = values[math.ceil(q * len(values)) - 1]
        least, most = bucket_of(exact, PER_OCTAVE[name])
        told = one(prometheus, f"histogram_quantile({q}, {name})")
        assert least <= told * (1 + 1e-12) and told <= most * (1 + 1e-12), (q, exact, told, least, most)
        print(f"{name}, quantile {q}: exactly {exact:.6g}, told {told:.6g}")


def both(prometheuses, expression):
    """The answer that a Prometheus with native histograms and one without agree on."""
    answers = []
    for prometheus in prometheuses:
        answers.append(sorted((tuple(sorted(labels.items())), value)
                              for labels, value in query(prometheus, expression)))
    assert answers[0] and answers[0] == answers[1], (expression, answers)
    return answers[0]


def check_prometheus(daemon, target, values):
    native = start_prometheus(daemon, target, free_port(), "--enable-feature=native-histograms")
    classic = start_prometheus(daemon, target, free_port())
    for prometheus in (native, classic):
        wait_for(lambda: is_up(prometheus), "a scrape that Prometheus takes", 60)
    for name in PER_OCTAVE:
        check_quantiles(native, name, values)
    # Of what is beyond all buckets there is no finite quantile.
    assert one(native, "histogram_quantile(0.5, awkward_seconds)") == math.inf
    assert not query(native, "known_seconds_bucket") and query(classic, "known_seconds_bucket")
    # What has explicit bounds stays what it is, with the same bounds in the same spelling.
    told = both((native, classic), "bounded_count")
    assert told[0][1] == 4
    bounds = both((native, classic), "bounded_bucket")
    assert {float(dict(labels)["le"]) for labels, _ in bounds} == {*BOUNDS, math.inf}
    assert both((native, classic), "known_total")[0][1] == float(COUNTED)
    for prometheus in (native, classic):
        assert one(prometheus, "min(up)") == 1
        assert one(prometheus, 'count(awkward_total{process="awkward@host:1+2"})') == 1


def is_up(prometheus):
    try:
        return query(prometheus, 'up{job="engram"} == 1 and on () known_total') or None
    except OSError:
        return None


def record(regions):
    """What a process of a test knows of what it recorded."""
    os.environ["ENGRAM_DIR"] = regions
    engram = Engram("known")
    engram.counter("known_total", {})(COUNTED)
    chance = random.Random(1)
    values = [chance.lognormvariate(-6, 2) for _ in range(RECORDED)]
    bounded = engram.histogram("bounded", {}, BOUNDS)
    for name, per_octave in PER_OCTAVE.items():
        take = engram.histogram(name, {}, per_octave=per_octave)
        for value in values:
            take(value)
    for value in (-1, 0.3, 2, math.inf):
        bounded(value)
    return values


def main():
    target = free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as web:
        web.write("{}\n")
        web.flush()
        with Daemon("--listen", f"127.0.0.1:{target}", "--web-config", web.name) as daemon:
            values = record(daemon.regions)
            daemon.run(f"{BUILD}/helpers/awkward")
            demo = daemon.run(f"{BUILD}/engram-demo", "--threads", "1", "--rate", "2000", "--seconds", "0",
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for(lambda: any("completion_score_count" in series for series in daemon.scrape()), "the demo")
            check_equal(daemon)
            demo.terminate()
            check_prometheus(daemon, target, values)


for thing in ("protoc", "prometheus", SCHEMA_OF_PROMETHEUS):
    if not shutil.which(thing) and not os.path.exists(thing):
        print(f"{thing} is not installed")
        sys.exit(77)
main()
