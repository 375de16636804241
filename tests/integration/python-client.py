#!/usr/bin/env python3
"""libengram.so serves another language: a ctypes client registers, records, and is served."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from engram_ctypes import Engram
from live import BUILD


def record():
    snake = Engram("snake")
    labels = {"language": "python"}
    count, measure = snake.counter("snakes_total", labels), snake.histogram("snake_length_meters", labels)
    for _ in range(1000):
        count(7)
        measure(1.5)


def main():
    regions = tempfile.mkdtemp(prefix="engram-test-", dir="/dev/shm")
    os.environ["ENGRAM_DIR"] = regions
    try:
        record()
        scrape = subprocess.run([f"{BUILD}/engramd", "--once", "--region-dir", regions,
                                 "--state-dir", regions],
                                capture_output=True, text=True, check=True).stdout
    finally:
        shutil.rmtree(regions)
    tail = '{language="python",process="snake",numa_node="0"} '
    for line in ("snakes_total" + tail + "7000", "snake_length_meters_count" + tail + "1000",
                 "snake_length_meters_sum" + tail + "1500"):
        if line not in scrape.splitlines():
            sys.exit(f"not served: {line}\n{scrape}")


main()
