"""The component for Haystack, within pipelines."""

import asyncio

import pytest
from conftest import ANSWERED, EXPECTED, KEYS, REFUSED, URL
from haystack import Pipeline
from haystack.components.builders import PromptBuilder
from haystack.utils import Secret

from ken_client import KenProblem
from ken_client.haystack import KenRetriever


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("KEN_API_KEY", KEYS["bot"])


def pipeline_of(pipeline, **more):
    pipeline.add_component("ken", KenRetriever(URL, **more))
    template = "{% for d in documents %}[{{ d.meta.title }}] {{ d.content }}\n{% endfor %}"
    pipeline.add_component("prompt", PromptBuilder(template, required_variables=["documents"]))
    pipeline.connect("ken.documents", "prompt.documents")
    return pipeline


def test_pipeline_receives_documents(key):
    pipeline = pipeline_of(Pipeline(), top_k=2)
    result = pipeline.run({"ken": {"query": ANSWERED}}, include_outputs_from={"ken"})
    documents = result["ken"]["documents"]
    assert len(documents) == 2 and EXPECTED in documents[0].content and documents[0].score >= documents[1].score
    assert documents[0].meta["document_id"] and documents[0].meta["title"] in result["prompt"]["prompt"]
    one = pipeline.run({"ken": {"query": ANSWERED, "top_k": 1}}, include_outputs_from={"ken"})
    assert one["ken"]["documents"] == documents[:1]


def test_asynchronous_pipeline_receives_documents(key):
    pipeline = pipeline_of(Pipeline(), top_k=1)
    result = asyncio.run(pipeline.run_async({"ken": {"query": ANSWERED}}))
    assert EXPECTED in result["prompt"]["prompt"]


def test_cited_component_returns_quotes_and_nothing_for_a_refusal(key):
    cited = KenRetriever(URL, cited=True)
    assert EXPECTED in cited.run(ANSWERED)["documents"][0].content
    assert cited.run(REFUSED) == {"documents": []} == asyncio.run(cited.run_async(REFUSED))


def test_pipeline_survives_its_description_without_the_key(key):
    described = pipeline_of(Pipeline(), top_k=3, options={"tags": []}).dumps()
    assert KEYS["bot"] not in described and "KEN_API_KEY" in described
    read = Pipeline.loads(described, allowed_modules=["ken_client.haystack"])
    assert read.dumps() == described
    found = read.run({"ken": {"query": ANSWERED}}, include_outputs_from={"ken"})
    assert len(found["ken"]["documents"]) == 3


def test_key_given_as_a_token_is_not_written():
    component = KenRetriever(URL, api_key=Secret.from_token(KEYS["bot"]))
    assert component.run(ANSWERED)["documents"]
    with pytest.raises(ValueError):
        component.to_dict()


def test_problem_is_raised():
    with pytest.raises(KenProblem):
        KenRetriever(URL, api_key=Secret.from_token("ken_none")).run(ANSWERED)
