"""A retriever for LangChain: `pip install 'ken-client[langchain]'`."""

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field, PrivateAttr, SecretStr

from .client import TIMEOUT_S
from .retrieval import Passage, Source


class KenRetriever(BaseRetriever):
    """Retrieves passages of Ken. Their metadata names the document, its version and the quoted bytes."""

    base_url: str
    api_key: SecretStr | None = None
    workspace: str | None = None
    """For operators: the workspace to search."""
    k: int = Field(default=4, ge=1, le=100)
    """Maximum number of documents. `invoke(query, k=…)` overrides it."""
    cited: bool = False
    """Return the quotes that Ken's answer cites, and none if Ken refuses, instead of the best passages."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the search, or with `cited` of the answer, as `{"tags": ["returns"], "audience": "agent"}`."""
    timeout: float = TIMEOUT_S
    """Seconds."""

    _source: Source = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        settings = {
            "base_url": self.base_url,
            "api_key": self.api_key and self.api_key.get_secret_value(),
            "workspace": self.workspace,
            "timeout": self.timeout,
        }
        self._source = Source(settings, self.cited, self.options)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return [_document(passage) for passage in self._source.find(query, self.k if k is None else k)]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return [_document(passage) for passage in await self._source.afind(query, self.k if k is None else k)]


def _document(passage: Passage) -> Document:
    score = {} if passage.score is None else {"score": passage.score}
    return Document(page_content=passage.text, id=passage.id, metadata={**passage.metadata, **score})
