"""The retriever for LlamaIndex."""

import asyncio

import pytest
from conftest import ANSWERED, EXPECTED, KEYS, REFUSED, URL
from llama_index.core import Settings
from llama_index.core.llms.mock import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import MetadataMode

from ken_client import KenProblem
from ken_client.llamaindex import KenRetriever


def retriever(**more):
    return KenRetriever(URL, KEYS["bot"], **more)


def test_nodes_have_scores_and_sources():
    nodes = retriever(k=3).retrieve(ANSWERED)
    assert len(nodes) == 3 and EXPECTED in nodes[0].text
    assert [node.score for node in nodes] == sorted((node.score for node in nodes), reverse=True)
    assert nodes[0].metadata["document_id"] and nodes[0].metadata["title"]
    shown = nodes[0].node.get_content(MetadataMode.LLM)
    assert nodes[0].metadata["title"] in shown and nodes[0].metadata["chunk_id"] not in shown


def test_asynchronous_retrieval_is_the_same():
    one = retriever(k=2)
    for _ in range(2):
        nodes = asyncio.run(one.aretrieve(ANSWERED))
        assert [node.node_id for node in nodes] == [node.node_id for node in one.retrieve(ANSWERED)]


def test_cited_retriever_returns_quotes_and_nothing_for_a_refusal():
    cited = retriever(cited=True)
    assert EXPECTED in cited.retrieve(ANSWERED)[0].text
    assert cited.retrieve(REFUSED) == [] == asyncio.run(cited.aretrieve(REFUSED))


def test_query_engine_returns_the_sources(monkeypatch):
    # LlamaIndex asks for a language model also where none is called, as here: the nodes themselves are the reply.
    monkeypatch.setattr(Settings, "_llm", MockLLM())
    synthesizer = get_response_synthesizer(response_mode=ResponseMode.NO_TEXT)
    reply = RetrieverQueryEngine(retriever(k=2), response_synthesizer=synthesizer).query(ANSWERED)
    assert len(reply.source_nodes) == 2 and EXPECTED in reply.source_nodes[0].text


def test_problem_is_raised():
    with pytest.raises(KenProblem):
        KenRetriever(URL, "ken_none").retrieve(ANSWERED)
