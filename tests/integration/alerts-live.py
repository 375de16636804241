#!/usr/bin/env python3
# tests/run: alone: twelve engines and a Prometheus want what CPUs there are.
"""A real Prometheus on our rules, all durations a sixtieth, while demos have faults: each alert that an
engine can cause arrives for the process that has the fault, and no other does; one without a fault has
none."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import BUILD, Daemon, ask, free_port, wait_for

RATE = 3000  # operations a second of each demo
FAULTS = {
    "allocation": {"ZeroAllocationViolation"},
    "audit": {"AuditViolations"},
    "contention": {"LockFreeContentionSpike"},
    "degradation": {"GracefulDegradationActivated"},
    "false-memories": {"FalseMemoryGenerationSpike"},
    "fragmentation": {"MemoryPoolFragmentation"},
    "imbalance": {"CLSSystemImbalance"},
    "misaligned": {"CacheAlignmentDegraded"},
    "stalled-consolidation": {"ConsolidationStalled"},
    "stalled-workers": {"WorkersFallBehind", "ConsolidationStalled"},  # that is their upkeep
}
GONE, HEALTHY = "gone", "healthy"
EXPECTED = {**FAULTS, GONE: {"WriterGone"}}
# Of the whole host: what an audit finds and what waits for workers is unhealthy, too.
NOISE = "AtomicOperationContentionHigh"  # of a host whose CPUs are taken away at any time
OF_THE_HOST = {"HealthUnhealthy"}


def sixtieth(rules):
    """5m is 5s, and 30s is 500ms."""
    def shorter(match):
        seconds = int(match[2]) * (60 if match[3] == "m" else 1)
        return f"{match[1]}{max(1, seconds * 1000 // 60)}ms"
    return re.sub(r"(for: |\[)(\d+)([ms])\b", shorter, rules)


def start_prometheus(daemon, room, target, port):
    for name in ("engram", "absence"):
        with open(f"{room}/{name}.yml", "w") as file:
            file.write(sixtieth(open(f"alerts/{name}.rules.yml").read()))
    with open(f"{room}/prometheus.yml", "w") as file:
        file.write(f"""global: {{scrape_interval: 500ms, scrape_timeout: 500ms,
  evaluation_interval: 500ms}}
rule_files: [{room}/engram.yml, {room}/absence.yml]
scrape_configs:
  - {{job_name: engram, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}
""")
    daemon.run("prometheus", f"--config.file={room}/prometheus.yml",
               f"--storage.tsdb.path={room}/data", f"--web.listen-address=127.0.0.1:{port}",
               stderr=open(f"{room}/prometheus.log", "w"))


def firing(port):
    """The names of the alerts that fire, by process, "" for those of the host; and what they say."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/alerts", timeout=5) as answer:
        alerts = json.load(answer)["data"]["alerts"]
    found = {}
    for alert in alerts:
        if alert["state"] != "firing" or alert["labels"]["alertname"] == NOISE:
            continue
        for text in alert["annotations"].values():
            assert "<error" not in text and "<no value>" not in text, alert
        found.setdefault(alert["labels"].get("process", ""), set()).add(alert["labels"]["alertname"])
    return found


def demo(daemon, name, *options):
    return daemon.run(f"{BUILD}/engram-demo", "--process", name, "--threads", "1", "--rate",
                      str(RATE), "--seconds", "0", *options, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL)


def engramd_agrees(daemon):
    """Its own durations are what they are, so only those that need not hold fire by now; all are seen."""
    def seen(state=None):
        alerts = json.loads(ask(daemon.socket, "/api/v1/alerts")[1])["alerts"]
        return {(alert["labels"].get("process"), alert["name"]) for alert in alerts
                if state in (None, alert["state"])}
    at_once = {("audit", "AuditViolations"), ("allocation", "ZeroAllocationViolation")}
    slow = "ConsolidationStalled"  # takes a quarter of an hour of nothing
    expected = {(process, name) for process, names in EXPECTED.items() for name in names
                if name != slow}
    wait_for(lambda: seen() >= expected, "engramd sees them")
    assert seen("firing") >= at_once, seen("firing")
    shown = subprocess.run([f"{BUILD}/engramctl", "alerts", "-a", f"unix:{daemon.socket}"],
                           capture_output=True, text=True)
    assert shown.returncode == 1, shown
    line = next(line for line in shown.stdout.splitlines() if line.startswith("AuditViolations"))
    assert re.match(r"AuditViolations +firing +critical +20\S+Z .*: kind=asymmetric_edge process=audit"
                    r" \(\d+\)$", line), line
    wrong = {one for one in seen("firing") if one[0] is not None and one not in expected}
    assert not wrong, wrong


def faults_arrive(daemon, port):
    for fault in FAULTS:
        demo(daemon, fault, "--fault", fault)
    demo(daemon, HEALTHY)
    gone = demo(daemon, GONE)
    wait_for(lambda: f'process="{GONE}"' in str(daemon.scrape()), "the one that goes")
    gone.kill()
    gone.wait()

    def all_there():
        found = firing(port)
        return all(found.get(process, set()) >= names for process, names in EXPECTED.items())
    try:
        wait_for(all_there, "all alerts", 90)
    except AssertionError:
        print(firing(port))
        raise
    engramd_agrees(daemon)
    time.sleep(5)
    found = firing(port)
    of_the_host = found.pop("", set())
    assert found == EXPECTED, found
    assert of_the_host <= OF_THE_HOST, of_the_host


def main():
    if not shutil.which("prometheus"):
        print("Prometheus is not installed")
        sys.exit(77)
    target, port = free_port(), free_port()
    room = tempfile.mkdtemp()
    try:
        with Daemon("--listen", f"127.0.0.1:{target}") as daemon:
            start_prometheus(daemon, room, target, port)
            wait_for(lambda: reachable(port), "Prometheus")
            faults_arrive(daemon, port)
    finally:
        shutil.rmtree(room)


def reachable(port):
    try:
        return firing(port) is not None
    except OSError:
        return False


main()
