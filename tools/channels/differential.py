"""Compares Ken's channels with the platforms' own libraries and published schemas: `make channels`.

1. Signatures: the same bytes, as signed and in MUTATIONS random changes, are accepted or refused by both.
2. Events: what both accept has the same fields.
3. Requests: the library's call and Ken's are equal in method, path, the headers that matter, and JSON.
4. Schemas: every kind of request of Ken's is valid by the platform's published schema (`with_schemas.py`).

Arguments: the program `wire` (crates/channels/examples/wire.rs), how many mutations of each platform, and perhaps a folder of
schemas.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import urllib.parse

import httpx
import linebot.v3.messaging as line
import pywa
import pywa.types.templates as templates
import pywa.utils
import slack_sdk
import telegram
import with_schemas
import with_twilio
import with_wechat
from common import NOW, RANDOM, Counts, Recorder, Wire, changed, expect, recorded, recorder, same_call
from linebot.v3.webhook import SignatureValidator, WebhookParser
from slack_sdk.signature import Clock, SignatureVerifier

WIRE_PROCESS, MUTATIONS = Wire(sys.argv[1]), int(sys.argv[2])


def mac(secret, message, digest=hashlib.sha256):
    return hmac.new(secret.encode(), message, digest)


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
    yield {**base, "type": "message", "replyToken": "r", "message": {"type": "image", "id": "31", "quoteToken": "q", "contentProvider": {"type": "external", "originalContentUrl": "https://x", "previewImageUrl": "https://y"}}}
    yield {**base, "type": "message", "replyToken": "r", "message": {"type": "file", "id": "32", "fileName": "收據.pdf", "fileSize": 9}}
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
            elif "media" in part:
                expect((part["media"]["kind"], part["media"]["id"]) == (their.message.type, their.message.id), "LINE", body, ours)
                expect(part["media"]["name"] == getattr(their.message, "file_name", None), "LINE", body, ours)
            else:
                # A file of another provider has no content at LINE.
                provider = getattr(their.message, "content_provider", None)
                expect(part == {"other": their.message.type}, "LINE", body, ours)
                expect(their.message.type in ("sticker", "location") or provider is None or provider.type != "line", "LINE", body, ours)
        else:
            expect(our["id"] == their.webhook_event_id, "LINE", body, ours)
            if "unsent" in what:
                expect(what["unsent"] == their.unsend.message_id, "LINE", body, ours)
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


def whatsapp_update(message):
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "10"},
             "contacts": [{"profile": {"name": "Mei"}, "wa_id": "886912345678", "user_id": "TW.1"}],
             "messages": [{"from": "886912345678", "id": "wamid.1", "timestamp": "1700000000", **message}]}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}


def check_whatsapp_events():
    counts = Counts()
    client = pywa.WhatsApp(phone_id="10", token="meta-token", session=httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json={}))))
    file = {"id": "99", "mime_type": "image/jpeg", "sha256": "x", "url": "https://x"}
    for message in [
        {"type": "text", "text": {"body": "可以退貨嗎？"}},
        {"type": "image", "image": {**file, "caption": "這是什麼"}},
        {"type": "document", "document": {**file, "filename": "收據.pdf"}},
        {"type": "audio", "audio": {**file, "voice": True}},
        {"type": "video", "video": file},
        {"type": "sticker", "sticker": {**file, "animated": False}},
        {"type": "location", "location": {"latitude": 25.03, "longitude": 121.5}},
        {"type": "revoke", "revoke": {"original_message_id": "wamid.0"}},
    ]:
        update = whatsapp_update(message)
        body = json.dumps(update)
        signature = "sha256=" + mac("app-secret", body.encode()).hexdigest()
        ours = WIRE_PROCESS.receive("whatsapp", META, {"x-hub-signature-256": signature}, body)["events"][0]
        what = ours["what"]
        if message["type"] == "revoke":
            theirs = pywa.types.DeletedMessage.from_update(client, update)
            expect(what == {"unsent": theirs.original_message_id}, "WhatsApp", update, ours)
        else:
            theirs = pywa.types.Message.from_update(client, update)
            expected = [{"text": text} for text in (theirs.text, theirs.caption) if text]
            if theirs.location:
                expected.append({"location": [theirs.location.latitude, theirs.location.longitude]})
            elif theirs.media:
                kind = {"document": "file"}.get(message["type"], message["type"])
                expected.append({"media": {"kind": kind, "id": theirs.media.id, "name": getattr(theirs.media, "filename", None), "media_type": theirs.media.mime_type}})
            expect(what["message"]["parts"] == expected, "WhatsApp", update, ours, expected)
            expect(what["message"]["from"]["user_id"] == theirs.from_user.wa_id, "WhatsApp", update, ours)
        expect((ours["id"], ours["at_ms"]) == (theirs.id, int(theirs.timestamp.timestamp() * 1000)), "WhatsApp", update, ours)
        counts.add("both read")
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
        {"update_id": 13, "message": {**message, "photo": [{"file_id": "small", "file_unique_id": "b", "width": 1, "height": 1}, {"file_id": "large", "file_unique_id": "c", "width": 9, "height": 9}]}},
        {"update_id": 14, "message": {**message, "voice": {"file_id": "v", "file_unique_id": "b", "duration": 1, "mime_type": "audio/ogg"}}},
        {"update_id": 15, "message": {**message, "caption": "收據", "document": {"file_id": "d", "file_unique_id": "b", "file_name": "a.pdf", "mime_type": "application/pdf"}}},
        {"update_id": 16, "message": {**message, "video": {"file_id": "w", "file_unique_id": "b", "width": 1, "height": 1, "duration": 1, "file_name": "a.mp4", "mime_type": "video/mp4"}}},
        {"update_id": 17, "message": {**message, "sticker": {"file_id": "s", "file_unique_id": "b", "width": 1, "height": 1, "is_animated": False, "is_video": False, "type": "regular"}}},
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
            message = theirs.message
            text, place, file = message.text or message.caption, message.location, message.effective_attachment
            expected = [{"text": text}] if text else []
            if place:
                expected.append({"location": [place.latitude, place.longitude]})
            elif file:
                kinds = {"PhotoSize": "image", "Voice": "audio", "Audio": "audio", "Video": "video", "VideoNote": "video", "Animation": "video", "Document": "file", "Sticker": "sticker"}
                file = file[-1] if isinstance(file, tuple) else file
                expected.append({"media": {"kind": kinds[type(file).__name__], "id": file.file_id, "name": getattr(file, "file_name", None), "media_type": getattr(file, "mime_type", None)}})
            expect(found["parts"] == expected, "Telegram", update, ours)
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


def whatsapp_requests(counts, text):
    calls = []

    def record(request):
        body = json.loads(request.content) if request.content else None
        calls.append({"method": request.method, "path": request.url.raw_path.decode(), "host": request.url.host, "headers": dict(request.headers), "body": body})
        return httpx.Response(200, json={"messaging_product": "whatsapp", "contacts": [{"input": "8869", "wa_id": "8869"}], "messages": [{"id": "wamid.1"}],
                                         "url": "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&hash=a", "mime_type": "image/jpeg", "sha256": "x", "file_size": 1, "id": "99"})

    session = httpx.Client(transport=httpx.MockTransport(record))
    client = pywa.WhatsApp(phone_id="10", token="meta-token", session=session, api_version=23.0)
    same = lambda name, ours: same_call(name, calls.pop(), ours, ["authorization"], without=["recipient_type"])
    client.send_message(to="8869", text=text, preview_url=False, tracker="msg_1")
    same("WhatsApp", WIRE_PROCESS.send("whatsapp", META, to="8869", texts=[text])[0])
    client.send_message(to="8869", text=text[:1000], buttons=[pywa.types.Button(title="甲", callback_data="choice-0")], tracker="msg_1")
    same("WhatsApp buttons", WIRE_PROCESS.send("whatsapp", META, to="8869", texts=[text[:1000]], choices=["甲"])[0])
    choices = ["甲", "乙", "丙", "丁"]
    rows = [pywa.types.SectionRow(title=choice, callback_data=f"choice-{n}") for n, choice in enumerate(choices)]
    client.send_message(to="8869", text=text[:1000], buttons=pywa.types.SectionList(button_title="⋯", sections=[pywa.types.Section(title="⋯", rows=rows)]), tracker="msg_1")
    same("WhatsApp list", WIRE_PROCESS.send("whatsapp", META, to="8869", texts=[text[:1000]], choices=choices)[0])
    client.send_template(to="8869", name="shipped", language=templates.TemplateLanguage.CHINESE_TAI, params=[templates.BodyText.params("A-1", "退貨")], tracker="msg_1")
    # The library writes the type in capitals and no policy, both against the published schema.
    calls[-1]["body"]["template"]["language"]["policy"] = "deterministic"
    for component in calls[-1]["body"]["template"]["components"]:
        component["type"] = component["type"].lower()
    template = {"name": "shipped", "language": "zh_TW", "parameters": ["A-1", "退貨"]}
    same("WhatsApp template", WIRE_PROCESS.send("whatsapp", META, to="8869", texts=[text], template=template)[0])
    url = client.get_media_url("99")
    reply = json.dumps({"url": url.url, "id": "99"})
    ours = WIRE_PROCESS.calls("media", "whatsapp", META, id="99", reply=reply)
    same("WhatsApp file, first", ours[0])
    client.get_media_bytes(url=url.url)
    expect(f"https://{calls[-1]['host']}" == ours[1]["address"], "WhatsApp file", calls, ours)
    same("WhatsApp file", ours[1])
    counts.add("WhatsApp")


def line_requests(counts, host, text):
    with line.ApiClient(line.Configuration(host=host, access_token="line-token")) as client:
        api = line.MessagingApi(client)
        choices = line.QuickReply(items=[line.QuickReplyItem(action=line.MessageAction(label="退貨", text="退貨"))])
        message = line.TextMessage(text=text, quick_reply=choices)
        api.reply_message(line.ReplyMessageRequest(reply_token="r1", messages=[message]))
        calls = WIRE_PROCESS.send("line", LINE, to="U1", texts=[text], choices=["退貨"], token="r1")
        same_call("LINE reply", recorded()[0], calls[0], ["authorization"], without=["notificationDisabled"])
        calls = WIRE_PROCESS.send("line", LINE, to="U1", texts=[text])
        key = calls[0]["headers"]["x-line-retry-key"]
        api.push_message(line.PushMessageRequest(to="U1", messages=[line.TextMessage(text=text)]), x_line_retry_key=key)
        same_call("LINE push", recorded()[0], calls[0], ["authorization", "x-line-retry-key"], without=["notificationDisabled"])
    # Files have an address of their own: the request is caught before it leaves.
    with line.ApiClient(line.Configuration(access_token="line-token")) as client:
        found = []

        def request(method, url, headers=None, **_):
            found.append((method, url, headers["Authorization"]))
            raise InterruptedError

        client.rest_client.request = request
        try:
            line.MessagingApiBlob(client).get_message_content("468789577898262530")
        except InterruptedError:
            pass
    ours = WIRE_PROCESS.calls("media", "line", LINE, id="468789577898262530")[0]
    expect(found == [(ours["method"], ours["address"] + ours["path"], ours["headers"]["authorization"])], "LINE file", found, ours)
    counts.add("LINE")


def slack_requests(counts, host, text):
    client = slack_sdk.WebClient(token="xoxb-1", base_url=f"{host}/api/")
    written = {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), "unfurl_links": False, "unfurl_media": False}
    client.chat_postMessage(channel="U1", **written)
    same_call("Slack", recorded()[0], WIRE_PROCESS.send("slack", SLACK, to="U1", texts=[text])[0], ["authorization"])
    client.chat_postMessage(channel="C1", thread_ts="17.9", **written)
    same_call("Slack thread", recorded()[0], WIRE_PROCESS.send("slack", SLACK, to="U1", texts=[text], token="C1 17.9")[0], ["authorization"])
    counts.add("Slack")


async def telegram_requests(counts, host, text):
    Recorder.reply = {"ok": True, "result": {"message_id": 1, "date": 1, "chat": {"id": 42, "type": "private"}, "id": 1, "is_bot": True, "first_name": "Ken", "username": "ken_bot",
                                             "file_id": "f", "file_unique_id": "u", "file_path": "photos/file_1.jpg"}}
    async with telegram.Bot("1:a", base_url=f"{host}/bot", base_file_url=f"{host}/file/bot") as bot:
        recorded()
        await bot.send_message(chat_id="42", text=text, link_preview_options=telegram.LinkPreviewOptions(is_disabled=True))
        same_call("Telegram", recorded()[0], WIRE_PROCESS.send("telegram", TELEGRAM, to="42", texts=[text])[0])
        file = await bot.get_file("f")
        ours = WIRE_PROCESS.calls("media", "telegram", TELEGRAM, id="f", reply=json.dumps(Recorder.reply))
        same_call("Telegram file, first", recorded()[0], ours[0])
        await file.download_as_bytearray()
        theirs = recorded()[0]
        # The library writes the colon of the token as %3A.
        same_call("Telegram file", {**theirs, "path": urllib.parse.unquote(theirs["path"])}, ours[1])
    counts.add("Telegram")


def check_requests():
    counts, host = Counts(), recorder()
    texts = ["可以退貨，七天內。\n\n來源：\n退貨政策 https://example.com/a?b=1&c=2", "plain & <b>", "😀" * 10]
    for text in texts:
        Recorder.reply = {"ok": True, "sentMessages": [{"id": "1", "quoteToken": "q"}]}
        line_requests(counts, host, text)
        slack_requests(counts, host, text)
        whatsapp_requests(counts, text)
        asyncio.run(telegram_requests(counts, host, text))
    with_wechat.requests(WIRE_PROCESS, host, counts)
    with_twilio.requests(WIRE_PROCESS, host, counts)
    return counts


CHECKS = [
    ("LINE", check_line),
    ("WhatsApp, Messenger", check_meta),
    ("WhatsApp's events", check_whatsapp_events),
    ("Slack", check_slack),
    ("Telegram", check_telegram),
    ("WeChat", lambda: with_wechat.check(WIRE_PROCESS, MUTATIONS)),
    ("Twilio", lambda: with_twilio.check(WIRE_PROCESS, MUTATIONS)),
    ("requests", check_requests),
    ("schemas", lambda: with_schemas.check(WIRE_PROCESS, sys.argv[3:])),
]
for name, check in CHECKS:
    print(f"{name}: {dict(check())}", flush=True)
