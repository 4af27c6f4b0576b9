"""A retriever for LlamaIndex: `pip install 'ken-client[llamaindex]'`."""

from typing import Any

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from .client import TIMEOUT_S
from .retrieval import Passage, Source


class KenRetriever(BaseRetriever):
    """Retrieves at most `k` (1 to 100) passages of Ken as nodes with their scores.

    `cited`: return the quotes that Ken's answer cites, and none if Ken refuses, instead of the best passages. `options`
    are options of the search, or with `cited` of the answer. Other arguments are those of LlamaIndex's `BaseRetriever`.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        k: int = 4,
        cited: bool = False,
        options: dict[str, Any] | None = None,
        workspace: str | None = None,
        timeout: float = TIMEOUT_S,
        **others: Any,
    ) -> None:
        super().__init__(**others)
        settings = {"base_url": base_url, "api_key": api_key, "workspace": workspace, "timeout": timeout}
        self._k = k
        self._source = Source(settings, cited, options)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(passage) for passage in self._source.find(query_bundle.query_str, self._k)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(passage) for passage in await self._source.afind(query_bundle.query_str, self._k)]


def _node(passage: Passage) -> NodeWithScore:
    # A language model sees the title and the headings; the rest identifies the passage.
    hidden = [name for name in passage.metadata if name not in ("title", "headings")]
    node = TextNode(
        id_=passage.id,
        text=passage.text,
        metadata=passage.metadata,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=hidden,
    )
    return NodeWithScore(node=node, score=passage.score)
