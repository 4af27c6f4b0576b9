"""Twilio beside its library: signatures, TwiML, the check of the account."""

import json
import urllib.parse
import xml.etree.ElementTree as tree

from common import RANDOM, Counts, changed, expect, recorded, same_call, Recorder
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Gather, VoiceResponse

SECRETS = {"auth_token": "twilio-token", "account_sid": "AC" + "0" * 32, "language": "zh-TW", "speech_language": "cmn-Hant-TW"}
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
URLS = [
    "https://ken.example/v1/inboxes/phone/webhook",
    "https://ken.example/v1/inboxes/phone/webhook?workspace=shop&turn=3",
    "https://ken.example:8443/v1/inboxes/phone/webhook?turn=1&wait=2",
    "http://ken.example:80/v1/inboxes/phone/webhook",
]


def query_of(url):
    return dict(urllib.parse.parse_qsl(url.partition("?")[2], keep_blank_values=True))


def signatures(wire, mutations):
    counts, validator = Counts(), RequestValidator(SECRETS["auth_token"])
    turns = [
        {"CallSid": "CA1", "AccountSid": "AC1", "CallStatus": "in-progress", "From": "+886912345678", "To": "+14158675310", "SpeechResult": "可以 退貨嗎？ a+b & c=d", "Confidence": "0.93"},
        {"CallSid": "CA1", "CallStatus": "ringing", "From": "anonymous", "To": "+14158675310", "Empty": ""},
    ]
    for _ in range(mutations):
        url, called = RANDOM.choice(URLS), None
        fields = dict(RANDOM.choice(turns))
        signed_url = url
        if RANDOM.random() < 0.3:  # Signed with the port, or without it.
            parsed = urllib.parse.urlsplit(url)
            port = parsed.port or (443 if parsed.scheme == "https" else 80)
            host = parsed.hostname if parsed.port else f"{parsed.hostname}:{port}"
            signed_url = urllib.parse.urlunsplit(parsed._replace(netloc=host))
        kind = RANDOM.randrange(5)
        headers, body = {}, None
        if RANDOM.random() < 0.2:  # JSON, signed by its hash.
            text = json.dumps(fields)
            joint = "&" if "?" in url else "?"
            of = f"bodySHA256={validator.compute_hash(text)}"
            url, signed_url = f"{url}{joint}{of}", f"{signed_url}{joint}{of}"
            headers["content-type"], body = "application/json", text
            signature = validator.compute_signature(signed_url, {})
        else:
            headers["content-type"] = FORM
            signature = validator.compute_signature(signed_url, fields)
        if kind == 0:
            signature = changed(signature)
        elif kind == 1:
            at = url.index("/v1/") + 1
            url = url[:at] + changed(url[at:])
        elif kind == 2 and body is None:
            name = RANDOM.choice(list(fields))
            fields[name] = changed(fields[name])
        elif kind == 2:
            body = changed(body)
        elif kind == 3 and body is None:
            fields.pop(RANDOM.choice(list(fields)))
        given = body if body is not None else fields
        try:
            theirs = validator.validate(url, given, signature)
        except TypeError:  # A text without its hash in the address.
            theirs = False
        sent = body if body is not None else urllib.parse.urlencode(fields)
        headers["x-twilio-signature"] = signature
        ours = wire.receive("phone", SECRETS, headers, sent, url=url, query=query_of(url))
        is_signed = "events" in ours or ours.get("is_signed", False)
        expect(bool(theirs) == is_signed, "Twilio signature", url, sent, signature, ours, theirs)
        counts.add("signed" if theirs else "forged")
        if theirs and "events" in ours and fields.get("SpeechResult"):
            message = ours["events"][0]["what"].get("message")
            expect(message is None or message["parts"] == [{"text": fields["SpeechResult"].strip()}], "Twilio", sent, ours)
    return counts


def same_twiml(name, theirs, ours):
    plain = lambda element: (element.tag, dict(element.attrib), (element.text or "").strip(), [plain(child) for child in element])
    expect(plain(tree.fromstring(str(theirs))) == plain(tree.fromstring(ours)), name, str(theirs), ours)


def twiml(wire):
    counts = Counts()
    base = URLS[1].partition("&turn")[0]
    headers = {"content-type": FORM}
    for text in ["可以退貨。", "a < b & \"c\" 'd'", "😀"]:
        for turn in (0, 3):
            url = f"{base}&turn={turn}"
            body = urllib.parse.urlencode({"CallSid": "CA1", "CallStatus": "in-progress", "SpeechResult": "x"})
            of = {"url": url, "query": query_of(url)}
            theirs = VoiceResponse()
            gather = Gather(input="speech", action=f"{base}&turn={turn + 1}", method="POST", timeout=10, speech_timeout="auto", language="cmn-Hant-TW", hints="退貨, 換貨")
            gather.say(text, language="zh-TW")
            theirs.append(gather)
            same_twiml("Twilio say", theirs, wire.respond("phone", SECRETS, headers, body, text=text, choices=["退貨", "換貨"], **of)["body"])
            theirs = VoiceResponse()
            theirs.pause(length=1)
            theirs.redirect(f"{base}&turn={turn}&wait=1", method="POST")
            same_twiml("Twilio wait", theirs, wire.respond("phone", SECRETS, headers, body, **of)["body"])
            counts.add("equal")
    theirs = VoiceResponse()
    theirs.append(Gather(input="speech", action=f"{base}&turn=1", method="POST", timeout=10, speech_timeout="auto", language="cmn-Hant-TW"))
    body = urllib.parse.urlencode({"CallSid": "CA1", "CallStatus": "ringing"})
    same_twiml("Twilio first", theirs, wire.respond("phone", SECRETS, headers, body, url=base, query=query_of(base))["body"])
    counts.add("equal")
    return counts


def requests(wire, host, counts):
    client = Client(SECRETS["account_sid"], SECRETS["auth_token"])
    Recorder.reply = {"sid": SECRETS["account_sid"]}
    client.api.base_url = host
    client.api.v2010.accounts(SECRETS["account_sid"]).fetch()
    same_call("Twilio account", recorded()[0], wire.calls("check", "phone", SECRETS)[0], ["authorization"])
    counts.add("Twilio account")


def check(wire, mutations):
    return {"signatures": dict(signatures(wire, mutations)), "TwiML": dict(twiml(wire))}
