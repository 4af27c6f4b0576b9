"""Asks a running service through the clients of other ecosystems: openai and langchain-openai, and requests as Dify builds
them. `clients.py ADDRESS BOT_KEY ADMIN_KEY`. Prints one line for each check and ends with 1 if one fails."""

import sys
import traceback

import httpx
import openai
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

ADDRESS, BOT, ADMIN = sys.argv[1:4]
BASE = f"{ADDRESS}/v1"
ANSWERED = "How long does a refund take?"
EXPECTED = "working days"
REFUSED = "Who won the world cup in 1998?"
failed = 0


def check(test):
    """Runs a test and prints its result."""
    global failed
    try:
        figures = test()
        print(f"ok: {test.__doc__}{f': {figures}' if figures else ''}")
    except Exception:
        failed += 1
        print(f"FAILED: {test.__doc__}")
        traceback.print_exc()


def user(question):
    return [{"role": "user", "content": question}]


client = openai.OpenAI(base_url=BASE, api_key=BOT, max_retries=0)


@check
def models():
    """openai (Python): models"""
    ids = [model.id for model in client.models.list()]
    assert ids == ["ken", "ken-embedding"], ids
    return ", ".join(ids)


@check
def answer():
    """openai (Python): a cited answer"""
    reply = client.chat.completions.create(model="ken", messages=user(ANSWERED), temperature=0)
    message = reply.choices[0].message
    assert EXPECTED in message.content, message.content
    for annotation in message.annotations:
        of = annotation.url_citation
        assert message.content[of.start_index : of.end_index] and of.url and of.title, of
    assert message.annotations and reply.citations and reply.ken["outcome"] == "answered"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    return f"{len(message.annotations)} annotations"


@check
def refusal():
    """openai (Python): a refusal with its outcome"""
    reply = client.chat.completions.create(model="ken", messages=user(REFUSED))
    assert reply.choices[0].message.content and not reply.choices[0].message.annotations
    assert reply.ken["outcome"] == "refused" and reply.ken["reason"], reply.ken
    return reply.ken["reason"]


@check
def stream():
    """openai (Python): a streamed answer with usage"""
    chunks = list(
        client.chat.completions.create(
            model="ken", messages=user(ANSWERED), stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert EXPECTED in text, text
    assert chunks[-1].usage.total_tokens > 0 and not chunks[-1].choices
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-3].ken["outcome"] == "answered" and chunks[-3].choices[0].delta.annotations
    return f"{len(chunks)} chunks"


@check
def embeddings():
    """openai (Python): embeddings in base64, its default, equal those in floats"""
    texts = ["refund", "退款"]
    default = client.embeddings.create(model="ken-embedding", input=texts)
    floats = client.embeddings.create(model="ken-embedding", input=texts, encoding_format="float")
    for one, other in zip(default.data, floats.data, strict=True):
        assert len(one.embedding) == len(other.embedding)
        difference = max(abs(a - b) for a, b in zip(one.embedding, other.embedding))
        assert difference < 1e-6, difference
    return f"{len(default.data[0].embedding)} dimensions"


@check
def errors():
    """openai (Python): errors are raised with their types"""
    raised = []
    for error, status, call in [
        (openai.NotFoundError, 404, lambda: client.chat.completions.create(model="gpt-4o", messages=user("?"))),
        (openai.BadRequestError, 400, lambda: client.chat.completions.create(model="ken", messages=user("?"), n=2)),
        (openai.BadRequestError, 400, lambda: client.embeddings.create(model="ken-embedding", input=[1, 2])),
        (openai.AuthenticationError, 401, lambda: client.with_options(api_key="none").models.list()),
        (
            openai.PermissionDeniedError,
            403,
            lambda: client.chat.completions.create(model="ken-very-strict", messages=user("?")),
        ),
    ]:
        try:
            call()
            raise AssertionError(f"expected {error.__name__}")
        except error as caught:
            assert caught.status_code == status and caught.code, caught
            raised.append(caught.code)
    return ", ".join(raised)


@check
def level():
    """openai (Python): a model with a level, by a key that may choose it"""
    admin = client.with_options(api_key=ADMIN)
    reply = admin.chat.completions.create(model="ken-very-lenient", messages=user(ANSWERED))
    assert reply.model == "ken-very-lenient" and reply.ken["outcome"] == "answered"


chat = ChatOpenAI(base_url=BASE, api_key=BOT, model="ken", max_retries=0)


@check
def langchain_chat():
    """langchain-openai: an answer, a refusal and history"""
    reply = chat.invoke(ANSWERED)
    assert EXPECTED in reply.content, reply
    assert reply.usage_metadata["total_tokens"] > 0, reply
    refused = chat.invoke(REFUSED)
    assert refused.content and EXPECTED not in refused.content, refused
    follow_up = chat.invoke([("system", "Be brief."), ("user", ANSWERED), ("ai", reply.content), ("user", "Thanks")])
    assert follow_up.content, follow_up
    streamed = "".join(chunk.content for chunk in chat.stream(ANSWERED))
    assert streamed == reply.content, streamed


@check
def langchain_outcome():
    """langchain-openai: citations and outcome by the raw completion"""
    for question, outcome in [(ANSWERED, "answered"), (REFUSED, "refused")]:
        raw = chat.root_client.chat.completions.create(model="ken", messages=user(question))
        assert raw.ken["outcome"] == outcome
        assert bool(raw.citations) == (outcome == "answered"), raw


@check
def langchain_embeddings():
    """langchain-openai: embeddings of documents and of a query"""
    embedder = OpenAIEmbeddings(
        base_url=BASE, api_key=BOT, model="ken-embedding", check_embedding_ctx_length=False, max_retries=0
    )
    documents = embedder.embed_documents(["Refunds take seven working days.", "The shop opens at ten."])
    query = OpenAIEmbeddings(
        base_url=BASE,
        api_key=BOT,
        model="ken-embedding",
        check_embedding_ctx_length=False,
        max_retries=0,
        model_kwargs={"extra_body": {"input_type": "query"}},
    ).embed_query(ANSWERED)
    scores = [sum(a * b for a, b in zip(query, document)) for document in documents]
    assert scores[0] > scores[1], scores
    fixed = OpenAIEmbeddings(
        base_url=BASE, api_key=BOT, model="ken-embedding", check_embedding_ctx_length=False, dimensions=len(query)
    )
    assert len(fixed.embed_query("x")) == len(query)
    return f"{len(query)} dimensions, cosines {scores[0]:.2f} and {scores[1]:.2f}"


def retrieve(body, key=BOT):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    return httpx.post(f"{ADDRESS}/dify/retrieval", headers=headers, json=body)


def dify_request(query, threshold=0.0, **more):
    return {
        "retrieval_setting": {"top_k": 3, "score_threshold": threshold},
        "query": query,
        "knowledge_id": "default",
        **more,
    }


@check
def dify_probe():
    """Dify's requests: the empty probe, and keys"""
    for key, status in [(BOT, 415), ("none", 403)]:
        reply = httpx.post(f"{ADDRESS}/dify/retrieval", headers={"Authorization": f"Bearer {key}"})
        assert reply.status_code == status and "error_code" in reply.json(), reply.text
    unknown = retrieve(dify_request("test") | {"knowledge_id": "unknown"})
    assert unknown.status_code == 400 and unknown.json()["error_code"] == 2001, unknown.text


@check
def dify_records():
    """Dify's requests: records with a score, metadata and a condition; none for an unanswerable query"""
    records = retrieve(dify_request(ANSWERED)).json()["records"]
    assert len(records) == 3
    for record in records:
        assert isinstance(record["metadata"], dict) and record["content"] and record["title"]
        assert 0 <= record["score"] <= 1
    assert any(EXPECTED in record["content"] or "工作天" in record["content"] for record in records), records
    threshold = 0.5
    answered = retrieve(dify_request(ANSWERED, threshold)).json()["records"]
    refused = retrieve(dify_request(REFUSED, threshold)).json()["records"]
    assert answered and not refused, (answered, refused)
    condition = {"name": "document_id", "comparison_operator": "is", "value": records[1]["metadata"]["document_id"]}
    condition = {"logical_operator": "and", "conditions": [condition]}
    found = retrieve(dify_request(ANSWERED, metadata_condition=condition)).json()["records"]
    assert found and all(r["metadata"]["document_id"] == records[1]["metadata"]["document_id"] for r in found)
    scores = ", ".join(f"{record['score']:.2f}" for record in records)
    return f"scores {scores}"


sys.exit(failed > 0)
