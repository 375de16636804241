"""What the daemon's look at the machine costs on each tick, and an answer about its health."""
import figures
from figures import Goal

PART = "a look at the machine, on each tick"
GOALS = {
    "that and health, beside 64 threads: p50": Goal("<= 150"),
    "that and health, when vmstat is read: p50": Goal("<= 150", "twice a second, as nodes are"),
    "64 software events of each CPU: p50": Goal("<= 100", "200 for 2 CPUs; each twice a second"),
    "/health over a kept connection: p50": Goal("<= 100"),
    "a core's turn of the canary: p50": Goal(note="each second"),
}


def rows(run):
    yield from figures.rows(run, PART, "sensing", GOALS)
