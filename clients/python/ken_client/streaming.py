"""Streamed answers: server-sent events, parsed into their types."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .problems import KenProblem
from .types import Answer, Citation


@dataclass(frozen=True)
class Evidence:
    """The evidence of the answer: the citations, or the passages that a language model received, as objects with
    `document_id`, `title`, `uri` and `chunk_id`."""

    citations: list[Citation] = field(default_factory=list)
    passages: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Delta:
    """A sentence. `citations` are numbers; `sources` are the citations that a generated sentence uses first."""

    text: str
    citations: list[int] = field(default_factory=list)
    sources: list[Citation] = field(default_factory=list)


@dataclass(frozen=True)
class Restart:
    """Discard all earlier deltas: the generated text was incomplete."""


@dataclass(frozen=True)
class Done:
    """The whole answer. It is the last event."""

    answer: Answer


StreamEvent = Evidence | Delta | Restart | Done


class EventParser:
    """Parses server-sent events out of bytes that arrive in any pieces.

    Lines end with CR, LF or both, as the specification says. `httpx.Response.iter_lines` also splits at U+2028 and
    others, which occur in the texts of documents."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._name = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[tuple[str, str]]:
        """Returns the name and the data of each event that is complete."""
        text = self._rest + self._decoder.decode(piece)
        # A CR at the end may be the first half of a line break.
        held = "\r" if text.endswith("\r") else ""
        lines = text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + held
        for line in lines:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if line == "":
                if self._data:
                    yield self._name or "message", "\n".join(self._data)
                self._name, self._data = "", []
            elif name == "event":
                self._name = value
            elif name == "data":
                self._data.append(value)


def event_of(name: str, data: str) -> StreamEvent | None:
    """The event of a streamed answer; None for one that this version does not know.

    Raises `KenProblem` for the event `error`."""
    body = json.loads(data)
    if name == "evidence":
        return Evidence(body.get("citations", []), body.get("passages", []))
    if name == "delta":
        return Delta(body["text"], body.get("citations", []), body.get("sources", []))
    if name == "restart":
        return Restart()
    if name == "done":
        return Done(body)
    if name == "error":
        raise KenProblem(body.get("status", 500), body)
    return None
