"""Verification of callbacks that a real service signed, beside the verifier of Standard Webhooks."""

import base64
import json
import time
from datetime import datetime, timezone

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from ken_client import WebhookError, verify_webhook

OTHER = "whsec_" + base64.b64encode(b"another secret of 32 bytes......").decode()


def both(secret, headers, body):
    """Whether our verifier accepts a request; theirs has to agree."""
    try:
        ours = verify_webhook(secret, headers, body)
    except WebhookError:
        ours = None
    try:
        theirs = Webhook(secret).verify(body, headers)
    except (WebhookVerificationError, ValueError):
        theirs = None
    assert ours == theirs
    return ours is not None


def test_callback_of_the_service_is_accepted(callback):
    secret, headers, body = callback
    assert both(secret, headers, body)
    data = verify_webhook(secret, headers, body)["data"]
    assert data["user_id"] == "u-1" and data["author"]
    assert "working days" in json.dumps(data["parts"])


def test_every_changed_byte_is_refused(callback):
    secret, headers, body = callback
    for at in range(0, len(body), max(1, len(body) // 100)):
        assert not both(secret, headers, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    for name in headers:
        if not name.lower().startswith("webhook-"):
            continue
        for at in range(len(headers[name])):
            changed = headers[name][:at] + chr(ord(headers[name][at]) ^ 1) + headers[name][at + 1 :]
            if name.lower() == "webhook-signature" and at == len(headers[name]) - 2:
                continue  # The last digit of base64 has two bits that no byte uses.
            assert not both(secret, {**headers, name: changed}, body), (name, at)
        without = {other: value for other, value in headers.items() if other != name}
        assert not both(secret, without, body)


def test_secret_of_another_endpoint_is_refused(callback):
    _, headers, body = callback
    assert not both(OTHER, headers, body)


def test_time_outside_the_tolerance_is_refused(callback):
    secret, headers, body = callback
    sent = int({name.lower(): value for name, value in headers.items()}["webhook-timestamp"])
    for age, is_accepted in [(-301, False), (-300, True), (0, True), (300, True), (301, False)]:
        try:
            verify_webhook(secret, headers, body, now=sent + age)
            accepted = True
        except WebhookError as error:
            assert "301 s" in str(error)
            accepted = False
        assert accepted == is_accepted, age


def signed(secret, body, timestamp=None):
    at = int(time.time()) if timestamp is None else timestamp
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, timezone.utc), body)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}


def test_one_of_several_secrets_and_signatures_is_enough(callback):
    secret, _, _ = callback
    headers = signed(secret, '{"a": 1}')
    assert verify_webhook([OTHER, secret], headers, '{"a": 1}') == {"a": 1}
    for others in ("v1,AAAA {}", "v1a,{} {}", "{} v1,AAAA", "v2 {}"):
        two = {**headers, "webhook-signature": others.replace("{}", headers["webhook-signature"])}
        assert verify_webhook(secret, two, b'{"a": 1}') == {"a": 1}
    asymmetric = {**headers, "webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,")}
    with pytest.raises(WebhookError, match="no signature"):
        verify_webhook(secret, asymmetric, b'{"a": 1}')


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "not base64!", "whsec_" + "A" * 88])
def test_unusable_secret_is_refused(secret):
    headers = {"webhook-id": "1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,"}
    with pytest.raises(WebhookError, match="secret"):
        verify_webhook(secret, headers, b"{}")


def test_without_secrets_nothing_is_accepted(callback):
    _, headers, body = callback
    with pytest.raises(WebhookError, match="no signature"):
        verify_webhook([], headers, body)


@pytest.mark.parametrize("body", ["[]", "no json"])
def test_signed_body_must_be_an_object(body):
    with pytest.raises(WebhookError, match="the body is not"):
        verify_webhook(OTHER, signed(OTHER, body), body)
