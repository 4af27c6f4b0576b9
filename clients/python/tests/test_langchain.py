"""The retriever for LangChain, by LangChain's own suite."""

import asyncio

import pytest
from conftest import ANSWERED, EXPECTED, KEYS, REFUSED, URL
from langchain_tests.integration_tests import RetrieversIntegrationTests

from ken_client import Ken, KenProblem
from ken_client.langchain import KenRetriever


def retriever(**more):
    return KenRetriever(base_url=URL, api_key=KEYS["bot"], **more)


class TestKenRetriever(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self):
        return KenRetriever

    @property
    def retriever_constructor_params(self):
        return {"base_url": URL, "api_key": KEYS["bot"]}

    @property
    def retriever_query_example(self):
        return ANSWERED


def test_document_names_its_source():
    document = retriever(k=1).invoke(ANSWERED)[0]
    of = document.metadata
    with Ken(URL, KEYS["editor"]) as ken:
        text = ken.document(of["document_id"], version=of["document_version"])["text"]
    assert text.encode()[of["start"] : of["end"]].decode() == document.page_content
    assert EXPECTED in document.page_content and of["title"] and 0 <= of["score"] <= 1


def test_cited_retriever_returns_quotes_and_nothing_for_a_refusal():
    cited = retriever(cited=True)
    quotes = cited.invoke(ANSWERED)
    assert quotes and EXPECTED in quotes[0].page_content and quotes[0].metadata["answer_id"].startswith("ans_")
    assert cited.invoke(REFUSED) == [] == asyncio.run(cited.ainvoke(REFUSED))


def test_retriever_serves_several_event_loops_and_chains():
    chain = retriever(k=2) | (lambda documents: [document.page_content for document in documents])
    first, second = (asyncio.run(chain.ainvoke(ANSWERED)) for _ in range(2))
    assert first == second == chain.invoke(ANSWERED) and len(first) == 2
    assert chain.batch([ANSWERED, REFUSED])[0] == first


def test_options_restrict_the_search():
    only = retriever(options={"document_ids": ["faq-refund-when.en"]})
    assert {d.metadata["document_id"] for d in only.invoke(ANSWERED)} == {"faq-refund-when.en"}


def test_problem_is_raised_and_the_key_is_hidden():
    wrong = KenRetriever(base_url=URL, api_key="ken_none")
    with pytest.raises(KenProblem):
        wrong.invoke(ANSWERED)
    assert "ken_none" not in repr(wrong)
    with pytest.raises(ValueError):
        retriever(k=0)
