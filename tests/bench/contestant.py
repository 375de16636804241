"""The programs that recording.py measures: they are asked by lines and answer by lines of JSON (peers/peer.h)."""
import dataclasses
import json
import os
import pathlib
import select
import subprocess

PATIENCE = 120  # seconds that a program may take for one answer


@dataclasses.dataclass(frozen=True)
class Contestant:
    who: str
    command: tuple  # "{}" stands for the directory that the programs are built in
    kind: str  # "ours", "peer", or "yardstick" for what is no library
    package: str = ""  # of Debian, whose absence says why it could not be built
    environment: dict = dataclasses.field(default_factory=dict)
    # What it does where it does not have the very operation: {operation: (its own, what to say of it)}.
    instead: dict = dataclasses.field(default_factory=dict)

    def words(self, programs):
        return [word.format(programs) for word in self.command]

    def is_built(self, programs):
        return all(os.path.exists(word.format(programs)) for word in self.command if "{}" in word)

    def asked(self, operation):
        """The operation by its own name, and what to say of it."""
        cold = "cold-" if operation.startswith("cold-") else ""
        own, note = self.instead.get(operation.removeprefix("cold-"), (operation.removeprefix("cold-"), ""))
        return cold + own, note


class Failed(Exception):
    """A program that did not answer: the exception says why."""


class Running:
    """A contestant that runs, with a directory of its own for whatever it writes."""

    def __init__(self, contestant, programs, room, evict_bytes):
        self.contestant = contestant
        room = pathlib.Path(room, contestant.who.replace(" ", "-"))
        (room / "mmv").mkdir(parents=True)  # where PCP writes
        (room / "regions").mkdir()
        surroundings = os.environ | contestant.environment | {
            "ENGRAM_DIR": str(room / "regions"), "PCP_TMP_DIR": str(room), "ROOM": str(room),
            "EVICT_BYTES": str(evict_bytes)}
        surroundings.pop("ENGRAM_METRICS", None)
        self.complaints = (room / "stderr").open("w+")
        self.process = subprocess.Popen(contestant.words(programs), env=surroundings, bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints)

    def ask(self, operation, threads, rounds):
        """What it answers, or None where its library has no such thing."""
        try:
            self.process.stdin.write(f"{operation} {threads} {rounds}\n".encode())
        except BrokenPipeError:
            raise Failed(self.complaint()) from None
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise Failed(f"no answer to {operation} in {PATIENCE} s")
        line = self.process.stdout.readline()
        if not line:
            raise Failed(self.complaint())
        answer = json.loads(line)
        return None if "absent" in answer else answer

    def complaint(self):
        self.complaints.seek(0)
        lines = self.complaints.read().split("\n")
        return next((line for line in reversed(lines) if line), f"ended with status {self.process.wait()}")

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.complaints.close()
