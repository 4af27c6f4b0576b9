"""A running service for all tests: `tools/interop/with.sh` starts one and sets the environment that is read here.
Without it the tests fail."""

import asyncio
import json
import os
import re
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from urllib.parse import urlsplit

import pytest

from ken_client import AsyncKen, Ken

URL = os.environ["KEN_URL"]
KEYS = {role: os.environ[f"KEN_{role.upper()}_KEY"] for role in ("bot", "editor", "admin", "operator")}
ANSWERED = "How long does a refund take?"
EXPECTED = "working days"
REFUSED = "Who won the world cup in 1998?"


class Caller:
    """Calls a method of `Ken` or of `AsyncKen`; events of streams as a list."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async

    def __call__(self, method, *args, role="bot", url=URL, key=None, max_retries=2, workspace=None, **options):
        made = {"base_url": url, "api_key": key or KEYS[role], "max_retries": max_retries, "workspace": workspace}
        if self.is_async:
            return asyncio.run(self._call(made, method, args, options))
        with Ken(**made) as ken:
            returned = getattr(ken, method)(*args, **options)
            return list(returned) if method == "stream_answer" else returned

    @staticmethod
    async def _call(made, method, args, options):
        async with AsyncKen(**made) as ken:
            returned = getattr(ken, method)(*args, **options)
            return [event async for event in returned] if method == "stream_answer" else await returned


@pytest.fixture(params=["sync", "async"])
def call(request) -> Caller:
    return Caller(request.param == "async")


@pytest.fixture(scope="session")
def limited(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """The address and a key of a service that allows 3 requests at once and one more every 3 seconds."""
    folder = tmp_path_factory.mktemp("limited")
    environment = {
        **os.environ,
        "KEN_STORE__URL": f"sqlite://{folder}/ken.db",
        "KEN_INDEX__DIR": f"{folder}/indexes",
        "KEN_DESK__KEY_FILE": f"{folder}/desk.key",
        "KEN_HTTP__REQUESTS_PER_MINUTE": "20",
    }
    ken = os.environ["KEN"]
    create = [ken, "keys", "create", "--name", "limited", "--role"]
    subprocess.run([*create, "operator"], env=environment, check=True, capture_output=True)
    key = subprocess.run(
        [*create, "editor"], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
    serve = [ken, "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(serve, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            yield re.search(r"serving on (\S+)", line)[1], key
        finally:
            process.terminate()


class Breaking:
    """A proxy of the service that closes the first `n_broken` connections after it has read the request."""

    def __init__(self, n_broken: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.n_connections = 0
        self._n_broken = n_broken
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.n_connections += 1
            if self.n_connections <= self._n_broken:
                client.recv(65536)
                client.close()
                continue
            to = urlsplit(URL)
            service = socket.create_connection((to.hostname, to.port))
            for source, target in [(client, service), (service, client)]:
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def breaking() -> Iterator[Breaking]:
    """A proxy that breaks the first connection."""
    proxy = Breaking(1)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def callback() -> Iterator[tuple[str, dict[str, str], bytes]]:
    """The secret, the headers and the body of a callback that the service sent."""
    received: Queue[tuple[dict[str, str], bytes]] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.put((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/ken"
    inbox = {
        "channel": "generic",
        "name": "App",
        "settings": {"mode": "live", "callback_url": url, "auto_send_level": "balanced", "burst_ms": 0},
    }
    inbox_id, message_id = f"python-{uuid.uuid4()}", f"m-{uuid.uuid4()}"
    with Ken(URL, KEYS["admin"]) as admin, Ken(URL, KEYS["bot"]) as bot:
        secret = admin.request("PUT", f"/v1/inboxes/{inbox_id}", json=inbox)["webhook_secret"]
        message = {"type": "message", "id": message_id, "sender": {"user_id": "u-1"}, "text": ANSWERED}
        bot.request("POST", f"/v1/inboxes/{inbox_id}/messages", json=message)
        yield secret, *received.get(timeout=60)
        admin.request("DELETE", f"/v1/inboxes/{inbox_id}")
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def openapi() -> dict:
    """The service's description of itself, as it is committed."""
    return json.loads((Path(__file__).parents[3] / "docs/reference/openapi.json").read_text())
