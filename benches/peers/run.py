"""Compares Ken with other systems, one after another: same machine, same run, same corpus, same encoder files.

    python3 benches/peers/run.py EVAL [NAME ...]        # EVAL: a folder with drcd-zh-hant and faq-taipei-q2a

Each peer is installed from PyPI into an environment of its own below .cache/peers (versions: requirements/NAME.txt), served by
FastAPI (serve.py) and filled. It is asked all judged questions once (quality), then by eight clients in closed loop (questions
per second), then in open loop at half that rate (latency counts from when a question was due). Prints one Markdown row per
system and set.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPConnection
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "peers"
SETS = ("drcd-zh-hant", "faq-taipei-q2a")
PEERS = ("txtai", "lancedb", "haystack", "chroma", "usearch", "tantivy")
SECONDS = 15


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def load(folder):
    documents = [
        {"id": d["_id"], "text": f"{d.get('title') or ''}\n{d['text']}".strip(), "title": d.get("title") or "", "body": d["text"]}
        for d in read(folder / "corpus.jsonl")
    ]
    right = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            right.setdefault(query, set()).add(document)
    questions = [(q["_id"], q["text"]) for q in read(folder / "queries.jsonl") if q["_id"] in right]
    return documents, questions, right


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def install(name):
    """The environment's Python, and its size in MB."""
    folder = CACHE / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        wanted = HERE / "requirements" / f"{name}.txt"
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", wanted]
        subprocess.run(pip, check=True)
        (folder / "ready").touch()
    return python, size_mb(folder) + size_mb(ROOT / "models")


def size_mb(*paths):
    out = subprocess.run(["du", "-smc", *paths], check=True, capture_output=True, text=True).stdout
    return int(out.split()[-2])


class Peer:
    def __init__(self, name):
        self.name = name
        python, self.install_mb = install(name)
        self.port = free_port()
        command = [python, HERE / "serve.py", name, str(self.port)]
        self.process = start(self, command, "/ready", dict(os.environ, ANONYMIZED_TELEMETRY="False", HAYSTACK_TELEMETRY_ENABLED="False"))

    def index(self, documents):
        post(self.port, "/index", [{"id": d["id"], "text": d["text"]} for d in documents])

    def ask(self, connection, question):
        return request(connection, "/search", {"question": question, "limit": 10})


class Ken:
    name = "Ken"

    def __init__(self):
        import tempfile

        binary = ROOT / "target" / "release" / "ken"
        self.install_mb = size_mb(binary) + size_mb(ROOT / "models")
        self.port = free_port()
        self.folder = tempfile.mkdtemp()
        environment = dict(os.environ, KEN_MODELS__DIR=str(ROOT / "models"), KEN_LOG__FILTER="error")
        # Questions repeat. Each is to be encoded and searched every time, as in the other systems.
        environment |= {"KEN_ENCODER__KEPT": "0", "KEN_ANSWER__KEPT": "0"}
        command = [binary, "serve", "--listen", f"127.0.0.1:{self.port}"]
        self.process = start(self, command, "/readyz", environment, self.folder)

    def index(self, documents):
        def put(some):
            connection = HTTPConnection("127.0.0.1", self.port, timeout=600)
            for d in some:
                request(connection, f"/v1/documents/{d['id']}", {"text": d["body"], "title": d["title"], "format": "plain"}, "PUT")

        threads = [threading.Thread(target=put, args=(documents[i::4],)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        while not is_there(self.port, "/readyz"):
            time.sleep(0.02)

    def ask(self, connection, question):
        found = request(connection, "/v1/search", {"question": question, "limit": 10})
        return [hit["document_id"] for hit in found["hits"]]


def is_there(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


def start(system, command, ready, environment, folder=None):
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    while not is_there(system.port, ready):
        if process.poll() is not None:
            raise SystemExit(f"{system.name} ended at its start")
        time.sleep(0.02)
    system.started_s = time.monotonic() - began
    return process


def request(connection, path, body, method="POST"):
    connection.request(method, path, json.dumps(body), {"content-type": "application/json"})
    reply = connection.getresponse()
    text = reply.read()
    if reply.status >= 300:
        raise RuntimeError(f"{path}: {reply.status} {text[:300]!r}")
    return json.loads(text)


def post(port, path, body):
    return request(HTTPConnection("127.0.0.1", port, timeout=3600), path, body)


def memory_mb(pid):
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if int(fields["Pid"]) == pid or int(fields["PPid"]) == pid:
            total += int(fields.get("VmRSS", "0 kB").split()[0])
    return total / 1024


def flood(system, questions):
    """Answers per second to eight clients in closed loop."""
    until, counts = time.monotonic() + SECONDS, [0] * 8

    def work(asker):
        connection, at = HTTPConnection("127.0.0.1", system.port, timeout=60), asker * 31
        while time.monotonic() < until:
            system.ask(connection, questions[at % len(questions)][1])
            at += 1
            counts[asker] += 1

    join([threading.Thread(target=work, args=(i,)) for i in range(8)])
    return sum(counts) / SECONDS


def by_the_clock(system, questions, rate):
    """p50 and p99 of the latency in ms, from when each question was due."""
    began, took, lock, state = time.monotonic(), [], threading.Lock(), {"next": 0}
    n = int(rate * SECONDS)

    def work():
        connection = HTTPConnection("127.0.0.1", system.port, timeout=60)
        while True:
            with lock:
                at, state["next"] = state["next"], state["next"] + 1
            if at >= n:
                return
            due = began + at / rate
            time.sleep(max(0.0, due - time.monotonic()))
            system.ask(connection, questions[at % len(questions)][1])
            took.append(time.monotonic() - due)

    join([threading.Thread(target=work) for _ in range(32)])
    took.sort()
    return took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3


def join(threads):
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def measure(make, folder):
    documents, questions, right = load(folder)
    system = make()
    try:
        began = time.monotonic()
        system.index(documents)
        per_s = len(documents) / (time.monotonic() - began)
        connection, first, five = HTTPConnection("127.0.0.1", system.port, timeout=60), 0, 0
        for query, text in questions:
            found = system.ask(connection, text)
            first += bool(found and found[0] in right[query])
            five += any(document in right[query] for document in found[:5])
        n = len(questions)
        most = flood(system, questions)
        p50, p99 = by_the_clock(system, questions, most / 2)
        memory = memory_mb(system.process.pid)
        print(
            f"| {system.name} | {folder.name} | {first / n:.3f} | {five / n:.3f} | {p50:.1f} | {p99:.1f} | {most:.0f} "
            f"| {per_s:.0f} | {memory:.0f} | {system.started_s:.1f} | {system.install_mb} |",
            flush=True,
        )
    finally:
        system.process.kill()
        system.process.wait()


def main():
    folder, names = Path(sys.argv[1]), sys.argv[2:] or ["ken", *PEERS]
    print("| system | set | R@1 | R@5 | p50 ms | p99 ms | questions/s | chunks/s in | memory MB | start s | install MB |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for name in names:
        for of in SETS:
            measure(Ken if name == "ken" else lambda name=name: Peer(name), folder / of)


if __name__ == "__main__":
    main()
