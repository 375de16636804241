"""Machines that are made up below a --sysroot."""
import os
import threading
import time

DEVICES = "sys/bus/event_source/devices"
MON = "sys/fs/resctrl/mon_data"


class Sysroot:
    """A /proc and a /sys that say what they are told."""

    def __init__(self, root):
        self.root = root

    def put(self, path, text):
        os.makedirs(os.path.dirname(f"{self.root}/{path}"), exist_ok=True)
        with open(f"{self.root}/{path}.new", "w") as file:
            file.write(text)
        os.rename(f"{self.root}/{path}.new", f"{self.root}/{path}")


class Machine(Sysroot):
    """Sockets of one CPU and one node each."""

    def __init__(self, root, sockets):
        super().__init__(root)
        everyone = f"0-{sockets - 1}\n"
        for name in ("online", "possible", "present"):
            self.put(f"sys/devices/system/cpu/{name}", everyone)
            self.put(f"sys/devices/system/node/{name}", everyone)
        self.put("proc/cpuinfo", "")
        for i in range(sockets):
            cpu, node = f"sys/devices/system/cpu/cpu{i}", f"sys/devices/system/node/node{i}"
            for name in ("physical_package_id", "core_id"):
                self.put(f"{cpu}/topology/{name}", f"{i}\n")
            for name in ("package_cpus", "core_cpus", "core_siblings", "thread_siblings"):
                self.put(f"{cpu}/topology/{name}", f"{1 << i:x}\n")
            self.put(f"{cpu}/cache/index3/id", f"{i}\n")
            self.put(f"{node}/cpumap", f"{1 << i:x}\n")
            self.put(f"{node}/meminfo", f"Node {i} MemTotal: 1000000 kB\n"
                     f"Node {i} MemFree: 500000 kB\nNode {i} MemUsed: 500000 kB\n"
                     f"Node {i} Active(file): 0 kB\nNode {i} Inactive(file): 0 kB\n"
                     f"Node {i} SReclaimable: 0 kB\n")

    def box(self, name, cpus):
        """Type 1 is the kernel's own; of that, 0 and 1 are clocks, whatever is asked."""
        self.put(f"{DEVICES}/{name}/type", "1\n")
        self.put(f"{DEVICES}/{name}/cpumask", cpus + "\n")
        self.put(f"{DEVICES}/{name}/format/event", "config1:0-7\n")
        self.put(f"{DEVICES}/{name}/format/umask", "config1:8-15\n")
        self.put(f"{DEVICES}/{name}/format/rdwrmask", "config1:8-15\n")

    def named(self, name, event, terms):
        self.put(f"{DEVICES}/{name}/events/{event}", terms + "\n")
        self.put(f"{DEVICES}/{name}/events/{event}.scale", "6.103515625e-5\n")
        self.put(f"{DEVICES}/{name}/events/{event}.unit", "MiB\n")


class Caches(threading.Thread):
    """Rise at rates, a second, of all memory and of the local one."""

    def __init__(self, machine, rates):
        super().__init__(daemon=True)
        self.machine, self.rates, self.done, self.says = machine, rates, False, {}
        self.begin = time.monotonic()

    def __enter__(self):
        self.write()
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.done = True
        self.join()

    def write(self):
        for number, rates in enumerate(self.rates):
            for name, rate in zip(("mbm_total_bytes", "mbm_local_bytes"), rates):
                value = round(rate * (time.monotonic() - self.begin))
                self.machine.put(f"{MON}/mon_L3_{number:02}/{name}",
                                 f"{self.says.get(number, value)}\n")

    def run(self):
        while not self.done:
            self.write()
            time.sleep(0.01)
