"""Clients of the service: `Ken`, and `AsyncKen` for asyncio."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from .problems import KenProblem, problem_of
from .streaming import Done, EventParser, StreamEvent, event_of
from .types import Answer, AnswerOptions, Document, Feedback, FeedbackResult, Gaps, SearchOptions, SearchResult

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

TIMEOUT_S = 65.0
"""Seconds without a byte of the reply. A question may take 60 s (`deadline_ms`)."""
MAX_WAIT_S = 30.0
"""The longest `Retry-After` that is waited for, in seconds."""
FIRST_WAIT_S = 0.5
"""The wait after the first failed connection, in seconds. It doubles, and up to half of it is added at random."""


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    body: dict[str, Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    is_repeatable: bool = False
    """Whether it has the same effect once and twice. Otherwise it is sent again only if it was not worked on."""


class _Base:
    """Settings, the requests of the methods, and when to send a request again."""

    def __init__(
        self, base_url: str, api_key: str | None, workspace: str | None, timeout: float, max_retries: int
    ) -> None:
        self.max_retries = max_retries
        headers = {"User-Agent": "ken-client/0.1.0"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        if workspace:
            headers["X-Ken-Workspace"] = workspace
        self._settings: dict[str, Any] = {"base_url": base_url.rstrip("/"), "headers": headers, "timeout": timeout}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings['base_url']!r})"

    @staticmethod
    def _answer(
        question: str | list[str], key: str | None, options: Mapping[str, Any], is_stream: bool = False
    ) -> _Call:
        headers = {"Idempotency-Key": key} if key else {}
        body = {"question": question, **options, **({"stream": True} if is_stream else {})}
        return _Call("POST", "/v1/answers", body, headers=headers, is_repeatable=key is not None)

    @staticmethod
    def _search(question: str, options: Mapping[str, Any]) -> _Call:
        return _Call("POST", "/v1/search", {"question": question, **options}, is_repeatable=True)

    @staticmethod
    def _document(id: str, version: int | None) -> _Call:
        query = {} if version is None else {"version": version}
        return _Call("GET", f"/v1/documents/{quote(id, safe='')}", query=query, is_repeatable=True)

    @staticmethod
    def _gaps(days: int, limit: int, after: str | None) -> _Call:
        query = {"days": days, "limit": limit, **({} if after is None else {"after": after})}
        return _Call("GET", "/v1/insights/gaps", query=query, is_repeatable=True)

    @staticmethod
    def _feedback(answer_id: str, feedback: Mapping[str, Any]) -> _Call:
        # The service ignores the same feedback if it arrives again.
        return _Call("POST", "/v1/feedback", {"answer_id": answer_id, **feedback}, is_repeatable=True)

    def _wait(self, call: _Call, n_failed: int, failure: KenProblem | httpx.TransportError) -> float:
        """Seconds until the call is sent again. Raises the failure if it is not to be sent again."""
        if n_failed > self.max_retries:
            raise failure
        if isinstance(failure, KenProblem):
            wait = failure.retry_after
            if failure.status not in (429, 503) or wait is None or wait > MAX_WAIT_S:
                raise failure
            return wait
        was_sent = not isinstance(failure, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
        if was_sent and not call.is_repeatable:
            raise failure
        return FIRST_WAIT_S * 2 ** (n_failed - 1) * random.uniform(1, 1.5)


def _request(http: httpx.Client | httpx.AsyncClient, call: _Call) -> httpx.Request:
    return http.build_request(call.method, call.path, json=call.body, params=call.query or None, headers=call.headers)


def _unfinished() -> httpx.RemoteProtocolError:
    return httpx.RemoteProtocolError("the stream ended without an answer")


class Ken(_Base):
    """A client of one service.

    `base_url` is the service's address, as `https://ken.example.com`. `api_key` is a key of the service, `ken_…`.
    `workspace` is for operators: the key of any other role decides the workspace. `timeout` is in seconds.

    Every method raises `KenProblem` if the service replies with an error, and `httpx.TransportError` if there is no
    reply. Requests are sent again up to `max_retries` times: after 429 and 503 with `Retry-After` (at most 30 s), and
    after a broken connection if a repetition changes nothing. An instance may be shared among threads.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        workspace: str | None = None,
        timeout: float = TIMEOUT_S,
        max_retries: int = 2,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(base_url, api_key, workspace, timeout, max_retries)
        self._http = httpx.Client(**self._settings, transport=transport)

    def answer(
        self, question: str | list[str], *, idempotency_key: str | None = None, **options: Unpack[AnswerOptions]
    ) -> Answer:
        """Asks a question, 1 to 2,000 characters; a list is joined into one question. Branch on `outcome`.

        A repeated request with the same `idempotency_key` (1 to 128 ASCII characters) returns the first answer."""
        return self._json(self._answer(question, idempotency_key, options))

    def stream_answer(
        self, question: str | list[str], *, idempotency_key: str | None = None, **options: Unpack[AnswerOptions]
    ) -> Iterator[StreamEvent]:
        """Asks a question and returns events while it is answered; `Done` has the whole answer.

        Raises also `httpx.RemoteProtocolError` if the stream ends before `Done`, as it does at the time limit."""
        response = self._send(self._answer(question, idempotency_key, options, is_stream=True), is_stream=True)
        parser = EventParser()
        with closing(response):
            for piece in response.iter_bytes():
                for name, data in parser.feed(piece):
                    event = event_of(name, data)
                    if event is not None:
                        yield event
                    if isinstance(event, Done):
                        return
        raise _unfinished()

    def search(self, question: str, **options: Unpack[SearchOptions]) -> SearchResult:
        """Finds passages, best first. It does not decide whether they answer the question."""
        return self._json(self._search(question, options))

    def document(self, id: str, *, version: int | None = None) -> Document:
        """Reads a document: its live version, or another one. The key needs the role `editor` or above."""
        return self._json(self._document(id, version))

    def gaps(self, *, days: int = 30, limit: int = 50, after: str | None = None) -> Gaps:
        """Lists unanswered questions of the last `days` (1 to 366), clustered by meaning, most urgent first.

        `limit` is 1 to 500. The key needs the role `editor` or above."""
        return self._json(self._gaps(days, limit, after))

    def feedback(self, answer_id: str, **feedback: Unpack[Feedback]) -> FeedbackResult:
        """Submits feedback on an answer."""
        return self._json(self._feedback(answer_id, feedback))

    def request(self, method: str, path: str, *, json: Any = None, **query: Any) -> Any:
        """Calls any other route, as `request("GET", "/v1/documents", limit=10)`, and returns the parsed reply."""
        return self._json(_Call(method, path, json, query, is_repeatable=method in ("GET", "HEAD")))

    def _json(self, call: _Call) -> Any:
        return self._send(call).json()

    def _send(self, call: _Call, is_stream: bool = False) -> httpx.Response:
        n_failed = 0
        while True:
            failure: KenProblem | httpx.TransportError
            try:
                response = self._http.send(_request(self._http, call), stream=is_stream)
                if response.is_success:
                    return response
                with closing(response):
                    response.read()
                failure = problem_of(response)
            except httpx.TransportError as error:
                failure = error
            n_failed += 1
            time.sleep(self._wait(call, n_failed, failure))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncKen(_Base):
    """As `Ken`, for asyncio. An instance belongs to one event loop."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        workspace: str | None = None,
        timeout: float = TIMEOUT_S,
        max_retries: int = 2,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(base_url, api_key, workspace, timeout, max_retries)
        self._http = httpx.AsyncClient(**self._settings, transport=transport)

    async def answer(
        self, question: str | list[str], *, idempotency_key: str | None = None, **options: Unpack[AnswerOptions]
    ) -> Answer:
        """As `Ken.answer`."""
        return await self._json(self._answer(question, idempotency_key, options))

    async def stream_answer(
        self, question: str | list[str], *, idempotency_key: str | None = None, **options: Unpack[AnswerOptions]
    ) -> AsyncIterator[StreamEvent]:
        """As `Ken.stream_answer`."""
        response = await self._send(self._answer(question, idempotency_key, options, is_stream=True), is_stream=True)
        parser = EventParser()
        try:
            async for piece in response.aiter_bytes():
                for name, data in parser.feed(piece):
                    event = event_of(name, data)
                    if event is not None:
                        yield event
                    if isinstance(event, Done):
                        return
        finally:
            await response.aclose()
        raise _unfinished()

    async def search(self, question: str, **options: Unpack[SearchOptions]) -> SearchResult:
        """As `Ken.search`."""
        return await self._json(self._search(question, options))

    async def document(self, id: str, *, version: int | None = None) -> Document:
        """As `Ken.document`."""
        return await self._json(self._document(id, version))

    async def gaps(self, *, days: int = 30, limit: int = 50, after: str | None = None) -> Gaps:
        """As `Ken.gaps`."""
        return await self._json(self._gaps(days, limit, after))

    async def feedback(self, answer_id: str, **feedback: Unpack[Feedback]) -> FeedbackResult:
        """As `Ken.feedback`."""
        return await self._json(self._feedback(answer_id, feedback))

    async def request(self, method: str, path: str, *, json: Any = None, **query: Any) -> Any:
        """As `Ken.request`."""
        return await self._json(_Call(method, path, json, query, is_repeatable=method in ("GET", "HEAD")))

    async def _json(self, call: _Call) -> Any:
        return (await self._send(call)).json()

    async def _send(self, call: _Call, is_stream: bool = False) -> httpx.Response:
        n_failed = 0
        while True:
            failure: KenProblem | httpx.TransportError
            try:
                response = await self._http.send(_request(self._http, call), stream=is_stream)
                if response.is_success:
                    return response
                try:
                    await response.aread()
                finally:
                    await response.aclose()
                failure = problem_of(response)
            except httpx.TransportError as error:
                failure = error
            n_failed += 1
            await asyncio.sleep(self._wait(call, n_failed, failure))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
