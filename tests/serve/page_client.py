"""What the tests of the page have in common: a program that serves it, and a client that can send anything."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.parse

PROGRAM = sys.argv[1]


class Program:
    """The program, serving a page until the block is left."""

    def __init__(self, what, directory, **options):
        given = [f"{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen([PROGRAM, what, directory, *given], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.said = self.process.stdout.readline().strip()
        self.url = self.said if self.said.startswith("http") else None
        if self.url:
            parts = urllib.parse.urlsplit(self.url)
            self.host, self.port = parts.hostname, parts.port

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer == "done", answer

    def deposit(self, owner, *amounts):
        for cents in amounts:
            self.tell(f"deposit {owner} {cents}")
        self.tell("settle")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        assert status == (0 if self.url else 1), status


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def read_answer(connection):
    """Reads what comes until the server hangs up."""
    received = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        received += part
    if b"\r\n\r\n" not in received:
        return Answer(0, {}, received)
    head, body = received.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
    return Answer(int(lines[0].split()[1]), headers, body)


def connect(program):
    return socket.create_connection((program.host, program.port), timeout=30)


def send_raw(program, data):
    with connect(program) as connection:
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered before all was sent
        return read_answer(connection)


def request(program, method, path, body=None, host=None, **headers):
    """Asks in one connection. Headers are given as Content_Type for Content-Type; None leaves one out."""
    lines = [f"{method} {path} HTTP/1.1"]
    fields = {"Host": host if host is not None else f"{program.host}:{program.port}"}
    if body is not None:
        fields |= {"Content-Length": str(len(body)), "Content-Type": "application/json", "X-Tyto": "1"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return send_raw(program, ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b""))


def get(program, path, **options):
    return request(program, "GET", path, **options)


def post(program, path, fields, **options):
    return request(program, "POST", path, json.dumps(fields).encode(), **options)


class Stream:
    """Server-sent events of /events, message by message."""

    def __init__(self, program, query="", **headers):
        self._open(program, query, headers)
        while self.status == 503:  # until the server has noticed that others have gone
            self.close()
            self._open(program, query, headers)

    def _open(self, program, query, headers):
        self.connection = connect(program)
        fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.connection.sendall(f"GET /events{query} HTTP/1.1\r\nHost: {program.host}:{program.port}\r\n"
                                f"{fields}\r\n".encode())
        self.file = self.connection.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().decode().strip()):
            name, value = line.split(":", 1)
            self.headers[name.lower()] = value.strip()
        self.left = b""

    def _piece(self):
        size = self.file.readline().strip()
        if not size or size == b"0":
            return b""
        piece = self.file.read(int(size, 16))
        self.file.readline()
        return piece

    def message(self):
        """Returns the next message as a dictionary of its fields, None at the end."""
        while b"\n\n" not in self.left:
            piece = self._piece()
            if not piece:
                return None
            self.left += piece
        text, self.left = self.left.split(b"\n\n", 1)
        fields = {}
        for line in text.decode().split("\n"):
            name, _, value = line.partition(":")
            fields[name or "comment"] = value.removeprefix(" ")
        return fields

    def events(self, count):
        """Returns the next `count` events, each with its id; what else comes is passed over."""
        found = []
        while len(found) < count:
            message = self.message()
            assert message is not None, f"the stream ended after {len(found)} of {count} events"
            if "data" in message and "event" not in message:
                found.append((int(message["id"]), json.loads(message["data"])))
        return found

    def until(self, event):
        """Passes over messages until one of this type comes, and returns it with what was before."""
        before = []
        while (message := self.message()) is not None:
            if message.get("event") == event:
                return message, before
            before.append(message)
        raise AssertionError(f"no {event}")

    def close(self):
        self.file.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Place:
    """A temporary directory, which goes with the block."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="tyto_serve-")
        return os.path.join(self.path, "data")

    def __exit__(self, *_):
        shutil.rmtree(self.path)
