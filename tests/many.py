#!/usr/bin/env python3
"""A process of many series: many.py NAME HOW_MANY.  Stays until its standard input ends."""
import sys

from engram_ctypes import Engram


def main():
    engram = Engram(sys.argv[1])
    for number in range(int(sys.argv[2])):
        engram.counter("many_total", {"number": str(number)})(1)
    sys.stdin.read()


main()
