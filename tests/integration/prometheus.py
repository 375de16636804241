#!/usr/bin/env python3
"""Debian's Prometheus scrapes the demo, in OpenMetrics and in text.

While the demo runs, every selector of tests/data/selectors.txt that is due has data, and labels and
values that are hard to write down arrive as they were recorded; after it has
ended, sum() in Prometheus equals the totals that the demo printed: counters and counts to the last
unit, sums to 1e-9.
"""
import http.server
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

BUILD = os.environ.get("BUILD", "build")
SECONDS = int(os.environ.get("SECONDS_OF_DEMO", "20"))
JOBS = ("openmetrics", "text")


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class TextProxy(http.server.BaseHTTPRequestHandler):
    """Prometheus 2.42 cannot be told to ask for text: this asks in its place."""
    target = ""

    def do_GET(self):
        request = urllib.request.Request(self.target, headers={"Accept": "text/plain;version=0.0.4"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            body = answer.read()
            self.send_response(200)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def wait_for(url, seconds=20):
    end = time.monotonic() + seconds
    while True:
        try:
            return get(url)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def query(prometheus, expression):
    url = f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    return json.loads(get(url))["data"]["result"]


def selector(series, job, suffix=""):
    name, brace, labels = series.partition("{")
    inner = labels.rstrip("}") + "," if brace else ""
    return f'{name}{suffix}{{{inner}process="truth",job="{job}"}}'


def total(prometheus, expression):
    result = query(prometheus, f"sum({expression})")
    return float(result[0]["value"][1]) if result else None


def why_absent(prometheus, due, name):
    """Why this machine does not have it, or "": it must."""
    if due == "simd":
        flags = open("/proc/cpuinfo").read()
        simd = "avx512" if "avx512f" in flags else "avx2" if "avx2" in flags else None
        return "" if platform.machine() == "x86_64" and name == simd else f"no {name}"
    if due == "event":
        found = query(prometheus, f'engram_hardware_event_available{{event="{name}"}}')
        assert found, f"nothing is said of {name}"
        return found[0]["metric"].get("reason", "")
    if due == "nodes":
        used = query(prometheus, 'engram_numa_memory_allocation_bytes{component="used", job="text"}')
        return "" if len(used) == 2 else f"{len(used)} nodes"
    return {"now": "", "minutes": "too early", "scope": "no scopes", "source": "no source"}[due]


def check_selectors(prometheus):
    """Returns what is missing, as text, and how many were asked for."""
    missing, asked = [], 0
    for line in open("tests/data/selectors.txt"):
        if line.startswith("#") or not line.strip():
            continue
        due, rest = line.split(None, 1)
        name, selector = rest.split(None, 1) if due in ("simd", "event") else ("", rest)
        reason = why_absent(prometheus, due, name)
        if reason:
            print(f"not on this machine ({reason}): {selector.strip()}")
            continue
        for job in JOBS:
            asked += 1
            if not query(prometheus, selector.strip().rstrip("}") + f', job="{job}"}}'):
                missing.append(f"{job}: no data for {selector.strip()}")
    return missing, asked


def check_totals(prometheus, truth):
    wrong, compared = [], 0
    for job in JOBS:
        for series, value in truth["counters"].items():
            compared += 1
            seen = total(prometheus, selector(series, job))
            if seen != value:
                wrong.append(f"{job}: {series} is {seen}, not {value}")
        for series, value in truth["histograms"].items():
            compared += 2
            count = total(prometheus, selector(series, job, "_count"))
            summed = total(prometheus, selector(series, job, "_sum"))
            if count != value["count"]:
                wrong.append(f"{job}: {series} counts {count}, not {value['count']}")
            if summed is None or abs(summed - value["sum"]) > 1e-9 * abs(value["sum"]):
                wrong.append(f"{job}: {series} sums to {summed}, not {value['sum']}")
    return wrong, compared


AWKWARD = {"quoted": 'say "it"', "escaped": "\\n is no \\", "lines": "one\ntwo\n",
           "braces": '{a="b",} 1', "accented": "\u00e9\U0001f418", "process": "awkward@host:1+2"}


def check_awkward(prometheus):
    """Labels and values that are hard to write down arrive as they were recorded."""
    wrong = []
    for job in JOBS:
        for series, expected in (("awkward_total", "7"), ("awkward_seconds_count", "1"),
                                 ("awkward_seconds_sum", "+Inf")):
            found = [result for result in query(prometheus, f'{series}{{job="{job}"}}')
                     if result["value"][1] != "0"]
            if len(found) != 1 or found[0]["value"][1] != expected or \
                    not AWKWARD.items() <= found[0]["metric"].items():
                wrong.append(f"{job}: {series} is {found}")
        values = {result["metric"]["is"]: result["value"][1]
                  for result in query(prometheus, f'awkward_value{{job="{job}"}}')}
        if values != {"nan": "NaN", "high": "+Inf", "low": "-Inf", "below": "-0.5"}:
            wrong.append(f"{job}: awkward_value is {values}")
    return wrong


def check_scrape(url):
    """What our own check of the whole scrape and promtool find beyond the listed exceptions."""
    wrong = []
    for kind, accept in (("text", "text/plain;version=0.0.4"),
                         ("openmetrics", "application/openmetrics-text;version=1.0.0")):
        request = urllib.request.Request(url, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=5) as answer:
            body = answer.read()
        done = subprocess.run([sys.executable, "tests/check_exposition.py", "--format", kind],
                              input=body, capture_output=True)
        if done.returncode:
            wrong.append(f"{kind}: " + (done.stdout + done.stderr).decode())
        if kind == "text":
            found = subprocess.run(["promtool", "check", "metrics"], input=body,
                                   capture_output=True).stderr.decode().splitlines()
            known = {line.rstrip("\n") for line in open("tests/data/promtool-exceptions.txt")}
            wrong += [f"promtool: {line}" for line in found if line and line not in known]
    return wrong


def start_all(room, regions, children):
    daemon, proxy, prom = free_port(), free_port(), free_port()
    os.environ["ENGRAM_DIR"] = regions
    children.append(subprocess.Popen(
        [f"{BUILD}/engramd", "--listen", f"127.0.0.1:{daemon}", "--region-dir", regions,
         "--state-dir", f"{room}/state"],
        stderr=open(f"{room}/engramd.log", "w")))
    TextProxy.target = f"http://127.0.0.1:{daemon}/metrics"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", proxy), TextProxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(f"{room}/prometheus.yml", "w") as config:
        config.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n")
        for job, port in zip(JOBS, (daemon, proxy)):
            config.write(f"  - {{job_name: {job}, static_configs: "
                         f"[{{targets: ['127.0.0.1:{port}']}}]}}\n")
    children.append(subprocess.Popen(
        ["prometheus", f"--config.file={room}/prometheus.yml", f"--storage.tsdb.path={room}/data",
         f"--web.listen-address=127.0.0.1:{prom}"], stderr=open(f"{room}/prometheus.log", "w")))
    prometheus = f"http://127.0.0.1:{prom}"
    wait_for(f"{prometheus}/-/ready")
    return prometheus


def run(room, regions, children):
    prometheus = start_all(room, regions, children)
    demo = subprocess.Popen([f"{BUILD}/engram-demo", "--process", "truth", "--threads", "4",
                             "--seconds", str(SECONDS)],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    children.append(demo)
    children.append(subprocess.Popen([f"{BUILD}/helpers/awkward"]))
    time.sleep(max(SECONDS - 4, 5))
    missing, asked = check_selectors(prometheus)
    missing += check_scrape(TextProxy.target) + check_awkward(prometheus)
    truth = json.loads(demo.communicate(timeout=60)[0])
    time.sleep(4)
    wrong, compared = check_totals(prometheus, truth)
    for job in JOBS:
        down = query(prometheus, f'min_over_time(up{{job="{job}"}}[{SECONDS}s])')
        if not down or down[0]["value"][1] != "1":
            wrong.append(f"{job}: a scrape failed")
    print(f"{asked} selectors asked, {len(missing)} without data; "
          f"{compared} totals compared, {len(wrong)} differ")
    for line in missing + wrong:
        print(line)
    operations = sum(truth["counters"].values())
    return not missing and not wrong and compared > 50 and operations > 0


def main():
    if not shutil.which("prometheus"):
        print("Prometheus is not installed")
        return 77
    room, children = tempfile.mkdtemp(), []
    regions = tempfile.mkdtemp(prefix="engram-test-", dir="/dev/shm")
    try:
        return 0 if run(room, regions, children) else 1
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait()
        shutil.rmtree(room)
        shutil.rmtree(regions)


sys.exit(main())
