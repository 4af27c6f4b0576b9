"""Verification of what Ken sends: webhooks and callbacks, signed as Standard Webhooks 1.0."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

TOLERANCE_S = 300
"""How old or how far ahead a timestamp may be, in seconds: the five minutes of the libraries of Standard Webhooks."""


class WebhookError(ValueError):
    """A request that cannot be accepted as one of Ken's. Reply with status 400."""


def verify_webhook(
    secrets: str | Iterable[str],
    headers: Mapping[str, str],
    body: bytes | str,
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> dict[str, Any]:
    """Returns the parsed body of a request if one of the secrets signed it.

    `body` is the body as it was received, before any parsing. Several secrets are accepted while one is replaced.
    `now` is the time in seconds since 1970 (default: the clock). The same `webhook-id` can arrive again: store it, and
    ignore a request whose id is stored.

    Raises `WebhookError` if a header is missing, the time is outside the tolerance, or no signature matches.
    """
    named = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp = named["webhook-id"], named["webhook-timestamp"]
        signatures = named["webhook-signature"]
    except KeyError as error:
        raise WebhookError(f"missing header {error.args[0]}") from None
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookError(f"webhook-timestamp is no time in seconds: {timestamp!r}")
    age = (time.time() if now is None else now) - int(timestamp)
    if abs(age) > tolerance_s:
        raise WebhookError(f"webhook-timestamp is {abs(age):.0f} s in the {'past' if age > 0 else 'future'}")
    raw = body.encode() if isinstance(body, str) else body
    signed = f"{message_id}.{timestamp}.".encode() + raw
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    expected = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys]
    # Every pair is compared, so that the time does not depend on which one matches.
    matches = [
        hmac.compare_digest(signature.encode(), wanted)
        for version, _, signature in (part.partition(",") for part in signatures.split(" "))
        if version == "v1"
        for wanted in expected
    ]
    if not any(matches):
        raise WebhookError("no signature matches")
    try:
        parsed = json.loads(raw)
    except ValueError as error:
        raise WebhookError(f"the body is not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise WebhookError("the body is not a JSON object")
    return parsed


def _key(secret: str) -> bytes:
    """The key of a secret, `whsec_` and base64.

    Raises `WebhookError` if it is none: an empty key would accept forgeries."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise WebhookError("expected a secret of whsec_ and 24 to 64 bytes in base64")
    return key
