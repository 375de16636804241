"""A client of Server-Sent Events on an AF_UNIX socket, for tests in Python."""
import json
import socket


class Stream:
    """What /stream says: messages as (name, id, data) in their order."""

    def __init__(self, path, query="", last=None, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        header = f"Last-Event-ID: {last}\r\n" if last else ""
        self.socket.sendall(f"GET /stream{query} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n".encode())
        self.bytes = b""
        self.last = last
        while b"\r\n\r\n" not in self.bytes:
            self.receive()
        self.head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        self.status = int(self.head.split()[1])

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.socket.close()

    def receive(self):
        received = self.socket.recv(1 << 16)
        if not received:
            raise EOFError("the daemon closed the stream")
        self.bytes += received

    def __iter__(self):
        return self

    def __next__(self):
        """The next message; comments and retry are no messages."""
        while True:
            while b"\n\n" not in self.bytes:
                self.receive()
            block, self.bytes = self.bytes.split(b"\n\n", 1)
            fields = {}
            for line in block.decode().split("\n"):
                name, _, value = line.partition(": ")
                fields.setdefault(name, []).append(value)
            if "event" in fields:
                self.last = fields["id"][0]
                return fields["event"][0], self.last, json.loads("\n".join(fields["data"]))

    def until(self, *names):
        """The next message of such a name, with those before it dropped."""
        return next(message for message in self if message[0] in names)
