"""Receives what a running service sends, signed as Standard Webhooks 1.0: callbacks of an inbox and webhooks. It verifies
each with the libraries of Standard Webhooks for Python and JavaScript, and with ken-client. `webhooks.py ADDRESS BOT_KEY
ADMIN_KEY SCRIPT`, where SCRIPT is the installed `js/webhooks.mjs`. Prints one line for each check and ends with 1 if one
fails."""

import base64
import json
import subprocess
import sys
import threading
import time
import traceback
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ken_client import Ken, WebhookError, verify_webhook
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

ADDRESS, BOT, ADMIN, SCRIPT = sys.argv[1:5]
ANSWERED = "How long does a refund take?"
REFUSED = "Who won the world cup in 1998?"
TIMEOUT_S = 60
OTHER = "whsec_" + base64.b64encode(b"a secret of another endpoint, 32").decode()
failed = 0


def check(test):
    """Runs a test and prints its result."""
    global failed
    try:
        figures = test()
        print(f"ok: {test.__doc__}{f': {figures}' if figures else ''}")
    except Exception:
        failed += 1
        print(f"FAILED: {test.__doc__}")
        traceback.print_exc()


class Receiver:
    """A server on loopback that keeps what arrives, in order, and replies 204."""

    def __init__(self):
        self.arrived = []
        self.changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.changed:
                    receiver.arrived.append((self.path, dict(self.headers), body))
                    receiver.changed.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, what, is_wanted):
        """The first request that is wanted; each is looked at once."""
        deadline = time.monotonic() + TIMEOUT_S
        with self.changed:
            while True:
                for request in self.arrived:
                    if is_wanted(*request):
                        self.arrived.remove(request)
                        return request
                kinds = [json.loads(body)["type"] for _, _, body in self.arrived]
                left = deadline - time.monotonic()
                assert left > 0, f"no {what} within {TIMEOUT_S} s; others: {kinds}"
                self.changed.wait(left)


def is_accepted(secret, headers, body):
    """Whether the libraries for Python accept a request; they have to agree."""
    try:
        theirs = Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        theirs = None
    try:
        ours = verify_webhook(secret, headers, body)
    except WebhookError:
        ours = None
    assert ours == theirs, (ours, theirs)
    return ours is not None


verified = []


def verify(secrets, headers, body):
    """Checks that each secret verifies a request, that a change does not, and remembers it for JavaScript's library."""
    for secret in secrets:
        assert is_accepted(secret, headers, body), headers
        assert not is_accepted(secret, headers, body[:-1] + b" }"), "a changed body was accepted"
        verified.append({"secret": secret, "headers": headers, "body": body.decode()})
    assert not is_accepted(OTHER, headers, body), "another secret was accepted"
    return json.loads(body)


receiver = Receiver()
admin, bot = Ken(ADDRESS, ADMIN), Ken(ADDRESS, BOT)
run = uuid.uuid4().hex[:12]


def says(inbox, text):
    """Delivers a customer's message; returns its conversation."""
    message = {"type": "message", "id": uuid.uuid4().hex, "sender": {"user_id": "u-1"}, "text": text}
    return bot.request("POST", f"/v1/inboxes/{inbox}/messages", json=message)["conversation_id"]


@check
def callback():
    """Standard Webhooks (Python): a callback of an inbox with a cited answer, and a refusal handed to a person"""
    inbox = f"callback-{run}"
    settings = {"mode": "live", "callback_url": f"{receiver.url}/callback", "auto_send_level": "balanced", "burst_ms": 0}
    made = admin.request(
        "PUT", f"/v1/inboxes/{inbox}", json={"channel": "generic", "name": "App", "settings": settings}
    )
    secret = made["webhook_secret"]
    conversation = says(inbox, ANSWERED)
    of = lambda path, _, body: path == "/callback" and json.loads(body)["data"]["conversation_id"] == conversation
    _, headers, body = receiver.wait_for("callback", of)
    answer = verify([secret], headers, body)["data"]
    assert answer["answer_id"] and "working days" in json.dumps(answer["parts"]), answer
    says(inbox, REFUSED)
    _, headers, body = receiver.wait_for("second callback", of)
    reply = verify([secret], headers, body)["data"]
    assert reply["message_id"] != answer["message_id"] and "working days" not in json.dumps(reply["parts"]), reply
    admin.request("DELETE", f"/v1/inboxes/{inbox}")


@check
def webhooks():
    """Standard Webhooks (Python): every type of webhook, and two signatures while a secret is replaced"""
    hook, inbox = f"hook-{run}", f"hook-{run}"
    bot.answer(REFUSED)
    of_conversations = ["conversation.created", "conversation.handed_off", "conversation.changed"]
    types = ["answer.created", *of_conversations, "draft.created", "gap.created"]
    endpoint = {"url": f"{receiver.url}/hook", "types": types, "is_enabled": True}
    secret = admin.request("PUT", f"/v1/webhooks/{hook}", json=endpoint)["secret"]
    assert secret.startswith("whsec_")
    assert "secret" not in admin.request("PUT", f"/v1/webhooks/{hook}", json=endpoint), "the secret is shown again"

    def event(kind, secrets, **data):
        """The webhook of a type whose data has these values."""

        def is_wanted(path, _, body):
            sent = json.loads(body)
            return path == "/hook" and sent["type"] == kind and data.items() <= sent["data"].items()

        _, headers, body = receiver.wait_for(kind, is_wanted)
        sent = verify(secrets, headers, body)
        assert sent["timestamp"] and len(body) < 20_000, sent
        return sent

    admin.request("POST", f"/v1/webhooks/{hook}:test", json={})
    event("webhook.test", [secret])
    event("gap.created", [secret])
    for question, outcome in [(ANSWERED, "answered"), (REFUSED, "refused")]:
        answer = bot.answer(question)
        event("answer.created", [secret], answer_id=answer["id"], outcome=outcome)
    settings = {"mode": "live", "burst_ms": 0}
    admin.request("PUT", f"/v1/inboxes/{inbox}", json={"channel": "generic", "name": "App", "settings": settings})
    conversation = says(inbox, "轉真人客服")
    event("conversation.created", [secret], conversation_id=conversation)
    event("conversation.handed_off", [secret], conversation_id=conversation)
    admin.request("POST", f"/v1/conversations/{conversation}:resolve", json={})
    event("conversation.changed", [secret], conversation_id=conversation)
    correction = f"Refunds of the order {run} arrive within 21 working days."
    admin.feedback(answer["id"], helpful=False, corrected_answer=correction)
    event("draft.created", [secret])
    replaced = admin.request("POST", f"/v1/webhooks/{hook}:rotate-secret", json={})["secret"]
    assert replaced != secret
    admin.request("POST", f"/v1/webhooks/{hook}:test", json={})
    event("webhook.test", [secret, replaced])
    admin.request("DELETE", f"/v1/webhooks/{hook}")
    return ", ".join(["webhook.test", *types])


@check
def javascript():
    """Standard Webhooks (JavaScript): the same requests, and changed ones"""
    assert verified
    requests = "\n".join(json.dumps(one) for one in verified)
    ended = subprocess.run(["node", SCRIPT], input=requests, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == f"verified {len(verified)}", ended.stdout
    return f"{len(verified)} signatures"


sys.exit(failed > 0)
