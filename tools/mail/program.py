"""Ken's side, a process (crates/mail/examples/mail.rs), and what all checks share."""

import base64
import json
import subprocess
import sys


class Program:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def begin(self, name, /, **of):
        self.process.stdin.write(json.dumps({name: of}).encode() + b"\n")
        self.process.stdin.flush()

    def end(self):
        line = self.process.stdout.readline()
        expect(line, "the program ended with", self.process.poll())
        return json.loads(line)

    def ask(self, name, /, **of):
        self.begin(name, **of)
        return self.end()

    def parse(self, raw, own=()):
        return self.ask("parse", raw=encoded(raw), own=list(own))

    def close(self):
        self.process.stdin.close()
        expect(self.process.wait(30) == 0, "the program ended with", self.process.returncode)


def encoded(raw):
    return base64.b64encode(raw).decode()


def expect(condition, *what):
    if not condition:
        print("WRONG:", *what, file=sys.stderr)
        sys.exit(1)


def equal(found, wanted, *what):
    expect(found == wanted, *what, "\n  found ", found, "\n  wanted", wanted)
