"""The client against a real service."""

import time
import uuid

import httpx
import pytest
from conftest import ANSWERED, EXPECTED, KEYS, REFUSED, URL

from ken_client import Delta, Done, Evidence, Ken, KenProblem


def test_answer_cites_the_text_of_its_document(call):
    answer = call("answer", ANSWERED)
    assert answer["outcome"] == "answered" and EXPECTED in answer["text"]
    numbers = {citation["number"] for citation in answer["citations"]}
    assert numbers and all(set(sentence["citations"]) <= numbers for sentence in answer["sentences"])
    for citation in answer["citations"]:
        document = call("document", citation["document_id"], version=citation["document_version"], role="editor")
        quoted = document["text"].encode()[citation["start"] : citation["end"]].decode()
        assert quoted == citation["quote"] and document["title"] == citation["title"]


def test_refusal_is_a_value_with_its_reason(call):
    answer = call("answer", REFUSED)
    assert answer["outcome"] == "refused" and answer["reason"] == "weak_evidence"
    assert answer["text"] and not answer["citations"]


def test_conversation_gives_a_follow_up_its_subject(call):
    conversation = f"python-{uuid.uuid4()}"
    call("answer", ANSWERED, conversation_id=conversation)
    follow_up = call("answer", "And by bank transfer?", conversation_id=conversation, channel="web")
    assert follow_up["conversation_id"] == conversation and follow_up["rendered"]["format"] == "markdown"
    turns = call("request", "GET", f"/v1/conversations/{conversation}", role="editor")["turns"]
    assert len(turns) == 2, turns


def test_stream_has_evidence_sentences_and_the_answer(call):
    events = call("stream_answer", ANSWERED)
    assert [type(event) for event in events[:2]] == [Evidence, Delta] and isinstance(events[-1], Done)
    answer = events[-1].answer
    assert events[0].citations == answer["citations"]
    deltas = [event for event in events if isinstance(event, Delta)]
    assert [delta.text for delta in deltas] == [sentence["text"] for sentence in answer["sentences"]]
    assert all(delta.citations for delta in deltas)


def test_streamed_refusal_is_a_value(call):
    events = call("stream_answer", REFUSED)
    assert events[0] == Evidence() and events[-1].answer["outcome"] == "refused"
    assert events[1] == Delta(events[-1].answer["text"])


def test_stream_of_an_invalid_question_is_a_problem(call):
    with pytest.raises(KenProblem) as caught:
        call("stream_answer", "x" * 2001)
    assert caught.value.status == 422 and caught.value.faults[0]["pointer"] == "/question"


def test_text_with_line_separators_survives_a_stream(call):
    # U+2028 and U+0085 end lines for Python, and do not for server-sent events.
    marked = "The Zyrbal lamp glows in violet\u2028colours\u0085at night."
    faq = {"question": "How does the Zyrbal lamp glow?", "answer": marked}
    call("request", "PUT", "/v1/faqs/zyrbal", json=faq, role="editor")
    deadline = time.monotonic() + 30
    while not call("document", "zyrbal", role="editor") or not any(
        hit["document_id"] == "zyrbal" for hit in call("search", faq["question"])["hits"]
    ):
        assert time.monotonic() < deadline, "the FAQ was not indexed"
        time.sleep(0.1)
    answer = call("stream_answer", faq["question"])[-1].answer
    call("request", "DELETE", "/v1/faqs/zyrbal", role="editor")
    assert answer["outcome"] == "answered" and "Zyrbal" in answer["text"], answer
    assert "\u2028" in answer["text"] or "\u0085" in answer["text"], ascii(answer["text"])


def test_search_returns_passages_best_first(call):
    found = call("search", ANSWERED, limit=3, tags=[], mode="hybrid")
    scores = [hit["score"] for hit in found["hits"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    assert EXPECTED in found["hits"][0]["text"]


def test_gaps_contain_a_refused_question(call):
    call("answer", REFUSED)
    page = call("gaps", days=7, limit=500, role="editor")
    assert REFUSED in [gap["question"] for gap in page["gaps"]]
    assert page["next"] is None


def test_same_feedback_again_changes_nothing(call):
    answer = call("answer", ANSWERED)
    first = call("feedback", answer["id"], helpful=True, customer_id="amy")
    again = call("feedback", answer["id"], helpful=True, customer_id="amy")
    assert first["is_new"] and not again["is_new"]


def test_idempotency_key_returns_the_first_answer(call):
    key = str(uuid.uuid4())
    first, again = (call("answer", ANSWERED, idempotency_key=key) for _ in range(2))
    assert first["id"] == again["id"] != call("answer", ANSWERED)["id"]
    with pytest.raises(KenProblem) as caught:
        call("answer", REFUSED, idempotency_key=key)
    assert caught.value.type == "/problems/conflict"


def test_problems_have_their_fields(call):
    with pytest.raises(KenProblem) as caught:
        call("answer", "", limit=0)
    problem = caught.value
    assert (problem.status, problem.type) == (422, "/problems/invalid-value")
    assert {fault["pointer"] for fault in problem.faults} == {"/question", "/limit"}
    assert problem.title and problem.request_id and problem.retry_after is None and "/limit" in str(problem)
    for role, key, status, kind in [("bot", None, 403, "forbidden"), ("bot", "ken_none", 401, "unauthorized")]:
        with pytest.raises(KenProblem) as caught:
            call("gaps", role=role, key=key)
        assert (caught.value.status, caught.value.type) == (status, f"/problems/{kind}")
    with pytest.raises(KenProblem) as caught:
        call("document", "folder/none ü?", role="editor")
    assert caught.value.status == 404


def test_workspace_is_named_by_an_operator(call):
    here = call("search", ANSWERED, role="operator")
    elsewhere = call("search", ANSWERED, role="operator", workspace="python-client-empty")
    assert here["hits"] and not elsewhere["hits"]


def test_rate_limit_is_waited_for(call, limited):
    url, key = limited
    retry_after = 0
    for _ in range(30):
        try:
            call("gaps", url=url, key=key, max_retries=0)
        except KenProblem as problem:
            assert problem.status == 429 and problem.type == "/problems/too-many-requests"
            retry_after = problem.retry_after
        # At least another second until the next request is allowed.
        if retry_after >= 2:
            break
    assert 2 <= retry_after <= 4
    begun = time.monotonic()
    assert call("gaps", url=url, key=key, max_retries=5)["gaps"] == []
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(
    ("method", "arguments", "options"),
    [
        ("search", [ANSWERED], {}),
        ("answer", [ANSWERED], {"idempotency_key": "broken"}),
        ("stream_answer", [ANSWERED], {"idempotency_key": "broken"}),
    ],
)
def test_repeatable_request_survives_a_broken_connection(call, breaking, method, arguments, options):
    assert call(method, *arguments, url=breaking.url, **options)
    assert breaking.n_connections == 2


def test_request_with_effects_is_not_sent_twice(call, breaking):
    with pytest.raises(httpx.RemoteProtocolError):
        call("answer", ANSWERED, url=breaking.url)
    assert breaking.n_connections == 1


def test_unreachable_service_is_a_transport_error(call):
    with pytest.raises(httpx.ConnectError):
        call("answer", ANSWERED, url="http://127.0.0.1:1", max_retries=1)


def test_reply_that_is_no_problem_keeps_its_status(call):
    # The routes for OpenAI's clients describe errors as OpenAI does.
    with pytest.raises(KenProblem) as caught:
        call("request", "GET", "/v1/models", key="ken_none")
    problem = caught.value
    assert (problem.status, problem.type, problem.title) == (401, "about:blank", "Unauthorized")
    assert problem.faults == [] and problem.detail is None


def test_key_is_not_shown():
    ken = Ken(URL, KEYS["bot"])
    assert KEYS["bot"] not in repr(ken)
    ken.close()
