"""A running engramd, for tests in Python."""
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build")
# A test that takes too long is told to end, and takes what it has made with it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=5):
        super().__init__("engramd", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, target, timeout=5, **headers):
    """The answer to a GET, already read, and its body."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def scrape(path, timeout=5):
    """The body of /metrics; an answer that is late or none is an error."""
    answer, body = ask(path, "/metrics", timeout)
    if answer.status != 200:
        raise OSError(f"status {answer.status}")
    return body


def values(body):
    """All values of /metrics by series."""
    lines = body.decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {series: float(value) for series, value in pairs}


class Daemon:
    """engramd on directories and a socket of its own, which go with it."""

    def __init__(self, *options, program=f"{BUILD}/engramd", **environment):
        self.room = tempfile.mkdtemp()
        self.regions = tempfile.mkdtemp(prefix="engram-test-", dir="/dev/shm")
        self.socket = f"{self.room}/socket"
        self.command = [program, "--listen", f"unix:{self.socket}", "--region-dir",
                        self.regions, "--state-dir", f"{self.room}/state", *options]
        self.environment = {**os.environ, **environment}
        self.children = []
        self.process = None
        try:
            self.start()
        except BaseException:
            self.__exit__(True, None, None)
            raise

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=open(f"{self.room}/log", "w"),
                                        env=self.environment)
        wait_for(lambda: "msg=started" in self.log() or self.process.poll() is not None, "the start")
        assert self.process.poll() is None, "it has ended"

    def restart(self):
        """Kills it as a fault would, and starts it again."""
        self.process.kill()
        self.process.wait()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            print(self.log()[-4000:])
        for process in [*self.children, self.process]:  # a thread that one of them stopped has to go
            if process and process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.room)
        shutil.rmtree(self.regions)

    def log(self):
        with open(f"{self.room}/log") as file:
            return file.read()

    def run(self, *command, **options):
        """Starts an instrumented process, or a helper, which ends with the daemon."""
        self.children.append(subprocess.Popen(
            command, env={**os.environ, "ENGRAM_DIR": self.regions}, text=True, **options))
        return self.children[-1]

    def scrape(self):
        """All values by series."""
        return values(scrape(self.socket))

    def threads(self, name):
        """Numbers of the daemon's threads of that name."""
        found = []
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/comm") as file:
                if file.read().strip() == name:
                    found.append(int(thread))
        return found

    def flip(self, symbol, bit):
        """A bit of its memory, in the third byte behind a symbol."""
        symbols = subprocess.run(["nm", self.command[0]], capture_output=True, text=True, check=True)
        offset = next(int(line.split()[0], 16) for line in symbols.stdout.splitlines()
                      if line.endswith(f" {symbol}"))
        with open(f"/proc/{self.process.pid}/maps") as maps:
            base = int(maps.readline().split("-")[0], 16)
        with open(f"/proc/{self.process.pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(base + offset + 2)
            byte = memory.read(1)[0]
            memory.seek(base + offset + 2)
            memory.write(bytes([byte ^ 1 << bit]))

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=30)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=30):
    """The first true value of the condition."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return value
