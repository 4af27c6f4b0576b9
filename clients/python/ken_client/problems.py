"""Errors of the service."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypedDict

import httpx


class Fault(TypedDict):
    """One invalid value. `pointer` is a JSON pointer into the body (RFC 6901), or a query parameter as `?name`."""

    pointer: str
    detail: str


class KenProblem(Exception):
    """A reply that is not a success. The service describes it as RFC 9457 says; of a proxy's reply only the status is
    known. Branch on `type`, which is stable. A refused question is no problem: it is an answer with an outcome."""

    status: int
    """The HTTP status. Of a problem within a stream it is what the service would have replied with."""
    type: str
    """As `/problems/invalid-value`; `about:blank` if the reply is not a problem."""
    title: str
    detail: str | None
    """The cause and the remedy."""
    faults: list[Fault]
    request_id: str | None
    """The service's log has the same."""
    retry_after: float | None
    """Seconds until the request may be sent again."""
    body: dict[str, Any]
    """The whole problem: some have more, as `current` and `broken`."""

    def __init__(self, status: int, body: dict[str, Any], retry_after: float | None = None, title: str = "") -> None:
        self.status = status
        self.body = body
        self.type = body.get("type", "about:blank")
        self.title = body.get("title", title)
        self.detail = body.get("detail")
        self.faults = body.get("errors") or []
        self.request_id = body.get("request_id")
        self.retry_after = retry_after
        faults = [f"{fault['pointer']}: {fault['detail']}" for fault in self.faults]
        super().__init__(": ".join(filter(None, [f"{status} {self.title}", self.detail, "; ".join(faults)])))


def problem_of(response: httpx.Response) -> KenProblem:
    """The problem of a reply whose body was read."""
    try:
        body = response.json()
    except ValueError:
        body = None
    is_problem = isinstance(body, dict) and "problem+json" in response.headers.get("content-type", "")
    return KenProblem(
        response.status_code, body if is_problem else {}, retry_after_of(response), response.reason_phrase
    )


def retry_after_of(response: httpx.Response) -> float | None:
    """The header `Retry-After` in seconds from now, at least 0: RFC 9110 allows seconds or a date."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())
