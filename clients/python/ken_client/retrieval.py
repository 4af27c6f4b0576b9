"""What the adapters for LangChain, LlamaIndex and Haystack share: passages of Ken as texts with metadata."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from .client import AsyncKen, Ken
from .types import Answer, SearchResult


@dataclass(frozen=True)
class Passage:
    """A passage. `id` identifies it within a version of the document; `score` is None for a citation."""

    id: str
    text: str
    score: float | None
    metadata: dict[str, Any]
    """Only strings and numbers: `document_id`, `document_version`, `chunk_id`, `title`, `headings`, `start` and `end`
    (bytes of the document's text); if known `uri`, `language`, `page`; of a citation also `answer_id` and
    `confidence`."""


class Source:
    """Finds passages on one service.

    With `cited` it asks the question and returns the quotes that the answer cites: no passage if Ken refuses. Otherwise
    it searches, and always returns the best passages. `options` are options of the answer or of the search."""

    def __init__(self, settings: Mapping[str, Any], cited: bool, options: Mapping[str, Any] | None) -> None:
        self._settings = dict(settings)
        self._cited = cited
        self._options = dict(options or {})
        self._ken = Ken(**self._settings)
        # The connections of a client belong to the event loop that opened them.
        self._of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncKen] = WeakKeyDictionary()

    def find(self, question: str, k: int) -> list[Passage]:
        """Returns at most `k` passages, best first; `k` is 1 to 100."""
        if self._cited:
            return _of_answer(self._ken.answer(question, **self._options), k)
        return _of_search(self._ken.search(question, **{**self._options, "limit": k}))

    async def afind(self, question: str, k: int) -> list[Passage]:
        """As `find`."""
        loop = asyncio.get_running_loop()
        ken = self._of_loops.get(loop)
        if ken is None:
            ken = self._of_loops[loop] = AsyncKen(**self._settings)
        if self._cited:
            return _of_answer(await ken.answer(question, **self._options), k)
        return _of_search(await ken.search(question, **{**self._options, "limit": k}))


def _of_search(found: SearchResult) -> list[Passage]:
    return [Passage(hit["chunk_id"], hit["text"], hit["score"], _metadata(hit)) for hit in found["hits"]]


def _of_answer(answer: Answer, k: int) -> list[Passage]:
    about = {"answer_id": answer["id"], "confidence": answer["confidence"]}
    return [
        Passage(f"{it['chunk_id']}:{it['start']}", it["quote"], None, {**_metadata(it), **about})
        for it in answer["citations"][:k]
    ]


def _metadata(of: Mapping[str, Any]) -> dict[str, Any]:
    names = ["document_id", "document_version", "chunk_id", "title", "start", "end", "uri", "language", "page"]
    known = {name: of[name] for name in names if of.get(name) is not None}
    return {**known, "headings": " > ".join(of["heading_path"])}
