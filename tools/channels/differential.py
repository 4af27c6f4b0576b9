"""Compares Ken's channels with the platforms' own libraries: `make channels`.

1. Signatures: the same bytes, as signed and in MUTATIONS random changes, are accepted or refused by both.
2. Events: what both accept has the same fields.
3. Requests: the library's call and Ken's are equal in method, path, the headers that matter, and JSON.

Arguments: the program `wire` (crates/channels/examples/wire.rs), and how many mutations of each platform.
"""

import asyncio
import base64
import hashlib
import hmac
import http.server
import json
import random
import subprocess
import sys
import threading
import urllib.parse

import httpx
import linebot.v3.messaging as line
import pywa
import pywa.utils
import slack_sdk
import telegram
from linebot.v3.webhook import SignatureValidator, WebhookParser
from slack_sdk.signature import Clock, SignatureVerifier

WIRE, MUTATIONS = sys.argv[1], int(sys.argv[2])
NOW = 1_796_000_000
RANDOM = random.Random(5)


class Wire:
    """Ken's side, a process."""

    def __init__(self):
        self.process = subprocess.Popen([WIRE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def receive(self, channel, secrets, headers, body):
        return self.ask({"receive": {"channel": channel, "secrets": secrets, "headers": headers, "body": body, "now": NOW}})

    def send(self, channel, secrets, **message):
        return self.ask({"send": {"channel": channel, "secrets": secrets, "message_id": "msg_1", **message}})["calls"]


WIRE_PROCESS = Wire()


def mac(secret, message, digest=hashlib.sha256):
    return hmac.new(secret.encode(), message, digest)


def changed(text):
    """A text with one character removed, added or replaced."""
    at = RANDOM.randrange(len(text) + 1)
    kind = RANDOM.randrange(3)
    letter = RANDOM.choice("aA0/+= {}\":,é字")
    return text[:at] + ("" if kind == 0 else letter) + text[at + (0 if kind == 1 else 1):]


class Counts(dict):
    def add(self, name):
        self[name] = self.get(name, 0) + 1


def expect(condition, *what):
    if not condition:
        print("DIFFERENT:", *what, file=sys.stderr)
        sys.exit(1)


# --- LINE

LINE = {"channel_secret": "line-secret", "access_token": "line-token"}


def line_events():
    source = {"type": "user", "userId": "U4af4980629"}
    base = {"mode": "active", "timestamp": 1462629479859, "source": source, "webhookEventId": "01FZ74A0TDDPYRVKNK77XKC3ZR",
            "deliveryContext": {"isRedelivery": False}}
    texts = ["可以退貨嗎？", "hello \"there\" \\ / \n", "😀 emoji", "退货期限 7 天"]
    for text in texts:
        yield {**base, "type": "message", "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
               "message": {"type": "text", "id": "468789577898262530", "text": text, "quoteToken": "q3Plxr4AgKd"}}
    yield {**base, "type": "message", "replyToken": "r", "message": {"type": "sticker", "id": "1", "packageId": "446", "stickerId": "1988", "quoteToken": "q", "stickerResourceType": "STATIC"}}
    yield {**base, "type": "message", "replyToken": "r", "message": {"type": "location", "id": "2", "title": "t", "address": "a", "latitude": 35.65, "longitude": 139.7}}
    yield {**base, "type": "message", "replyToken": "r", "message": {"type": "image", "id": "3", "quoteToken": "q", "contentProvider": {"type": "line"}}}
    yield {**base, "type": "follow", "replyToken": "r", "follow": {"isUnblocked": False}}
    yield {**base, "type": "unfollow"}
    yield {**base, "type": "postback", "replyToken": "r", "postback": {"data": "退貨"}}
    yield {**base, "type": "message", "mode": "standby", "message": {"type": "text", "id": "4", "text": "x", "quoteToken": "q"}}
    yield {**base, "type": "message", "replyToken": "r", "source": {"type": "group", "groupId": "C1", "userId": "U1"}, "message": {"type": "text", "id": "5", "text": "x", "quoteToken": "q"}}
    yield {**base, "type": "unsend", "unsend": {"messageId": "6"}}


def line_agrees(body, ours, counts):
    """The event of a request as the library reads it, beside ours."""
    try:
        theirs = WebhookParser("line-secret").parse(body, line_signature(body))
    except Exception:  # The library refuses what its models do not allow; Ken reads what it needs.
        counts.add("only Ken reads" if "events" in ours else "both refuse")
        return
    expect("events" in ours, "LINE", body, ours)
    expect(len(theirs) == len(ours["events"]), "LINE", body, ours)
    for their, our in zip(theirs, ours["events"]):
        what = our["what"]
        if what.get("ignored", "").startswith("cannot read"):
            # The library allows fields to be missing that Ken needs.
            message = getattr(their, "message", None)
            needed = [their.webhook_event_id, their.type, getattr(message, "id", None)]
            expect(None in needed or "" in needed, "LINE", body, ours)
            counts.add("only the library reads")
            continue
        expect(our["at_ms"] == their.timestamp, "LINE", body, ours)
        if "message" in what and their.type == "message":
            message = what["message"]
            if not hasattr(their.source, "user_id"):
                # A field that Ken does not need is missing: the library reads the event in part.
                counts.add("only Ken reads")
                continue
            expect(message["from"]["user_id"] == their.source.user_id, "LINE", body, ours)
            expect(our["id"] == their.message.id, "LINE", body, ours)
            expect(message["token"] == their.reply_token, "LINE", body, ours)
            part = message["parts"][0]
            if their.message.type == "text":
                expect(part == {"text": their.message.text}, "LINE", body, ours)
            elif their.message.type == "location":
                expect(part == {"location": [their.message.latitude, their.message.longitude]}, "LINE", body, ours)
            else:
                expect(part == {"other": their.message.type}, "LINE", body, ours)
        else:
            expect(our["id"] == their.webhook_event_id, "LINE", body, ours)
            if "consent" in what:
                expect(what["consent"]["granted"] == (their.type == "follow"), "LINE", body, ours)
    counts.add("both read")


def line_signature(body):
    return base64.b64encode(mac("line-secret", body.encode()).digest()).decode()


def check_line():
    counts, validator = Counts(), SignatureValidator("line-secret")
    bodies = [json.dumps({"destination": "U0", "events": [event]}, ensure_ascii=RANDOM.random() < 0.5) for event in line_events()]
    bodies.append('{"destination":"U0","events":[]}')
    for body in bodies:
        line_agrees(body, WIRE_PROCESS.receive("line", LINE, {"x-line-signature": line_signature(body)}, body), counts)
    for _ in range(MUTATIONS):
        body = RANDOM.choice(bodies)
        signature = line_signature(body)
        kind = RANDOM.randrange(3)
        if kind == 0:
            body = changed(body)
        elif kind == 1:
            signature = changed(signature)
        else:  # Signed after the change: both have to read it alike.
            body = changed(body)
            signature = line_signature(body)
        ours = WIRE_PROCESS.receive("line", LINE, {"x-line-signature": signature}, body)
        theirs = validator.validate(body, signature)
        is_signed = "events" in ours or ours.get("is_signed", False)
        expect(theirs == is_signed, "LINE signature", body, signature, ours)
        counts.add("signed" if theirs else "forged")
        if theirs:
            line_agrees(body, ours, counts)
    return counts


# --- Meta

META = {"app_secret": "app-secret", "verify_token": "mine", "access_token": "meta-token", "phone_number_id": "10"}


def check_meta():
    counts = Counts()
    message = {"from": "886912345678", "id": "wamid.1", "timestamp": "1700000000", "type": "text", "text": {"body": "可以退貨嗎？"}}
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "10"}, "contacts": [{"profile": {"name": "Mei"}, "wa_id": "886912345678"}], "messages": [message]}
    plain = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
    for _ in range(MUTATIONS):
        body = plain
        signature = "sha256=" + mac("app-secret", body.encode()).hexdigest()
        if RANDOM.random() < 0.4:
            body = changed(body)
        elif RANDOM.random() < 0.6:
            signature = changed(signature)
        try:
            theirs = pywa.utils.webhook_updates_validator("app-secret", body.encode(), signature)
        except TypeError:  # A signature with other letters.
            theirs = False
        ours = WIRE_PROCESS.receive("whatsapp", META, {"x-hub-signature-256": signature}, body)
        is_signed = "events" in ours or ours.get("is_signed", False)
        expect(bool(theirs) == is_signed, "Meta signature", body, signature, ours)
        counts.add("signed" if theirs else "forged")
    return counts


# --- Slack

SLACK = {"signing_secret": "slack-secret", "bot_token": "xoxb-1"}


class Fixed(Clock):
    def now(self):
        return NOW


def check_slack():
    counts, verifier = Counts(), SignatureVerifier("slack-secret", clock=Fixed())
    plain = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "channel_type": "im", "user": "U1", "text": "可以退貨嗎？", "ts": "1700000000.1"}})
    for _ in range(MUTATIONS):
        body, stamp = plain, str(NOW + RANDOM.randrange(-400, 400))
        signature = "v0=" + mac("slack-secret", f"v0:{stamp}:{body}".encode()).hexdigest()
        kind = RANDOM.randrange(4)
        if kind == 0:
            body = changed(body)
        elif kind == 1:
            signature = changed(signature)
        elif kind == 2:
            stamp = changed(stamp)
        try:
            theirs = verifier.is_valid(body, stamp, signature)
        except (TypeError, ValueError):  # A stamp that is no number, or other letters.
            theirs = False
        ours = WIRE_PROCESS.receive("slack", SLACK, {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}, body)
        is_signed = "events" in ours or ours.get("is_signed", False)
        expect(bool(theirs) == is_signed, "Slack signature", body, stamp, signature, ours)
        counts.add("signed" if theirs else "forged")
    return counts


# --- Telegram

TELEGRAM = {"bot_token": "1:a", "secret_token": "telegram-secret"}


def check_telegram():
    counts = Counts()
    user = {"id": 42, "is_bot": False, "first_name": "Mei", "last_name": "Lin"}
    chat = {"id": 42, "type": "private", "first_name": "Mei"}
    message = {"message_id": 3, "date": 1_700_000_000, "chat": chat, "from": user}
    updates = [
        {"update_id": 7, "message": {**message, "text": "可以退貨嗎？ 😀"}},
        {"update_id": 8, "message": {**message, "location": {"latitude": 25.03, "longitude": 121.5}}},
        {"update_id": 9, "message": {**message, "caption": "這是什麼", "photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]}},
        {"update_id": 10, "message": {**message, "chat": {"id": -5, "type": "group", "title": "g"}, "text": "x"}},
        {"update_id": 11, "edited_message": {**message, "text": "x"}},
        {"update_id": 12, "my_chat_member": {"date": 1_700_000_000, "chat": chat, "from": user, "old_chat_member": {"user": user, "status": "member"}, "new_chat_member": {"user": user, "status": "kicked", "until_date": 0}}},
    ]
    for update in updates:
        body = json.dumps(update)
        ours = WIRE_PROCESS.receive("telegram", TELEGRAM, {"x-telegram-bot-api-secret-token": "telegram-secret"}, body)["events"][0]
        theirs = telegram.Update.de_json(json.loads(body), None)
        what = ours["what"]
        is_message = theirs.message and theirs.message.chat.type == "private"
        known = f"{theirs.effective_chat.id}:{theirs.message.message_id}" if is_message else str(theirs.update_id)
        expect(ours["id"] == known, "Telegram", update, ours)
        if theirs.message and theirs.message.chat.type == "private":
            found = what["message"]
            expect(found["from"]["user_id"] == str(theirs.effective_chat.id), "Telegram", update, ours)
            expect(found["from"]["name"] == theirs.effective_user.full_name, "Telegram", update, ours)
            expect(ours["at_ms"] == int(theirs.message.date.timestamp() * 1000), "Telegram", update, ours)
            text = theirs.message.text or theirs.message.caption
            if text:
                expect(found["parts"] == [{"text": text}], "Telegram", update, ours)
            else:
                place = theirs.message.location
                expect(found["parts"] == [{"location": [place.latitude, place.longitude]}], "Telegram", update, ours)
        elif theirs.my_chat_member:
            expect(what["consent"]["granted"] is False, "Telegram", update, ours)
        else:
            expect("ignored" in what, "Telegram", update, ours)
        counts.add("both read")
    for _ in range(min(MUTATIONS, 1_000)):
        token = changed("telegram-secret") if RANDOM.random() < 0.5 else "telegram-secret"
        ours = WIRE_PROCESS.receive("telegram", TELEGRAM, {"x-telegram-bot-api-secret-token": token}, json.dumps(updates[0]))
        expect(("events" in ours) == (token == "telegram-secret"), "Telegram token", token, ours)
        counts.add("signed" if "events" in ours else "forged")
    return counts


# --- Requests


class Recorder(http.server.BaseHTTPRequestHandler):
    """Records requests, and replies as each platform does."""

    calls = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        kind = self.headers.get("content-type", "")
        if "json" in kind:
            body = json.loads(body)
        else:
            body = {name: (json.loads(value) if value[:1] in "{[" else value) for name, value in urllib.parse.parse_qsl(body.decode())}
        Recorder.calls.append({"method": "POST", "path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}, "body": body})
        reply = {"ok": True, "sentMessages": [{"id": "1", "quoteToken": "q"}],
                 "result": {"message_id": 1, "date": 1, "chat": {"id": 42, "type": "private"}, "id": 1, "is_bot": True, "first_name": "Ken", "username": "ken_bot"}}
        reply = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


def same_call(platform, theirs, ours, headers, without=()):
    expect(theirs["method"] == ours["method"] and theirs["path"] == ours["path"], platform, theirs, ours)
    for name in headers:
        expect(theirs["headers"].get(name) == ours["headers"].get(name), platform, name, theirs, ours)
    body = {name: value for name, value in theirs["body"].items() if name not in without}
    expect(body == {name: value for name, value in ours["body"].items() if name not in without}, platform, body, ours["body"])


def check_requests():
    counts = Counts()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_address[1]}"
    texts = ["可以退貨，七天內。\n\n來源：\n退貨政策 https://example.com/a?b=1&c=2", "plain & <b>", "😀" * 10]
    for text in texts:
        Recorder.calls.clear()
        with line.ApiClient(line.Configuration(host=host, access_token="line-token")) as client:
            api = line.MessagingApi(client)
            choices = line.QuickReply(items=[line.QuickReplyItem(action=line.MessageAction(label="退貨", text="退貨"))])
            message = line.TextMessage(text=text, quick_reply=choices)
            api.reply_message(line.ReplyMessageRequest(reply_token="r1", messages=[message]))
            calls = WIRE_PROCESS.send("line", LINE, to="U1", texts=[text], choices=["退貨"], token="r1")
            same_call("LINE reply", Recorder.calls[0], calls[0], ["authorization"], without=["notificationDisabled"])
            calls = WIRE_PROCESS.send("line", LINE, to="U1", texts=[text])
            key = calls[0]["headers"]["x-line-retry-key"]
            api.push_message(line.PushMessageRequest(to="U1", messages=[line.TextMessage(text=text)]), x_line_retry_key=key)
            same_call("LINE push", Recorder.calls[1], calls[0], ["authorization", "x-line-retry-key"], without=["notificationDisabled"])
        Recorder.calls.clear()
        slack_sdk.WebClient(token="xoxb-1", base_url=f"{host}/api/").chat_postMessage(
            channel="U1", text=text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), unfurl_links=False, unfurl_media=False)
        calls = WIRE_PROCESS.send("slack", SLACK, to="U1", texts=[text])
        same_call("Slack", Recorder.calls[0], calls[0], ["authorization"])
        Recorder.calls.clear()

        async def tell():
            async with telegram.Bot("1:a", base_url=f"{host}/bot") as bot:
                await bot.send_message(chat_id="42", text=text, link_preview_options=telegram.LinkPreviewOptions(is_disabled=True))

        asyncio.run(tell())
        calls = WIRE_PROCESS.send("telegram", TELEGRAM, to="42", texts=[text])
        same_call("Telegram", Recorder.calls[-1], calls[0], [])
        recorded = []

        def record(request):
            recorded.append({"method": request.method, "path": request.url.path, "headers": dict(request.headers), "body": json.loads(request.content)})
            return httpx.Response(200, json={"messaging_product": "whatsapp", "contacts": [{"input": "8869", "wa_id": "8869"}], "messages": [{"id": "wamid.1"}]})

        session = httpx.Client(transport=httpx.MockTransport(record))
        client = pywa.WhatsApp(phone_id="10", token="meta-token", session=session, api_version=23.0)
        client.send_message(to="8869", text=text, preview_url=False, tracker="msg_1")
        calls = WIRE_PROCESS.send("whatsapp", META, to="8869", texts=[text])
        same_call("WhatsApp", recorded[0], calls[0], ["authorization"], without=["recipient_type"])
        recorded.clear()
        client.send_message(to="8869", text=text[:1000], buttons=[pywa.types.Button(title="甲", callback_data="choice-0")], tracker="msg_1")
        calls = WIRE_PROCESS.send("whatsapp", META, to="8869", texts=[text[:1000]], choices=["甲"])
        same_call("WhatsApp buttons", recorded[0], calls[0], ["authorization"], without=["recipient_type"])
        counts.add("equal")
    return counts


for name, check in [("LINE", check_line), ("WhatsApp, Messenger", check_meta), ("Slack", check_slack), ("Telegram", check_telegram), ("requests", check_requests)]:
    print(f"{name}: {dict(check())}", flush=True)
