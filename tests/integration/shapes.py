#!/usr/bin/env python3
"""Machines of many shapes, as hwloc is told of them in its synthetic language and in XML: the
topology that engramd serves is the one that lstopo prints, and it has a collector for each package."""
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import Daemon, ask, wait_for

SHAPES = [
    "pu:1",
    "core:2 pu:2",
    "package:1 numanode:1 core:4 pu:1",
    "package:1 numanode:1 l3:1 l2:2 l1:1 core:1 pu:2",
    "package:1 numanode:2 core:2 pu:1",
    "package:1 numanode:4 l3:1 core:4 pu:2",
    "package:2 numanode:1 core:4 pu:2",
    "package:2 numanode:1(memory=0) core:2 pu:1",
    "package:2 numanode:2 core:2 pu:2",
    "package:2 l3:2(size=16MB) numanode:1 l2:4(size=512kB) core:1 pu:2",
    "package:2 core:3 pu:1",
    "package:2 numanode:1(indexes=1,0) core:2 pu:1",
    "package:2 numanode:1 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)",
    "package:2 numanode:1 core:2 pu:1(indexes=0,8,16,24)",
    "package:4 numanode:1 core:2 pu:1",
    "package:4 numanode:2 core:1 pu:2",
    "package:8 numanode:1 core:2 pu:1",
    "numanode:2 package:1 core:2 pu:1",
    "numanode:4 package:1 l2:2 core:1 pu:1",
    "group:2 package:2 numanode:1 core:2 pu:1",
    "package:3 numanode:1 core:5 pu:1",
    "package:2 die:2 numanode:1 l3:2 core:2 pu:2",
    "package:2 numanode:1 l3:8 core:8 pu:2",
    "package:1 numanode:8 core:2 pu:4",
]
CACHE_TYPES = {"0": "unified", "1": "data", "2": "instruction"}


def members(bitmap):
    """Numbers of a set as hwloc writes it: words of 32 bits, the highest first."""
    words = [int(word, 16) if word else 0 for word in bitmap.split(",")]
    number = 0
    for word in words:
        number = number << 32 | word
    return [bit for bit in range(number.bit_length()) if number >> bit & 1]


def by_lstopo(text):
    """Lists of what lstopo has, each as the document has it."""
    found = {"packages": [], "numa_nodes": [], "caches": [], "cores": [], "cpus": []}
    for thing in xml.fromstring(text).iter("object"):
        kind, has = thing.get("type"), thing.get
        cpus = members(has("cpuset"))
        if kind == "Package":
            found["packages"].append((cpus, members(has("nodeset"))))
        elif kind == "NUMANode":
            found["numa_nodes"].append((int(has("os_index")), cpus, int(has("local_memory", 0))))
        elif "Cache" in kind:
            found["caches"].append((int(has("depth")), CACHE_TYPES[has("cache_type")],
                                    int(has("cache_size")), cpus))
        elif kind == "Core":
            found["cores"].append(cpus)
        elif kind == "PU":
            found["cpus"].append(int(has("os_index")))
    return {name: sorted(things) for name, things in found.items()}


def by_engramd(document):
    return {
        "packages": sorted((p["cpus"], p["numa_nodes"]) for p in document["packages"]),
        "numa_nodes": sorted((n["numa_node"], n["cpus"], n["memory_bytes"])
                             for n in document["numa_nodes"]),
        "caches": sorted((c["level"], c["type"], c["size_bytes"], c["cpus"])
                         for c in document["caches"]),
        "cores": sorted(c["cpus"] for c in document["cores"]),
        "cpus": sorted(c["cpu"] for c in document["cpus"]),
    }


def check(what, text, **environment):
    with Daemon(**environment) as daemon:
        served = by_engramd(json.loads(ask(daemon.socket, "/api/v1/topology")[1]))
        printed = by_lstopo(text)
        for name, things in printed.items():
            assert served[name] == things, f"{what}: {name}: {served[name]}, lstopo {things}"
        sockets = max(1, len(printed["packages"]))
        wait_for(lambda: sum(value for series, value in daemon.scrape().items()
                             if series.startswith("engramd_collector_success")) == sockets,
                 f"{what}: collectors of {sockets} packages")
        daemon.stop()


def main():
    with tempfile.TemporaryDirectory() as room:
        for shape in SHAPES:
            text = subprocess.run(["lstopo-no-graphics", "--of", "xml", "-"], text=True, check=True,
                                  capture_output=True,
                                  env={**os.environ, "HWLOC_SYNTHETIC": shape}).stdout
            check(shape, text, HWLOC_SYNTHETIC=shape)
            with open(f"{room}/machine.xml", "w") as file:
                file.write(text)
            check(f"XML of {shape}", text, HWLOC_XMLFILE=f"{room}/machine.xml")
    print(f"{len(SHAPES)} shapes, each in two languages")


main()
