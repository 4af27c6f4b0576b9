"""Uses a running service's tools by the Model Context Protocol, with the SDK for Python: its newest version without
sessions, and the earlier ones with them. `mcp_client.py ADDRESS BOT_KEY ADMIN_KEY`. Prints one line for each check and
ends with 1 if one fails."""

import asyncio
import json
import sys
import traceback
import uuid
from contextlib import asynccontextmanager

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

ADDRESS, BOT, ADMIN = sys.argv[1:4]
TOOLS = ["search_knowledge", "answer_question", "get_document", "list_gaps", "get_customer_context", "suggest_reply"]
ANSWERED = "How long does a refund take?"
EXPECTED = "working days"
REFUSED = "Who won the world cup in 1998?"
NEWEST = "2026-07-28"
INVALID_PARAMS = -32602
failed = 0


def check(name):
    """Runs an asynchronous test and prints its result."""

    def run(test):
        global failed
        try:
            figures = asyncio.run(asyncio.wait_for(test(), 120))
            print(f"ok: mcp (Python): {name}{f': {figures}' if figures else ''}")
        except Exception:
            failed += 1
            print(f"FAILED: mcp (Python): {name}")
            traceback.print_exc()

    return run


@asynccontextmanager
async def connected(key, path="/mcp", mode="auto"):
    """A client, and the session ids that its requests named."""
    sessions = []

    async def record(request):
        sessions.append(request.headers.get("mcp-session-id"))

    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60, event_hooks={"request": [record]}) as http:
        async with Client(streamable_http_client(f"{ADDRESS}{path}", http_client=http), mode=mode) as client:
            yield client, sessions


async def value_of(client, tool, **arguments):
    """What a tool returns as a value. It is the same as text."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    assert json.loads(result.content[0].text) == result.structured_content, result
    return result.structured_content


async def answer_and_refusal(client):
    answer = await value_of(client, "answer_question", question=ANSWERED)
    assert answer["outcome"] == "answered" and EXPECTED in answer["text"] and answer["answer_id"], answer
    assert answer["citations"] and all(c["document_id"] and c["title"] and c["quote"] for c in answer["citations"])
    refused = await value_of(client, "answer_question", question=REFUSED)
    assert refused["outcome"] == "refused" and refused["reason"] and refused["text"] and not refused["citations"]
    return answer, refused


for path in ("/mcp", "/mcp/"):

    @check(f"{path}: a cited answer and a refusal as a value, without a session")
    async def newest():
        async with connected(BOT, path) as (client, sessions):
            assert client.protocol_version == NEWEST, client.protocol_version
            assert client.server_info.name == "ken" and client.instructions
            answer, refused = await answer_and_refusal(client)
            version = client.protocol_version
        assert sessions and not any(sessions), sessions
        return f"{version}, {len(answer['citations'])} citations, {refused['reason']}"

    @check(f"{path}: the same by an earlier version, with a session")
    async def earlier():
        async with connected(BOT, path, "legacy") as (client, sessions):
            version = client.protocol_version
            assert version < NEWEST and client.server_info.name == "ken"
            await answer_and_refusal(client)
        assert sessions[0] is None and all(sessions[1:]) and len(set(sessions[1:])) == 1, sessions
        return version


@check("the tools of a key, with schemas of what they return")
async def tools():
    n_tools = {}
    for role, key, expected in [("bot", BOT, TOOLS[:2]), ("admin", ADMIN, TOOLS)]:
        async with connected(key) as (client, _):
            listed = (await client.list_tools()).tools
        assert [tool.name for tool in listed] == expected, listed
        for tool in listed:
            assert tool.description and tool.input_schema["type"] == tool.output_schema["type"] == "object"
        n_tools[role] = len(listed)
    return n_tools


@check("passages, the cited document and gaps")
async def knowledge():
    async with connected(ADMIN) as (client, _):
        # The SDK compares each value with the schema of a listed tool.
        await client.list_tools()
        answer, _ = await answer_and_refusal(client)
        found = await value_of(client, "search_knowledge", query=ANSWERED, limit=3)
        assert len(found["passages"]) == 3 and EXPECTED in found["passages"][0]["text"], found
        citation = answer["citations"][0]
        document = await value_of(client, "get_document", id=citation["document_id"])
        assert citation["quote"] in document["text"] and citation["title"] == document["title"]
        gaps = (await value_of(client, "list_gaps", limit=50))["gaps"]
        assert REFUSED in [gap["question"] for gap in gaps], gaps
    return f"{len(found['passages'])} passages, {len(gaps)} gaps"


@check("a conversation on the desk and a suggested reply")
async def desk():
    inbox, message = f"mcp-{uuid.uuid4()}", f"m-{uuid.uuid4()}"
    async with httpx2.AsyncClient(base_url=ADDRESS, headers={"Authorization": f"Bearer {ADMIN}"}) as http:
        # In the shadow: what the bot answers is not sent, so that the message waits for a reply.
        put = await http.put(f"/v1/inboxes/{inbox}", json={"channel": "generic", "name": "App"})
        assert put.is_success, put.text
        sent = {"type": "message", "id": message, "sender": {"user_id": "u-1", "name": "Mei"}, "text": ANSWERED}
        delivered = await http.post(f"/v1/inboxes/{inbox}/messages", json=sent)
        conversation = delivered.json()["conversation_id"]
    async with connected(ADMIN) as (client, _):
        await client.list_tools()
        context = await value_of(client, "get_customer_context", conversation_id=conversation)
        assert context["conversation"]["id"] == conversation and "Mei" in json.dumps(context["customer"])
        assert context["messages"][0]["parts"][0]["text"] == ANSWERED
        suggested = await value_of(client, "suggest_reply", conversation_id=conversation)
    assert suggested["question"] == ANSWERED and suggested["answer"]["outcome"] == "answered"
    assert suggested["answer"]["citations"][0]["quote"]
    return suggested["answer"]["outcome"]


@check("a fault is an error of the tool, an unknown tool one of the protocol")
async def faults():
    async with connected(BOT) as (client, _):
        await client.list_tools()
        fault = await client.call_tool("answer_question", {"question": ""})
        assert fault.is_error and "/question" in fault.content[0].text, fault
        for name in ("drop_tables", "list_gaps", "suggest_reply"):
            try:
                result = await client.call_tool(name, {"conversation_id": "x"})
            except MCPError as error:
                assert error.code == INVALID_PARAMS and name in error.message, error
            else:
                raise AssertionError(f"{name}: {result}")


@check("a wrong key is refused")
async def wrong_key():
    statuses = []

    async def record(response):
        statuses.append(response.status_code)

    headers = {"Authorization": "Bearer ken_none"}
    async with httpx2.AsyncClient(headers=headers, event_hooks={"response": [record]}) as http:
        try:
            async with Client(streamable_http_client(f"{ADDRESS}/mcp", http_client=http)):
                raise AssertionError("connected")
        except Exception as error:
            # The tasks of the client raise it in a group.
            assert "connected" not in repr(error)
    assert statuses and set(statuses) == {401}, statuses


sys.exit(failed > 0)
