"""A component for Haystack: `pip install 'ken-client[haystack]'`."""

from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.utils import Secret

from .client import TIMEOUT_S
from .retrieval import Passage, Source

KEY = Secret.from_env_var("KEN_API_KEY", strict=False)


@component
class KenRetriever:
    """Retrieves passages of Ken as documents. Input: `query`, `top_k`. Output: `documents`.

    `cited`: return the quotes that Ken's answer cites, and none if Ken refuses, instead of the best passages. `options`
    are options of the search, or with `cited` of the answer. `top_k` is 1 to 100; `timeout` is in seconds.
    """

    def __init__(
        self,
        base_url: str,
        api_key: Secret | None = KEY,
        top_k: int = 10,
        cited: bool = False,
        options: dict[str, Any] | None = None,
        workspace: str | None = None,
        timeout: float = TIMEOUT_S,
    ) -> None:
        self.api_key = api_key
        self.top_k = top_k
        self._parameters = {
            "base_url": base_url,
            "top_k": top_k,
            "cited": cited,
            "options": options,
            "workspace": workspace,
            "timeout": timeout,
        }
        key = api_key.resolve_value() if api_key else None
        settings = {"base_url": base_url, "api_key": key, "workspace": workspace, "timeout": timeout}
        self._source = Source(settings, cited, options)

    def to_dict(self) -> dict[str, Any]:
        """Describes the component, with the name of the key's environment variable instead of the key."""
        return default_to_dict(self, api_key=self.api_key and self.api_key.to_dict(), **self._parameters)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "KenRetriever":
        """Makes a component from its description."""
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int | None = None) -> dict[str, list[Document]]:
        """Returns at most `top_k` documents."""
        found = self._source.find(query, self.top_k if top_k is None else top_k)
        return {"documents": [_document(passage) for passage in found]}

    @component.output_types(documents=list[Document])
    async def run_async(self, query: str, top_k: int | None = None) -> dict[str, list[Document]]:
        """As `run`."""
        found = await self._source.afind(query, self.top_k if top_k is None else top_k)
        return {"documents": [_document(passage) for passage in found]}


def _document(passage: Passage) -> Document:
    return Document(id=passage.id, content=passage.text, score=passage.score, meta=passage.metadata)
