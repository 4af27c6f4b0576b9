"""The types against the service's description of itself, and against real replies."""

from typing import get_args

import pytest
from conftest import ANSWERED, REFUSED

from ken_client import types

SCHEMAS = {
    "Utterance": types.Utterance,
    "LinkBody": types.Link,
    "CitationBody": types.Citation,
    "SentenceBody": types.Sentence,
    "RenderedBody": types.Rendered,
    "TimingsBody": types.Timings,
    "AnswerResponse": types.Answer,
    "HighlightBody": types.Highlight,
    "HitBody": types.Hit,
    "SearchResponse": types.SearchResult,
    "DocumentResponse": types.Document,
    "ClosestKnowledge": types.Closest,
    "FillingFaq": types.FillingFaq,
    "FaqStub": types.Stub,
    "Gap": types.Gap,
    "GapsResponse": types.Gaps,
    "FeedbackResponse": types.FeedbackResult,
}
ENUMS = {
    "Outcome": types.Outcome,
    "Reason": types.Reason,
    "Level": types.Level,
    "AnswerFormat": types.Format,
    "Strategy": types.Strategy,
    "DocumentKind": types.Kind,
}


def described(openapi, name):
    """The properties of a schema and the required ones."""
    schema = openapi["components"]["schemas"][name]
    properties, required = {}, set()
    for part in schema.get("allOf", [schema]):
        if "$ref" in part:
            more, needed = described(openapi, part["$ref"].rsplit("/", 1)[1])
        else:
            more, needed = part["properties"], set(part.get("required", []))
        properties |= more
        required |= needed
    return properties, required


@pytest.mark.parametrize("name", SCHEMAS)
def test_type_has_the_keys_of_its_schema(openapi, name):
    properties, required = described(openapi, name)
    assert set(SCHEMAS[name].__annotations__) == set(properties)
    assert required <= SCHEMAS[name].__required_keys__


@pytest.mark.parametrize("name", ENUMS)
def test_literal_has_the_words_of_its_schema(openapi, name):
    assert list(get_args(ENUMS[name])) == openapi["components"]["schemas"][name]["enum"]


@pytest.mark.parametrize(
    ("name", "options", "others"),
    [
        ("AnswerRequest", types.AnswerOptions, {"question", "stream"}),
        ("SearchRequest", types.SearchOptions, {"question"}),
        ("FeedbackRequest", types.Feedback, {"answer_id"}),
    ],
)
def test_options_are_those_of_the_request(openapi, name, options, others):
    properties, _ = described(openapi, name)
    assert set(options.__annotations__) | others == set(properties)


def check(value, of):
    """Whether a real value has the keys that its type requires and no others."""
    assert of.__required_keys__ <= set(value) <= set(of.__annotations__), (of, value)


def test_real_replies_have_their_types(call):
    for question in (ANSWERED, REFUSED):
        answer = call("answer", question)
        check(answer, types.Answer)
        check(answer["rendered"], types.Rendered)
        check(answer["timings_ms"], types.Timings)
        for citation in answer["citations"]:
            check(citation, types.Citation)
        for sentence in answer["sentences"]:
            check(sentence, types.Sentence)
    dry = call("answer", ANSWERED, dry_run=True, level="strict", role="editor")
    check(dry, types.Answer)
    assert "explanation" in dry
    found = call("search", ANSWERED, explain=True, explain_document="faq-refund-when.en")
    check(found, types.SearchResult)
    for hit in found["hits"]:
        check(hit, types.Hit)
        for highlight in hit["highlights"]:
            check(highlight, types.Highlight)
    check(call("document", found["hits"][0]["document_id"], role="editor"), types.Document)
    page = call("gaps", role="editor")
    check(page, types.Gaps)
    assert page["gaps"]
    for gap in page["gaps"]:
        check(gap, types.Gap)
        check(gap["closest"], types.Closest)
        assert (gap["stub"] is None) == (gap["draft_id"] is not None), gap
        if gap["stub"]:
            check(gap["stub"], types.Stub)
    check(call("feedback", answer["id"], csat=3), types.FeedbackResult)
