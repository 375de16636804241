"""engramds in a hurry, in each of which something is amiss, or nothing: what alerts are tried on."""
import json
import os
import random
import subprocess
import tempfile
import threading
import time

from live import BUILD, Daemon, ask, free_port, wait_for
from machine import MON, Machine

RATE = 1500  # operations a second of each demo
# By the demo's name for it, what each of its faults sets off.
ENGINE = {
    "allocation": {"ZeroAllocationViolation"},
    "atomics": {"AtomicOperationContentionHigh"},
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
SKYLAKE = "skx"  # of whose counters are those below, as perf_event_open(2) has them


class Site:
    """One engramd.  `expected` has what is to fire, by process, "" for what is of the host; `besides`
    what may fire on the host because of it; `made_up` what this machine has no part for."""
    name = "nothing"
    made_up = False
    options, environment = (), {}

    def __init__(self):
        self.expected, self.besides = {"": set()}, set()
        self.port = free_port()
        self.daemon = Daemon("--listen", f"127.0.0.1:{self.port}", *self.options,
                             program=f"{BUILD}/helpers/engramd-hurried", **self.environment)

    def break_it(self):
        """Does what sets off what is expected."""

    def close(self):
        self.daemon.__exit__(None, None, None)

    def firing(self):
        """What engramd says: names by process; nothing while it is not there, or has not looked."""
        found = {}
        try:
            alerts = json.loads(ask(self.daemon.socket, "/api/v1/alerts")[1]).get("alerts", [])
        except OSError:
            alerts = []
        for alert in alerts:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"].get("process", ""), set()).add(alert["name"])
        return found

    def healthy(self, found):
        """What should be silent, and what was not: of the host, and of each process that is well."""
        for process, names in self.expected.items():
            wrong = found.get(process, set()) - names - (self.besides if not process else set())
            yield "engramd and its host" if not process else (
                "engine" if not names else "engine, but for its fault"), wrong

    def said(self):
        """What it was told, for whoever wants to know why something went wrong."""
        return ""

    def freeze(self, thread):
        freezer = self.daemon.run(f"{BUILD}/helpers/freezer", str(self.daemon.threads(thread)[0]),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert freezer.stdout.readline() == "frozen\n"


class Engines(Site):
    """Demos with a fault each, one that goes, and some that are well."""
    name = "engines"
    well = 8

    def demo(self, name, *options):
        self.expected[name] = set()
        return self.daemon.run(f"{BUILD}/engram-demo", "--process", name, "--threads", "1", "--rate",
                               str(RATE), "--seconds", "0", *options, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)

    def break_it(self):
        for fault in ENGINE:
            self.demo(fault, "--fault", fault)
        for number in range(self.well):
            self.demo(f"healthy-{number}")
        gone = self.demo("gone")
        wait_for(lambda: 'process="gone"' in str(self.daemon.scrape()), "the one that goes")
        gone.kill()
        gone.wait()
        self.expected.update(ENGINE, gone={"WriterGone"})
        self.expected[""] = {"HealthUnhealthy"}  # by what an audit finds, and what waits for workers
        # What is usual was learned within six seconds, while not all of them were there.
        self.besides = {"PerformanceRegressionDetected"}


class MadeUp(Site):
    """A machine of two sockets below a --sysroot, with counters that count as they are told."""
    made_up = True
    capacity = 10e9  # bytes a second, of a socket's links
    # By alert, where values are healthy and where they are not.
    RANGES = {
        "BranchPredictionDegradation": ((0.905, 0.999), (0.5, 0.895)),
        "CacheHitRatioDeterioration": ((0.855, 0.999), (0.3, 0.845)),
        "SIMDUtilizationLow": ((31, 90), (1, 29)),
        "HardwareEventsMultiplexedAway": ((0.15, 1), (0.01, 0.08)),
        "NUMANodeImbalance": ((0, 0.38), (0.42, 0.9)),
        "NUMARemoteAccessRatioHigh": ((0.01, 0.23), (0.27, 0.9)),
        "CrossSocketBandwidthSaturation": ((0.1, 0.78), (0.82, 1.1)),
    }

    def __init__(self, broken):
        self.name = "broken" if broken else "well"
        self.values = {alert: random.uniform(*ranges[broken]) for alert, ranges in self.RANGES.items()}
        self.root = tempfile.TemporaryDirectory(prefix="engram-sysroot-")
        self.machine = Machine(self.root.name, 2)
        self.options = ("--sysroot", self.machine.root, "--cross-socket-capacity",
                        str(self.capacity / 1e9))
        self.environment = {"ENGRAM_TEST_COUNTERS": f"{self.machine.root}/counters",
                            "LIBPFM_FORCE_PMU": SKYLAKE}
        self.counters()
        self.memory()
        self.begin, self.done = time.monotonic(), False
        self.rise()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        super().__init__()
        if broken:
            self.expected[""] = set(self.RANGES)
            self.besides = {"HealthUnhealthy"}  # of a full node, say

    def counters(self):
        wide, share = self.values["SIMDUtilizationLow"] / 100, self.values["HardwareEventsMultiplexedAway"]
        events = {
            (0, 0x4): 1e8, (0, 0x5): 1e8 * (1 - self.values["BranchPredictionDegradation"]),
            (3, 0x0): 1e8, (3, 0x10000): 1e8 * (1 - self.values["CacheHitRatioDeterioration"]),
            # Instructions of one and of eight numbers; of all others there are hardly any.
            **{(4, umask << 8 | 0xc7): 100 for umask in (0x02, 0x04, 0x08, 0x10, 0x20, 0x80)},
            (4, 0x01c7): 1e8 * (1 - wide), (4, 0x40c7): 1e8 * wide / 8,
        }
        lines = [f"{kind:x} {config:x} {rate} 1\n" for (kind, config), rate in events.items()]
        self.machine.put("counters", "".join(lines) + f"4 e124 1e6 {share}\n")  # reads of the L2

    def memory(self):
        """One node has nothing free, but for what the imbalance says."""
        total, free = 1000000, 50000
        for node, left in enumerate((free, free + total * self.values["NUMANodeImbalance"])):
            left = round(min(left, total))
            self.machine.put(f"sys/devices/system/node/node{node}/meminfo",
                             f"Node {node} MemTotal: {total} kB\nNode {node} MemFree: {left} kB\n"
                             f"Node {node} MemUsed: {total - left} kB\nNode {node} Active(file): 0 kB\n"
                             f"Node {node} Inactive(file): 0 kB\nNode {node} SReclaimable: 0 kB\n")

    def rise(self):
        passed = time.monotonic() - self.begin
        remote = self.values["NUMARemoteAccessRatioHigh"] * 1e5
        linked = self.values["CrossSocketBandwidthSaturation"] * self.capacity
        for node in (0, 1):
            self.machine.put(f"sys/devices/system/node/node{node}/numastat",
                             f"local_node {round((1e5 - remote) * passed)}\n"
                             f"other_node {round(remote * passed)}\n")
            for name, rate in (("mbm_total_bytes", 3 * linked), ("mbm_local_bytes", 2 * linked)):
                self.machine.put(f"{MON}/mon_L3_{node:02}/{name}", f"{round(rate * passed)}\n")

    def healthy(self, found):
        """Where all values are healthy, each is a stretch of its own."""
        if self.expected[""]:
            yield from super().healthy(found)
            return
        yield "made-up host", found.get("", set()) - set(self.RANGES)
        for alert in self.RANGES:
            yield f"made-up host, not {alert}", found.get("", set()) & {alert}

    def said(self):
        return self.values

    def run(self):
        while not self.done:
            self.rise()
            time.sleep(0.02)

    def close(self):
        self.done = True
        self.thread.join()
        super().close()
        self.root.cleanup()


class Intake(Site):
    """What processes bring is refused, or lost."""
    name = "intake"
    options = ("--series-limit", "40")

    def break_it(self):
        self.daemon.run("tests/many.py", "many", "60", stdin=subprocess.PIPE)
        self.daemon.run(f"{BUILD}/helpers/emitter", "100000000", "100000", "10",
                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        wait_for(lambda: any(series.startswith("engramd_region_rejected_total")
                             for series in self.daemon.scrape()), "how many are refused")
        path = f"{self.daemon.regions}/broken." + 32 * "0"
        with open(path + ".new", "wb") as file:
            file.write(b"nothing that was ever a region" * 1000)
        os.rename(path + ".new", path)
        self.expected[""] = {"QuotaReached", "EventsMissed", "RegionRejected"}
        self.besides = {"HealthUnhealthy"}  # others may take the CPU away from them


class Sick(Site):
    """A core computes wrong results: a bit of what the canary computes with is another."""
    name = "sick"

    def break_it(self):
        wait_for(lambda: self.daemon.scrape().get('engram_health_status{component="simd_correctness"}') == 0,
                 "the canary")
        self.daemon.flip("canary_vectors", 6)
        self.expected[""] = {"SIMDCanaryFailed"}
        self.besides = {"HealthUnhealthy"}  # of which nobody is told apart


class SensorHangs(Site):
    """The thread that reads what is slow to read is stopped."""
    name = "sensor"

    def break_it(self):
        wait_for(lambda: any("sensor_last_read" in series for series in self.daemon.scrape()), "sensors")
        self.freeze("sensors/slow")
        self.expected[""] = {"SensorHangs"}


class Blind(Site):
    """The collector of one of two sockets is stopped."""
    name = "blind"
    environment = {"HWLOC_SYNTHETIC": "package:2 numanode:1 core:1 pu:1"}

    def break_it(self):
        self.freeze("collector/1")
        self.expected[""] = {"CollectorBlind"}


class Slow(Site):
    """What the health checks read is slow to come."""
    name = "slow"

    def break_it(self):
        thread = str(self.daemon.threads("sensors")[0])
        self.daemon.run("strace", "-q", "-o", "/dev/null", "-e", "trace=pread64,read", "-e",
                        "inject=pread64,read:delay_enter=8000", "-p", thread)
        self.expected[""] = {"HealthCheckLatencyHigh"}


class Behind(Site):
    """So many series that reading them takes more of a core than it may."""
    name = "behind"
    options = ("--series-limit", "400000", "--cpu-budget", "0.0002")
    series = "80000"

    def break_it(self):
        for number in range(2):
            self.daemon.run("tests/many.py", f"many-{number}", self.series, stdin=subprocess.PIPE)
        self.daemon.run(f"{BUILD}/helpers/emitter", "100000000", "1", "100", stdin=subprocess.PIPE,
                        stdout=subprocess.DEVNULL)
        self.expected[""] = {"DaemonBehind", "MetricsAggregationLag"}
        self.besides = {"HealthUnhealthy"}  # they all want the CPU


class Down(Site):
    """engramd is not there."""
    name = "down"

    def break_it(self):
        self.daemon.process.kill()
        self.expected[""] = {"EngramdDown"}


class Restarting(Site):
    """engramd comes back, and ends, and comes back."""
    name = "restarting"

    def break_it(self):
        for _ in range(6):
            time.sleep(1.5)
            self.daemon.restart()
        self.expected[""] = {"EngramdRestarts"}


class Usual(Site):
    """Recalls take a millisecond longer, once it is known what they take."""
    name = "usual"

    def break_it(self):
        self.daemon.run(f"{BUILD}/engram-demo", "--process", "demo", "--threads", "1", "--rate", "2000",
                        "--seconds", "0", "--fault", "slow-recall:20", stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)
        self.expected = {"": {"PerformanceRegressionDetected"}, "demo": set()}
        self.besides = {"HealthUnhealthy"}  # others may take the CPU away from it
