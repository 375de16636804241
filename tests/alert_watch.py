"""A real Prometheus on our rules, all durations a sixtieth, and an Alertmanager on our example."""
import copy
import http.server
import json
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request

from live import free_port, wait_for


def sixtieth(rules):
    """5m is 5s, and 30s is 500ms."""
    def shorter(match):
        seconds = int(match[2]) * {"s": 1, "m": 60, "h": 3600}[match[3]]
        return f"{match[1]}{max(1, seconds * 1000 // 60)}ms"
    return re.sub(r"(for: |\[|(?:wait|interval): )(\d+)([smh])\b", shorter, rules)


def add(found, site, labels):
    found.setdefault(site, {}).setdefault(labels.get("process", ""), set()).add(labels["alertname"])


class Receiver(threading.Thread):
    """Takes what Alertmanager sends."""

    def __init__(self, sites):
        super().__init__(daemon=True)
        self.sites, self.firing, self.severities = sites, {}, {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):
                body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
                self.take(body["alerts"], handler.path.strip("/"))
                handler.send_response(200)
                handler.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.start()

    def run(self):
        self.server.serve_forever(0.1)

    def take(self, alerts, receiver):
        for alert in alerts:
            labels = alert["labels"]
            self.severities.setdefault(receiver, set()).add(labels["severity"])
            if alert["status"] == "firing":
                add(self.firing, self.sites[labels["instance"]], labels)


class Watch:
    """Prometheus over the sites and, if wanted, Alertmanager with a receiver behind it."""

    def __init__(self, sites, with_alertmanager=False):
        self.room = tempfile.mkdtemp()
        self.sites = {f"127.0.0.1:{site.port}": site.name for site in sites}
        self.port, self.processes, self.receiver = free_port(), [], None
        self.alerting = ""
        if with_alertmanager:
            self.start_alertmanager()
        self.start_prometheus()

    def start(self, *command):
        log = open(f"{self.room}/{command[0]}.log", "w")
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    def start_alertmanager(self):
        self.receiver = Receiver(self.sites)
        port = free_port()
        with open("alerts/alertmanager.yml") as file:
            text = sixtieth(file.read()).replace("127.0.0.1:9094", f"127.0.0.1:{self.receiver.port}")
        with open(f"{self.room}/alertmanager.yml", "w") as file:
            file.write(text)
        self.start("prometheus-alertmanager", f"--config.file={self.room}/alertmanager.yml",
                   f"--storage.path={self.room}/alerts", f"--web.listen-address=127.0.0.1:{port}",
                   "--cluster.listen-address=")
        wait_for(lambda: ready(port), "Alertmanager")
        self.alerting = ("alerting: {alertmanagers: [{static_configs: [{targets: "
                         f"['127.0.0.1:{port}']}}]}}]}}\n")

    def start_prometheus(self):
        for name in ("engram", "absence"):
            with open(f"{self.room}/{name}.yml", "w") as file:
                file.write(sixtieth(open(f"alerts/{name}.rules.yml").read()))
        with open(f"{self.room}/prometheus.yml", "w") as file:
            file.write("global: {scrape_interval: 500ms, scrape_timeout: 500ms, "
                       "evaluation_interval: 500ms}\n" + self.alerting +
                       f"rule_files: [{self.room}/engram.yml, {self.room}/absence.yml]\n"
                       "scrape_configs:\n  - job_name: engram\n    static_configs: "
                       f"[{{targets: {list(self.sites)}}}]\n")
        self.start("prometheus", f"--config.file={self.room}/prometheus.yml",
                   f"--storage.tsdb.path={self.room}/data", f"--web.listen-address=127.0.0.1:{self.port}")
        wait_for(lambda: ready(self.port), "Prometheus")
        wait_for(lambda: len(self.ask("query?query=up")["result"]) == len(self.sites), "first scrapes")

    def ask(self, what):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{what}", timeout=10) as answer:
            return json.load(answer)["data"]

    def firing(self):
        """Names by site and process."""
        found = {}
        for alert in self.ask("alerts")["alerts"]:
            if alert["state"] != "firing":
                continue
            for text in alert["annotations"].values():
                assert "<error" not in text and "<no value>" not in text, alert
            add(found, self.sites[alert["labels"]["instance"]], alert["labels"])
        return found

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for process in self.processes:
            process.kill()
            process.wait()
        if self.receiver:
            self.receiver.server.shutdown()
        shutil.rmtree(self.room)


class Seen(threading.Thread):
    """All that anybody has said since the start, for some faults end by themselves."""

    def __init__(self, watch, sites):
        super().__init__(daemon=True)
        self.watch, self.sites, self.done, self.error = watch, sites, False, None
        self.lock, self.found = threading.Lock(), {"Prometheus": {}, "engramd": {}}
        if watch.receiver:
            self.found["the receiver"] = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.done = True
        self.join()
        if self.error:  # whoever has not looked has seen nothing wrong
            raise self.error

    def run(self):
        try:
            self.look()
        except Exception as error:
            self.error = error

    def look(self):
        while not self.done:
            self.take("Prometheus", self.watch.firing())
            self.take("engramd", {site.name: site.firing() for site in self.sites})
            if self.watch.receiver:
                self.take("the receiver", self.watch.receiver.firing)
            time.sleep(0.3)

    def take(self, who, sites):
        with self.lock:
            for site, processes in list(sites.items()):
                for process, names in list(processes.items()):
                    self.found[who].setdefault(site, {}).setdefault(
                        process, set()).update(names)

    def said(self):
        """Names by process, by site, by who said them."""
        with self.lock:
            return copy.deepcopy(self.found)


def ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False
