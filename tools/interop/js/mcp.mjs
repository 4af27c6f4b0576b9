// Uses a running service's tools by the Model Context Protocol, with the SDK for JavaScript, which speaks the versions with
// sessions. `mcp.mjs ADDRESS BOT_KEY ADMIN_KEY`. Prints one line for each check and ends with 1 if one fails.
import assert from 'node:assert/strict'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js'

const [address, bot, admin] = process.argv.slice(2)
const tools = ['search_knowledge', 'answer_question', 'get_document', 'list_gaps', 'get_customer_context', 'suggest_reply']
const answered = 'How long does a refund take?'
const refused = 'Who won the world cup in 1998?'

let failed = false
async function check(name, test) {
  try {
    const figures = await test()
    console.log(`ok: mcp (JavaScript): ${name}${figures ? `: ${figures}` : ''}`)
  } catch (error) {
    failed = true
    console.log(`FAILED: mcp (JavaScript): ${name}`)
    console.log(error)
  }
}

/** Runs a test with a connected client, and ends its session. */
async function connected(key, test, path = '/mcp') {
  const transport = new StreamableHTTPClientTransport(new URL(path, address), {
    requestInit: { headers: { Authorization: `Bearer ${key}` } },
  })
  const client = new Client({ name: 'ken-interop', version: '1' })
  await client.connect(transport)
  try {
    return await test(client, transport)
  } finally {
    await transport.terminateSession()
    await client.close()
  }
}

/** What a tool returns as a value. It is the same as text. */
async function valueOf(client, name, args) {
  const result = await client.callTool({ name, arguments: args })
  assert.ok(!result.isError, JSON.stringify(result))
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent)
  return result.structuredContent
}

async function answerAndRefusal(client) {
  const answer = await valueOf(client, 'answer_question', { question: answered })
  assert.equal(answer.outcome, 'answered')
  assert.match(answer.text, /working days/)
  assert.ok(answer.citations.length > 0 && answer.citations.every((of) => of.document_id && of.title && of.quote))
  const no = await valueOf(client, 'answer_question', { question: refused })
  assert.equal(no.outcome, 'refused')
  assert.ok(no.reason && no.text && no.citations.length === 0)
  return answer
}

for (const path of ['/mcp', '/mcp/']) {
  await check(`${path}: a cited answer and a refusal as a value, in a session`, () =>
    connected(
      bot,
      async (client, transport) => {
        assert.equal(client.getServerVersion().name, 'ken')
        assert.ok(transport.sessionId)
        const answer = await answerAndRefusal(client)
        return `${transport.protocolVersion}, ${answer.citations.length} citations`
      },
      path,
    ),
  )
}

await check('the tools of a key, with schemas of what they return', async () => {
  for (const [key, expected] of [
    [bot, tools.slice(0, 2)],
    [admin, tools],
  ]) {
    const listed = await connected(key, async (client) => (await client.listTools()).tools)
    assert.deepEqual(listed.map((tool) => tool.name), expected)
    assert.ok(listed.every((tool) => tool.description && tool.inputSchema && tool.outputSchema))
  }
})

await check('passages, the cited document and gaps', () =>
  connected(admin, async (client) => {
    // The SDK compares each value with the schema of a listed tool.
    await client.listTools()
    const { citations } = await answerAndRefusal(client)
    const { passages } = await valueOf(client, 'search_knowledge', { query: answered, limit: 3 })
    assert.equal(passages.length, 3)
    const document = await valueOf(client, 'get_document', { id: citations[0].document_id })
    assert.ok(document.text.includes(citations[0].quote))
    const { gaps } = await valueOf(client, 'list_gaps', { limit: 50 })
    assert.ok(gaps.some((gap) => gap.question === refused))
    return `${passages.length} passages, ${gaps.length} gaps`
  }),
)

await check('a fault is an error of the tool, an unknown tool one of the protocol', () =>
  connected(bot, async (client) => {
    await client.listTools()
    const fault = await client.callTool({ name: 'answer_question', arguments: { question: '' } })
    assert.equal(fault.isError, true)
    assert.ok(fault.content[0].text.includes('/question'))
    for (const name of ['drop_tables', 'list_gaps']) {
      await assert.rejects(client.callTool({ name, arguments: {} }), (error) => {
        return error instanceof McpError && error.code === ErrorCode.InvalidParams && error.message.includes(name)
      })
    }
  }),
)

await check('an ended session and a wrong key are refused', async () => {
  await connected(bot, async (client, transport) => {
    const { sessionId } = transport
    await transport.terminateSession()
    const again = new StreamableHTTPClientTransport(new URL('/mcp', address), {
      requestInit: { headers: { Authorization: `Bearer ${bot}` } },
      sessionId,
    })
    await again.start()
    const list = again.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    await assert.rejects(list, (error) => error instanceof StreamableHTTPError && error.code === 404)
    await again.close()
  })
  const wrong = connected('ken_none', async () => assert.fail('connected'))
  await assert.rejects(wrong, (error) => error instanceof StreamableHTTPError && error.code === 401)
})

process.exit(failed ? 1 : 0)
