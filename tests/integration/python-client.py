#!/usr/bin/env python3
"""libengram.so serves another language: a ctypes client registers, records, and is served."""
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ.get("BUILD", "build")


class Slot(ctypes.Structure):
    _fields_ = [("region", ctypes.c_void_p), ("blocks", ctypes.c_uint32), ("slot", ctypes.c_uint32)]


class Histogram(ctypes.Structure):
    _fields_ = [("at", Slot), ("bounds", ctypes.c_void_p), ("cells", ctypes.c_uint32),
                ("first", ctypes.c_int32)]


def record(library):
    labels = (ctypes.c_char_p * 3)(b"language", b"python", None)
    for name, result in (("engram_counter_new", Slot), ("engram_histogram_new", Histogram)):
        call = getattr(library, name)
        call.restype = result
        call.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
    library.engram_reason.restype = ctypes.c_char_p
    library.engram_counter_add.argtypes = [Slot, ctypes.c_uint64]
    library.engram_histogram_record.argtypes = [Histogram, ctypes.c_double]
    if library.engram_attach(b"snake"):
        sys.exit("attach: " + library.engram_reason().decode())
    counter = library.engram_counter_new(b"snakes_total", b"Snakes.", labels)
    histogram = library.engram_histogram_new(b"snake_length_meters", b"Length.", labels)
    for _ in range(1000):
        library.engram_counter_add(counter, 7)
        library.engram_histogram_record(histogram, 1.5)


def main():
    regions = tempfile.mkdtemp(prefix="engram-test-", dir="/dev/shm")
    os.environ["ENGRAM_DIR"] = regions
    try:
        record(ctypes.CDLL(f"{BUILD}/libengram.so"))
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
