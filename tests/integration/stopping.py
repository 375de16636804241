#!/usr/bin/env python3
"""A daemon that is told to stop leaves at once, or when it has answered whoever has begun to ask."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from live import Daemon, UnixConnection

ASKED = b"GET /stream HTTP/1.1\r\nHost: engramd\r\n\r\n"
UNANSWERED = "clients are left without an answer"


def connect(daemon, request):
    client = socket.socket(socket.AF_UNIX)
    client.connect(daemon.socket)
    client.sendall(request)
    return client


def nobody_is_waited_for():
    with Daemon() as daemon:
        kept = UnixConnection(daemon.socket)
        kept.request("GET", "/-/ready")
        kept.getresponse().read()
        stream = connect(daemon, ASKED)
        while b"event: snapshot" not in stream.recv(65536):
            pass
        assert daemon.stop() == 0
        assert UNANSWERED not in daemon.log(), daemon.log()


def somebody_is_waited_for_a_while(*options, **environment):
    with Daemon(*options, **environment) as daemon:
        slow = connect(daemon, ASKED[:-2])
        daemon.scrape()  # whoever came before is in
        assert daemon.stop() == 0
        assert f'"{UNANSWERED}" connections=1\n' in daemon.log(), daemon.log()
        slow.close()


nobody_is_waited_for()
somebody_is_waited_for_a_while()
# Everything that there is to be watched: the service manager's watchdog, and a state to come.
somebody_is_waited_for_a_while("--state-dir", "/proc/engramd", WATCHDOG_USEC="600000000")
