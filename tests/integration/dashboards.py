#!/usr/bin/env python3
"""The dashboards: made of their descriptions, by our rules, of which each is seen to find what breaks it,
with every family on one of them; and a real Prometheus that scraped the daemon and the demo answers each
query with data that is of the chosen engine and no other program's, and finds what our rules read: one with
native histograms, which has no others of most families, and one without.  For hardware that is not there,
a program plays it."""
import copy
import glob
import http.server
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import dashboard_rules as rules
from live import BUILD, Daemon, free_port, wait_for
from promql import selectors

SHOWN, OTHER = "shown", "other"  # the engine that is chosen, and one that is not
JOB, PLAYED = "engram", "played"
EMPTY = {"access_pattern", "numa_penalty", "operation", "reason", "target_node"}  # where they do not apply
TOLD = {"events": ("engram_hardware_event_available", "event"),  # where it is said why there is none
        "sources": ("engram_process_source_available", "source"),
        "pressure": ("engram_pressure_available", "resource")}
LATEST = "engram_error_recovery_duration_ms"  # of what an engine has, what comes last
EXPONENTIAL, EXPLICIT = "engram_operation_duration_seconds", "engram_pattern_completion_score"
KINDS = {"classic": [], "native": ["--enable-feature=native-histograms"]}


def load():
    """Each dashboard by its name, which is what its description makes."""
    found = {}
    for path in sorted(glob.glob("alerts/dashboards/*.ini")):
        made = subprocess.run([sys.executable, "tools/gen-dashboards.py", path], capture_output=True,
                              text=True, check=True).stdout
        with open(path.removesuffix(".ini") + ".json") as file:
            assert file.read() == made, f"{path} is not what was made of it: make dashboards"
        found[os.path.basename(path).removesuffix(".ini")] = json.loads(made)
    return found


def check_rules(boards):
    """No dashboard breaks a rule, and each rule sees what breaks it, and no other does."""
    for name, board in boards.items():
        assert not rules.problems(board), (name, rules.problems(board))
        for rule in rules.RULES:
            for number, spoil in enumerate(rules.BREAKS[rule]):
                spoilt = copy.deepcopy(board)
                spoil(spoilt)
                seen = {broken for broken, _ in rules.problems(spoilt)}
                assert seen == {rule.__name__}, (name, rule.__name__, number, seen)
    assert len({board["uid"] for board in boards.values()}) == len(boards)
    shown = {rules.family_of(selector.name)[0]
             for board in boards.values() for _, selector in rules.selected(board)}
    assert shown >= set(rules.FAMILIES), f"on no dashboard: {set(rules.FAMILIES) - shown}"


def ask(prometheus, path, **parameters):
    url = f"{prometheus}/api/v1/{path}?" + urllib.parse.urlencode(parameters, doseq=True)
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{parameters}: {error.read().decode()}") from error


def answering(prometheus):
    try:
        return ask(prometheus, "query", query="1")
    except (AssertionError, OSError):
        return None


def points(prometheus, expression):
    """Series with a number in the last minute, as a panel would show them: labels and numbers."""
    now = time.time()
    found = ask(prometheus, "query_range", query=expression, start=now - 60, end=now, step=1)["result"]
    numbers = [(one["metric"], [float(value) for _, value in one["values"]]) for one in found]
    return [(labels, values) for labels, values in numbers
            if any(math.isfinite(value) for value in values)]


def chosen(expression, job=JOB):
    """With the variables that Grafana would put there."""
    values = {"$__rate_interval": "5s", "$job": job, "$instance": ".+", "$process": SHOWN}
    return re.sub(r"\$\w+", lambda name: values[name[0]], expression)


def needs():
    """Of panels that need something: what, by dashboard and title."""
    found = {}
    with open("tests/data/panels.txt") as file:
        for line in file:
            if not line.startswith("#"):
                what, panel = re.fullmatch(r"(\w+(?: \S+)?) {2,}(\w+: .+)\n", line).groups()
                found[panel] = what
    return found


def why_absent(prometheus, need):
    """Why this machine does not have it, or "": it must."""
    what, _, names = need.partition(" ")
    if what in TOLD:
        family, label = TOLD[what]
        found = ask(prometheus, "query", query=f'{family}{{{label}=~"{names}"}}')["result"]
        assert found, f"nothing is said of {need}"
        counted = any(one["value"][1] == "1" for one in found)
        return "" if counted else found[0]["metric"]["reason"]
    if what == "nodes":
        used = points(prometheus, 'engram_numa_memory_allocation_bytes{component="used"}')
        return "" if len(used) > 1 else f"{len(used)} node"
    return {"minutes": "too early", "": ""}[what]


class Player(http.server.BaseHTTPRequestHandler):
    """Has each family of the panels that not every machine can fill, with all its labels."""
    families = {}

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        for name, labels in self.families.items():
            text = ",".join(f'{label}="{value}"' for label, value in labels.items())
            value = time.time() if rules.FAMILIES[name] == "COUNTER" else 1
            self.wfile.write(f"{name}{{{text}}} {value}\n".encode())

    def log_message(self, *arguments):
        pass


def start_player(boards):
    """Its port."""
    listed = needs()
    for selector in (one for name, board in boards.items() for title, one in rules.selected(board)
                     if f"{name}: {title}" in listed):
        labels = rules.LABELS[selector.name] + ["process"] * ("process" in selector.matchers)
        Player.families[selector.name] = {label: SHOWN for label in labels}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Player)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def check_panel(prometheus, board, panel, job):
    """What is wrong with its queries, as text."""
    for target in panel["targets"]:
        found = points(prometheus, chosen(target["expr"], job))
        if not found:
            yield f"{board}: {panel['title']}: no data"
        legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        named = {label for labels, _ in found for label in labels}
        if found and legend - named - (EMPTY if job == JOB else set()):
            yield f"{board}: {panel['title']}: no series has {legend - named}"
        if panel["fieldConfig"]["defaults"]["unit"] == "percentunit":
            most = max((value for _, values in found for value in values if math.isfinite(value)), default=0)
            if most > 2:
                yield f"{board}: {panel['title']}: {most} is no share"


def check_selectors(prometheus, boards):
    """Those of what is of an engine, and no others, select by it."""
    of_engines = {}
    for selector in (one for board in boards.values() for _, one in rules.selected(board)):
        name = selector.name
        if name not in of_engines:
            found = ask(prometheus, "query", query=f'{name}{{job="{JOB}"}}')["result"]
            of_engines[name] = {"process" in one["metric"] for one in found}
        expected = {selector.matchers.get("process") == rules.OURS["process"]}
        assert name in rules.NOT_OURS or of_engines[name] in (set(), expected), f"{name}: process"


def check_variables(prometheus, boards):
    """Their lists have the job, the daemon and both engines."""
    expected = {"job": {JOB}, "process": {SHOWN, OTHER}}
    for board in boards.values():
        for name, values in expected.items():
            query = rules.variable(board, name)["query"]["query"]
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
            series = chosen(series)
            found = set(ask(prometheus, f"label/{label}/values", **{"match[]": series}))
            assert found == values, (query, found)


def start_prometheus(daemon, kind, **targets):
    """Its address.  It scrapes itself, too, whose process_* are not ours, and evaluates our rules."""
    room, port = f"{daemon.room}/{kind}", free_port()
    os.mkdir(room)
    with open(f"{room}/prometheus.yml", "w") as file:
        json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                   "rule_files": [os.path.abspath("alerts/*.rules.yml")],
                   "scrape_configs": [
                       {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]}
                       for name, at in {"prometheus": port, **targets}.items()]}, file)
    daemon.run("prometheus", f"--config.file={room}/prometheus.yml", f"--storage.tsdb.path={room}/data",
               f"--web.listen-address=127.0.0.1:{port}", *KINDS[kind], stderr=open(f"{room}/log", "w"))
    return f"http://127.0.0.1:{port}"


def start_engines(daemon):
    """With faults, so that an alert fires and, later, errors are recovered from."""
    for name in (SHOWN, OTHER):
        daemon.run(f"{BUILD}/engram-demo", "--process", name, "--threads", "2", "--rate", "3000", "--seconds",
                   "0", "--fault", "audit", "--fault", "degradation:10", stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def check_live(boards):
    target = free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as web:
        web.write("{}\n")
        web.flush()
        with Daemon("--listen", f"127.0.0.1:{target}", "--web-config", web.name,
                    "--alert-command", "/bin/true",
                    "--cross-socket-capacity", "100") as daemon:
            targets = {JOB: target, PLAYED: start_player(boards)}
            started = {kind: start_prometheus(daemon, kind, **targets) for kind in KINDS}
            start_engines(daemon)
            for kind, prometheus in started.items():
                check_answers(prometheus, boards)
                check_histograms(prometheus, kind)
                check_rules_find(prometheus)
                print(f"so with {kind} histograms")


def check_histograms(prometheus, kind):
    """It has those that it is to have, so that what it answered was of them."""
    def has(name):
        return bool(ask(prometheus, "query", query=f'count({name}{{job="{JOB}"}})')["result"])
    native = kind == "native"
    assert has(EXPONENTIAL) == native and has(EXPONENTIAL + "_bucket") != native, kind
    assert not has(EXPLICIT) and has(EXPLICIT + "_bucket"), kind


def check_rules_find(prometheus):
    """What our alerts read of histograms is there: each comparison holds once it asks for anything.
    Of what is recorded, some is of native histograms or of classic ones alone."""
    groups = ask(prometheus, "rules")["groups"]
    of_histograms = [rule for group in groups for rule in group["rules"]
                     if rule["type"] == "alerting" and
                     any((rules.family_of(selector.name) or ("", ""))[1] == "HISTOGRAM"
                         for selector in selectors(rule["query"]))]
    assert of_histograms
    for rule in of_histograms:
        assert rule["health"] == "ok", rule
        anything = re.sub(r"(==|>|<) [\d.]+", ">= 0", rule["query"])
        assert ask(prometheus, "query", query=anything)["result"], (rule["name"], anything)


def check_answers(prometheus, boards):
    chosen_one = f'{{process="{SHOWN}"}}[5s]'
    answers = f"(histogram_count(rate({LATEST}{chosen_one})) or rate({LATEST}_count{chosen_one})) > 0"
    wait_for(lambda: answering(prometheus) and points(prometheus, answers), LATEST, 60)
    required, wrong, asked, played = needs(), [], 0, 0
    for board, panel in ((name, panel) for name in boards for panel in rules.panels(boards[name])):
        reason = why_absent(prometheus, required.pop(f"{board}: {panel['title']}", ""))
        if reason:
            print(f"played, as it is not on this machine ({reason}): {board}: {panel['title']}")
        wrong += check_panel(prometheus, board, panel, PLAYED if reason else JOB)
        asked += len(panel["targets"])
        played += bool(reason)
    wrong += [f"no such panel: {panel}" for panel in required]
    assert not wrong, "\n".join(wrong)
    check_selectors(prometheus, boards)
    check_variables(prometheus, boards)
    print(f"{len(boards)} dashboards, {asked} queries asked, {played} panels played")


def main():
    boards = load()
    assert len(boards) == 4
    check_rules(boards)
    if not shutil.which("prometheus"):
        print("Prometheus is not installed")
        return 77
    check_live(boards)
    return 0


sys.exit(main())
