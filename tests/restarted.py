"""What an EventSource has to know of a daemon that is killed and comes back, for any client."""
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from live import BUILD, wait_for

STREAM = "/stream?match=engram_*&process=engine&fields=delta"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def counted(scrape, values):
    """Those of the values that are not as the scrape says."""
    return {at: (value, scrape.get(at)) for at, value in values.items() if value != scrape.get(at)}


def goes_through_a_restart(daemon, known):
    """`known` gives what the client knows; it has to be connecting to STREAM already."""
    def counts(name):
        return known()["counts"].get(name, 0)

    engine = daemon.run(f"{BUILD}/engram-demo", "--process", "engine", "--rate", "2000", "--seconds",
                        "15", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: counts("metrics") >= 10, "messages", 60)
    assert counts("snapshot") == 1 and counts("reset") == 0, known()["counts"]
    daemon.restart()
    wait_for(lambda: counts("snapshot") == 2, "the client's return", 60)
    assert counts("reset") == 1, known()["counts"]
    before = counts("metrics")
    wait_for(lambda: counts("metrics") >= before + 10, "messages after the restart", 60)
    engine.wait(60)
    wait_for(lambda: len(values := known()["values"]) > 50 and not counted(daemon.scrape(), values),
             "what the client has added up to be what a scrape says", 30)
    print(f"{len(known()['values'])} totals, {known()['counts']}")
