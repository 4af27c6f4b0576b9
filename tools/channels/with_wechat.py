"""WeChat beside wechatpy: signatures, the encryption in both directions, messages, requests."""

import json
import re
from xml.parsers.expat import ExpatError

import wechatpy
import wechatpy.utils
from common import NOW, RANDOM, Counts, Recorder, changed, expect, recorded, same_call
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException

TOKEN, APP, KEY = "wechat-token", "wx5823bf96d3bd56c7", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
PLAIN = {"token": TOKEN, "app_id": APP, "app_secret": "s", "access_token": "wechat access/token"}
SECURE = {**PLAIN, "encoding_aes_key": KEY}


def xml(kind, fields):
    head = {"ToUserName": "gh_7f083739789a", "FromUserName": "oia2TjuEGTNoeX76QEjQNrcURxG8", "CreateTime": str(NOW), "MsgType": kind}
    return "<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in {**head, **fields}.items()) + "</xml>"


def messages():
    for n, text in enumerate(["可以退貨嗎？", "a < b & c", "😀 \" ' 换行\n二", "  空格 "]):
        yield xml("text", {"Content": text, "MsgId": str(23_000_000_000 + n)})
    yield xml("image", {"PicUrl": "http://mmbiz.example/a", "MediaId": "m-1", "MsgId": "1"})
    yield xml("voice", {"MediaId": "m-2", "Format": "amr", "Recognition": "可以退貨嗎", "MsgId": "2"})
    yield xml("video", {"MediaId": "m-3", "ThumbMediaId": "t", "MsgId": "3"})
    yield xml("shortvideo", {"MediaId": "m-4", "ThumbMediaId": "t", "MsgId": "4"})
    yield xml("location", {"Location_X": "23.134521", "Location_Y": "113.358803", "Scale": "20", "Label": "位置", "MsgId": "5"})
    yield xml("link", {"Title": "題", "Description": "述", "Url": "https://example.com/a?b=1", "MsgId": "6"})
    for event, key in [("subscribe", ""), ("subscribe", "qrscene_1"), ("unsubscribe", ""), ("CLICK", "退貨"), ("VIEW", "https://example.com"), ("SCAN", "7")]:
        yield xml("event", {"Event": event, "EventKey": key})


def signature(*texts):
    signer = wechatpy.utils.WeChatSigner()
    signer.add_data(*texts)
    return signer.signature


def agrees(body, ours, counts):
    """The message as the library parses it, beside ours."""
    try:
        theirs = wechatpy.parse_message(body)
        fields = theirs and theirs._data
        is_read = bool(theirs) and all(isinstance(value, (str, type(None))) for value in fields.values())
        known = (theirs.id, theirs.source, theirs.time, theirs.type) if is_read else None
    except (ExpatError, KeyError, AttributeError, ValueError, TypeError):
        known = None
    if known is None or "events" not in ours:
        # The library cannot do without some fields, and Ken not without others; a broken document is refused by both.
        counts.add("both refuse" if known is None and "events" not in ours else "only Ken reads" if known is None else "only the library reads")
        return
    event = ours["events"][0]
    what = event["what"]
    kind = (fields.get("MsgType") or "").strip()
    if kind.lower() != kind or theirs.type == "unknown" and kind != "event":
        # A type in other letters, or one that the library does not know.
        counts.add("unknown type")
        return
    expect(event["at_ms"] == (theirs.time or 0) * 1000 or not fields.get("CreateTime"), "WeChat", body, event)
    if kind == "event":
        name = (fields.get("Event") or "").lower()
        if name in ("subscribe", "subscribe_scan", "subscribe_scan_product", "unsubscribe"):
            expect(what["consent"] == {"of": {**what["consent"]["of"], "user_id": theirs.source}, "granted": name != "unsubscribe"}, "WeChat", body, event)
        elif name == "click" and theirs.key:
            expect(what["message"]["parts"] == [{"text": theirs.key}], "WeChat", body, event)
        else:
            expect("ignored" in what, "WeChat", body, event)
        counts.add("both read")
        return
    message = what["message"]
    expect(message["from"]["user_id"] == theirs.source, "WeChat", body, event)
    expect(event["id"] == (fields.get("MsgId") or event["id"]), "WeChat", body, event)
    parts = message["parts"]
    media = {"image": "image", "voice": "audio", "video": "video", "shortvideo": "video"}
    if kind == "text":
        expect(parts == [{"text": theirs.content or ""}], "WeChat", body, event)
    elif kind in media and theirs.media_id:
        expect(parts[-1]["media"]["id"] == theirs.media_id and parts[-1]["media"]["kind"] == media[kind], "WeChat", body, event)
        expect(parts[:-1] == ([{"text": theirs.recognition}] if kind == "voice" and theirs.recognition else []), "WeChat", body, event)
    elif kind == "location" and "location" in parts[0]:
        expect(parts == [{"location": [float(value) for value in theirs.location]}], "WeChat", body, event)
    elif kind == "link" and theirs.title and theirs.url:
        expect(parts == [{"text": f"{theirs.title}\n{theirs.url}"}], "WeChat", body, event)
    counts.add("both read")


def plain_mode(wire, bodies, mutations):
    counts = Counts()
    for n in range(len(bodies) + mutations):
        body = bodies[n] if n < len(bodies) else RANDOM.choice(bodies)
        stamp, nonce = str(NOW + RANDOM.randrange(-300, 301)), str(RANDOM.randrange(10**9))
        signed = signature(TOKEN, stamp, nonce)
        kind = RANDOM.randrange(4) if n >= len(bodies) else 3
        if kind == 0:
            signed = changed(signed)
        elif kind == 1:
            nonce = changed(nonce)
        elif kind == 2:
            body = changed(body)
        try:
            wechatpy.utils.check_signature(TOKEN, signed, stamp, nonce)
            theirs = True
        except InvalidSignatureException:
            theirs = False
        ours = wire.receive("wechat", PLAIN, {}, body, query={"signature": signed, "timestamp": stamp, "nonce": nonce})
        is_signed = "events" in ours or ours.get("is_signed", False)
        expect(theirs == is_signed, "WeChat signature", body, signed, ours)
        counts.add("signed" if theirs else "forged")
        if theirs:
            agrees(body, ours, counts)
    return counts


def secure_mode(wire, bodies, mutations):
    """What the library encrypts, Ken decrypts."""
    counts, crypto = Counts(), WeChatCrypto(TOKEN, KEY, APP)
    other = WeChatCrypto(TOKEN, KEY, "wx-another")
    for n in range(len(bodies) + mutations):
        body = bodies[n] if n < len(bodies) else RANDOM.choice(bodies)
        stamp, nonce = str(NOW), str(RANDOM.randrange(10**9))
        kind = RANDOM.randrange(5) if n >= len(bodies) else 4
        if kind == 0:  # Signed after the change.
            body = changed(body)
        sealed = (other if kind == 1 else crypto).encrypt_message(body, nonce, stamp)
        signed = re.search(r"<MsgSignature><!\[CDATA\[(.*?)\]", sealed).group(1)
        request = "<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName>" + re.search("<Encrypt>.*?</Encrypt>", sealed).group(0) + "</xml>"
        if kind == 2:
            start = request.index("<Encrypt><![CDATA[") + 18
            end = request.index("]]></Encrypt>")
            request = request[:start] + changed(request[start:end]) + request[end:]
        elif kind == 3:
            signed = changed(signed)
        try:
            theirs = crypto.decrypt_message(request, signed, stamp, nonce)
            state = "opened"
        except InvalidSignatureException:
            state = "forged"
        except InvalidAppIdException:
            state = "another account"
        except ExpatError:
            state = "no document"
        query = {"msg_signature": signed, "timestamp": stamp, "nonce": nonce, "encrypt_type": "aes", "signature": signature(TOKEN, stamp, nonce)}
        ours = wire.receive("wechat", SECURE, {}, request, query=query)
        is_signed = "events" in ours or ours.get("is_signed", False)
        expect(is_signed or state in ("forged", "no document"), "WeChat secure", request, ours, state)
        expect(not is_signed or state != "forged", "WeChat secure", request, ours, state)
        expect("events" not in ours or state == "opened", "WeChat secure", request, ours, state)
        counts.add(state)
        if state == "opened":
            expect(theirs == body.strip() or theirs == body, "WeChat secure", body, theirs)
            agrees(theirs, ours, counts)
        elif state == "forged":
            expect("rejected" in ours, "WeChat secure", request, ours)
    return counts


def responses(wire, bodies):
    """What Ken encrypts, the library decrypts."""
    counts, crypto = Counts(), WeChatCrypto(TOKEN, KEY, APP)
    texts = ["可以退貨，七天內。", "]]> <b>&amp;", "😀" * 300, "\u0000控制\u0008字"]
    import xmltodict

    for body in bodies[:4]:
        for text in texts:
            nonce = str(RANDOM.randrange(10**9))
            sealed = crypto.encrypt_message(body, nonce, str(NOW))
            signed = re.search(r"<MsgSignature><!\[CDATA\[(.*?)\]", sealed).group(1)
            query = {"msg_signature": signed, "timestamp": str(NOW), "nonce": nonce}
            found = wire.respond("wechat", SECURE, {}, sealed, query=query, text=text)["body"]
            outer = xmltodict.parse(found)["xml"]
            inner = crypto.decrypt_message(found, outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
            inner = xmltodict.parse(inner, strip_whitespace=False)["xml"]
            written = "".join(letter for letter in text if letter >= " ")
            message = wechatpy.parse_message(body)
            expected = {"ToUserName": message.source, "FromUserName": message.target, "CreateTime": str(NOW), "MsgType": "text", "Content": written}
            expect(inner == expected, "WeChat reply", inner, expected)
            if "]]>" not in text:  # The library writes no document then.
                theirs = xmltodict.parse(wechatpy.create_reply(written, message).render())["xml"]
                expect({**theirs, "CreateTime": str(NOW)} == inner, "WeChat reply", theirs, inner)
            query = {"signature": signature(TOKEN, str(NOW), nonce), "timestamp": str(NOW), "nonce": nonce}
            expect(wire.respond("wechat", PLAIN, {}, body, query=query)["body"] == "success", "WeChat acknowledgement")
            counts.add("equal")
    return counts


def requests(wire, host, counts):
    client = wechatpy.WeChatClient(APP, "s", access_token="wechat access/token")
    client.API_BASE_URL = f"{host}/cgi-bin/"
    client.session.set(client.access_token_key, "wechat access/token", 7200)
    client.expires_at = NOW * 2
    Recorder.reply = {"errcode": 0, "errmsg": "ok"}
    for text in ["可以退貨", "a & <b> \"c\"", "😀"]:
        client.message.send_text("o1", text)
        same_call("WeChat text", recorded()[0], wire.send("wechat", PLAIN, to="o1", texts=[text])[0])
        menu = {"head_content": text, "list": [{"id": "0", "content": "退貨"}, {"id": "1", "content": "換貨"}], "tail_content": ""}
        client.message.send_msg_menu("o1", menu)
        same_call("WeChat menu", recorded()[0], wire.send("wechat", PLAIN, to="o1", texts=[text], choices=["退貨", "換貨"])[0])
        counts.add("WeChat")
    client.media.download("m/1 ")
    theirs, ours = recorded()[0], wire.calls("media", "wechat", PLAIN, id="m/1 ")[0]
    expect(sorted(theirs["path"].partition("?")[2].split("&")) == sorted(ours["path"].partition("?")[2].split("&")), "WeChat media", theirs, ours)
    same_call("WeChat media", {**theirs, "path": theirs["path"].partition("?")[0]}, {**ours, "path": ours["path"].partition("?")[0]})
    counts.add("WeChat media")


def check(wire, mutations):
    bodies = list(messages())
    return {"plain": dict(plain_mode(wire, bodies, mutations)), "secure": dict(secure_mode(wire, bodies, mutations)), "responses": dict(responses(wire, bodies))}
