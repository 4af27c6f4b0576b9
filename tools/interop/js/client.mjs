// Asks a running service through OpenAI's JavaScript client. `client.mjs ADDRESS BOT_KEY`. Prints one line for each check
// and ends with 1 if one fails.
import assert from 'node:assert/strict'
import OpenAI from 'openai'

const [address, key] = process.argv.slice(2)
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: key, maxRetries: 0 })
const answered = 'How long does a refund take?'
const refused = 'Who won the world cup in 1998?'
const user = (content) => [{ role: 'user', content }]

let failed = false
async function check(name, test) {
  try {
    const figures = await test()
    console.log(`ok: openai (JavaScript): ${name}${figures ? `: ${figures}` : ''}`)
  } catch (error) {
    failed = true
    console.log(`FAILED: openai (JavaScript): ${name}`)
    console.log(error)
  }
}

await check('models', async () => {
  const ids = []
  for await (const model of client.models.list()) ids.push(model.id)
  assert.deepEqual(ids, ['ken', 'ken-embedding'])
})

await check('a cited answer and a refusal with its outcome', async () => {
  const reply = await client.chat.completions.create({ model: 'ken', messages: user(answered) })
  const message = reply.choices[0].message
  assert.match(message.content, /working days/)
  assert.equal(reply.ken.outcome, 'answered')
  for (const { url_citation: of } of message.annotations) {
    // Positions are Unicode code points.
    assert.ok([...message.content].slice(of.start_index, of.end_index).length > 0)
    assert.ok(reply.citations.includes(of.url))
  }
  assert.ok(message.annotations.length > 0)
  const no = await client.chat.completions.create({ model: 'ken', messages: user(refused) })
  assert.equal(no.ken.outcome, 'refused')
  assert.ok(no.choices[0].message.content)
  return `${message.annotations.length} annotations`
})

await check('a streamed answer with usage', async () => {
  const stream = client.chat.completions.stream({
    model: 'ken',
    messages: user(answered),
    stream_options: { include_usage: true },
  })
  const whole = await stream.finalChatCompletion()
  assert.match(whole.choices[0].message.content, /working days/)
  assert.equal(whole.choices[0].finish_reason, 'stop')
  assert.ok((await stream.totalUsage()).total_tokens > 0)
})

await check('embeddings', async () => {
  const reply = await client.embeddings.create({ model: 'ken-embedding', input: ['refund', '退款'] })
  const floats = await client.embeddings.create({
    model: 'ken-embedding',
    input: ['refund', '退款'],
    encoding_format: 'float',
  })
  reply.data.forEach(({ embedding }, i) => {
    assert.equal(embedding.length, floats.data[i].embedding.length)
    embedding.forEach((number, j) => assert.ok(Math.abs(number - floats.data[i].embedding[j]) < 1e-6))
  })
  return `${reply.data[0].embedding.length} dimensions`
})

await check('errors are thrown with their types', async () => {
  const unknown = client.chat.completions.create({ model: 'gpt-4o', messages: user('?') })
  await assert.rejects(unknown, (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found')
  const nobody = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 })
  await assert.rejects(nobody.models.list(), (error) => error instanceof OpenAI.AuthenticationError)
  const image = client.chat.completions.create({
    model: 'ken',
    messages: user([{ type: 'image_url', image_url: { url: 'data:,' } }]),
  })
  await assert.rejects(image, (error) => error instanceof OpenAI.BadRequestError && error.param !== null)
})

process.exit(failed ? 1 : 0)
