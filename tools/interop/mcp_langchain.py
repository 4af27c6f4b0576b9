"""Uses a running service's MCP tools as tools of LangChain, by langchain-mcp-adapters. `mcp_langchain.py ADDRESS BOT_KEY`.
Prints one line for each check and ends with 1 if one fails."""

import asyncio
import sys
import traceback

from langchain_core.tools import ToolException
from langchain_mcp_adapters.client import MultiServerMCPClient

ADDRESS, BOT = sys.argv[1:3]
ANSWERED = "How long does a refund take?"
EXPECTED = "working days"
REFUSED = "Who won the world cup in 1998?"


async def answer_and_refusal():
    headers = {"Authorization": f"Bearer {BOT}"}
    ken = {"transport": "streamable_http", "url": f"{ADDRESS}/mcp", "headers": headers}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"ken": ken}).get_tools()}
    assert list(tools) == ["search_knowledge", "answer_question"], list(tools)

    async def call(question):
        request = {"type": "tool_call", "id": "1", "name": "answer_question", "args": {"question": question}}
        return await tools["answer_question"].ainvoke(request)

    message = await call(ANSWERED)
    value = message.artifact["structured_content"]
    assert message.status == "success" and value["outcome"] == "answered" and value["citations"], message
    assert EXPECTED in str(message.content), message
    refused = await call(REFUSED)
    value = refused.artifact["structured_content"]
    assert refused.status == "success" and value["outcome"] == "refused" and value["reason"], refused
    try:
        fault = await call("")
        assert fault.status == "error", fault
    except ToolException as error:
        assert "/question" in str(error), error
    return value["reason"]


try:
    figures = asyncio.run(asyncio.wait_for(answer_and_refusal(), 120))
    print(f"ok: langchain-mcp-adapters: a cited answer, a refusal as a value and a fault: {figures}")
except Exception:
    print("FAILED: langchain-mcp-adapters: a cited answer, a refusal as a value and a fault")
    traceback.print_exc()
    sys.exit(1)
