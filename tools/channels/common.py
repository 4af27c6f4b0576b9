"""What the comparisons share: Ken's side as a process, a recorder of requests, random changes."""

import http.server
import json
import random
import subprocess
import sys
import threading
import urllib.parse

NOW = 1_796_000_000
RANDOM = random.Random(5)


class Wire:
    """Ken's side, a process (crates/channels/examples/wire.rs)."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def receive(self, channel, secrets, headers, body, **more):
        return self.ask({"receive": {"channel": channel, "secrets": secrets, "headers": headers, "body": body, "now": NOW, **more}})

    def respond(self, channel, secrets, headers, body, **more):
        return self.ask({"respond": {"channel": channel, "secrets": secrets, "headers": headers, "body": body, "now": NOW, **more}})

    def send(self, channel, secrets, **message):
        return self.ask({"send": {"channel": channel, "secrets": secrets, "message_id": "msg_1", **message}})["calls"]

    def calls(self, name, channel, secrets, **more):
        return self.ask({name: {"channel": channel, "secrets": secrets, **more}})["calls"]


def changed(text):
    """A text with one character removed, added or replaced."""
    at = RANDOM.randrange(len(text) + 1)
    kind = RANDOM.randrange(3)
    letter = RANDOM.choice("aA0/+= {}\":,é字<>&%")
    return text[:at] + ("" if kind == 0 else letter) + text[at + (0 if kind == 1 else 1):]


class Counts(dict):
    def add(self, name):
        self[name] = self.get(name, 0) + 1


def expect(condition, *what):
    if not condition:
        print("DIFFERENT:", *what, file=sys.stderr)
        sys.exit(1)


class Recorder(http.server.BaseHTTPRequestHandler):
    """Records requests, and replies so that each platform's library goes on."""

    calls = []
    reply = {}

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not body:
            body = None
        elif "urlencoded" in self.headers.get("content-type", ""):
            body = {name: (json.loads(value) if value[:1] in "{[" else value) for name, value in urllib.parse.parse_qsl(body.decode())}
        else:
            body = json.loads(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        Recorder.calls.append({"method": self.command, "path": self.path, "headers": headers, "body": body})
        reply = json.dumps(Recorder.reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = handle_one

    def log_message(self, *_):
        pass


def recorder():
    """The address of a recorder on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def recorded():
    """The requests since the last call of this function."""
    calls = list(Recorder.calls)
    Recorder.calls.clear()
    return calls


def same_call(platform, theirs, ours, headers=(), without=()):
    expect(theirs["method"] == ours["method"] and theirs["path"] == ours["path"], platform, theirs, ours)
    for name in headers:
        expect(theirs["headers"].get(name) == ours["headers"].get(name), platform, name, theirs, ours)
    body = {name: value for name, value in (theirs["body"] or {}).items() if name not in without}
    expect(body == {name: value for name, value in (ours["body"] or {}).items() if name not in without}, platform, body, ours["body"])
