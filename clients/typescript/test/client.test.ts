// The client against a real service.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { KenProblem } from '@ken/client'
import { all, answered, expected, ken, Proxy, refused } from './service.js'

test('answer cites the text of its document', async () => {
  const answer = await ken().answer(answered)
  assert.equal(answer.outcome, 'answered')
  assert.match(answer.text, expected)
  assert.ok(answer.citations.length > 0)
  for (const citation of answer.citations) {
    const document = await ken('editor').document(citation.document_id, { version: citation.document_version })
    assert.equal(Buffer.from(document.text).subarray(citation.start, citation.end).toString(), citation.quote)
    assert.equal(document.title, citation.title)
  }
  const numbers = answer.citations.map((citation) => citation.number)
  assert.ok(answer.sentences.every((sentence) => sentence.citations.every((number) => numbers.includes(number))))
})

test('refusal is a value with its reason', async () => {
  const answer = await ken().answer(refused)
  assert.deepEqual([answer.outcome, answer.reason, answer.citations], ['refused', 'weak_evidence', []])
  assert.ok(answer.text)
})

test('conversation is recorded', async () => {
  const id = `typescript-${randomUUID()}`
  await ken().answer(answered, { conversation_id: id })
  const again = await ken().answer('And by bank transfer?', { conversation_id: id, channel: 'web' })
  assert.deepEqual([again.conversation_id, again.rendered.format], [id, 'markdown'])
  const { data } = await ken('editor').api.GET('/v1/conversations/{id}', { params: { path: { id } } })
  assert.equal(data?.turns.length, 2)
})

test('stream has evidence, sentences and the answer', async () => {
  const events = await all(ken().streamAnswer(answered))
  const last = events.at(-1)
  assert.ok(last?.event === 'done' && events[0]?.event === 'evidence')
  assert.deepEqual(events[0].citations, last.answer.citations)
  const deltas = events.filter((event) => event.event === 'delta')
  assert.deepEqual(deltas.map((delta) => delta.text), last.answer.sentences.map((sentence) => sentence.text))
})

test('streamed refusal is a value', async () => {
  const events = await all(ken().streamAnswer(refused))
  const last = events.at(-1)
  assert.ok(last?.event === 'done')
  assert.equal(last.answer.outcome, 'refused')
  assert.deepEqual(events.slice(0, 2), [
    { event: 'evidence', citations: [] },
    { event: 'delta', text: last.answer.text },
  ])
})

test('stream can be left and ended', async () => {
  for await (const event of ken().streamAnswer(answered)) {
    assert.equal(event.event, 'evidence')
    break
  }
  const ended = AbortSignal.abort(new Error('ended by the test'))
  await assert.rejects(all(ken().streamAnswer(answered, { signal: ended })), /ended by the test/)
})

test('search returns passages, best first', async () => {
  const { hits } = await ken().search(answered, { limit: 3, mode: 'hybrid' })
  const scores = hits.map((hit) => hit.score)
  assert.deepEqual(scores, scores.toSorted((a, b) => b - a))
  assert.equal(hits.length, 3)
  assert.match(hits[0]?.text ?? '', expected)
})

test('gaps contain a refused question', async () => {
  await ken().answer(refused)
  const page = await ken('editor').gaps({ days: 7, limit: 500 })
  assert.ok(page.gaps.some((gap) => gap.question === refused))
})

test('same feedback again changes nothing', async () => {
  const { id } = await ken().answer(answered)
  const first = await ken().feedback(id, { helpful: true, customer_id: 'amy' })
  const again = await ken().feedback(id, { helpful: true, customer_id: 'amy' })
  assert.deepEqual([first.is_new, again.is_new], [true, false])
})

test('idempotency key returns the first answer', async () => {
  const idempotencyKey = randomUUID()
  const first = await ken().answer(answered, { idempotencyKey })
  const again = await ken().answer(answered, { idempotencyKey })
  assert.equal(first.id, again.id)
  await assert.rejects(ken().answer(refused, { idempotencyKey }), { type: '/problems/conflict', status: 409 })
})

test('problems have their fields', async () => {
  const invalid = ken().answer('', { limit: 0 })
  await assert.rejects(invalid, (problem) => {
    assert.ok(problem instanceof KenProblem && problem instanceof Error)
    assert.deepEqual([problem.status, problem.type], [422, '/problems/invalid-value'])
    assert.deepEqual(problem.faults.map((fault) => fault.pointer).sort(), ['/limit', '/question'])
    assert.ok(problem.title && problem.requestId && problem.message.includes('/limit'))
    assert.equal(problem.retryAfter, undefined)
    return true
  })
  await assert.rejects(all(ken().streamAnswer('')), { status: 422 })
  await assert.rejects(ken().gaps(), { status: 403, type: '/problems/forbidden' })
  await assert.rejects(ken('bot', { apiKey: 'ken_none' }).search('x'), { status: 401, type: '/problems/unauthorized' })
  await assert.rejects(ken('editor').document('folder/none ü?'), { status: 404, type: '/problems/not-found' })
})

test('reply that is no problem keeps its status', async () => {
  // The routes for OpenAI's clients describe errors as OpenAI does.
  const models = ken('bot', { apiKey: 'ken_none' }).api.GET('/v1/models')
  await assert.rejects(models, { status: 401, type: 'about:blank', title: 'Unauthorized', detail: undefined })
})

test('operator names the workspace', async () => {
  const here = await ken('operator').search(answered)
  const elsewhere = await ken('operator', { workspace: 'typescript-client-empty' }).search(answered)
  assert.deepEqual([here.hits.length > 0, elsewhere.hits.length], [true, 0])
})

for (const status of [429, 503]) {
  test(`status ${status} is waited for if the reply names a time`, async () => {
    await using proxy = await new Proxy({ status, retryAfter: '1' }).start()
    const begun = performance.now()
    assert.equal((await ken('bot', { baseUrl: proxy.url }).answer(answered)).outcome, 'answered')
    assert.ok(performance.now() - begun >= 999)
    assert.equal(proxy.n, 2)
  })
}

test('reply that names a long time or none is a problem at once', async () => {
  for (const [retryAfter, seconds] of [['31', 31], [new Date(Date.now() + 90_000).toUTCString(), 90], ['', undefined]] as const) {
    await using proxy = await new Proxy({ status: 429, retryAfter }).start()
    await assert.rejects(ken('bot', { baseUrl: proxy.url }).search(answered), (problem) => {
      assert.ok(problem instanceof KenProblem)
      assert.ok(problem.retryAfter === seconds || Math.abs((problem.retryAfter ?? 0) - (seconds ?? 0)) < 5)
      return problem.status === 429 && proxy.n === 1
    })
  }
})

test('request is sent again after a broken connection only if that changes nothing', async () => {
  {
    await using proxy = await new Proxy('breaks').start()
    assert.ok((await ken('bot', { baseUrl: proxy.url }).search(answered)).hits.length > 0)
    assert.equal(proxy.n, 2)
  }
  {
    await using proxy = await new Proxy('breaks').start()
    const idempotencyKey = randomUUID()
    const events = await all(ken('bot', { baseUrl: proxy.url }).streamAnswer(answered, { idempotencyKey }))
    assert.deepEqual([events.at(-1)?.event, proxy.n], ['done', 2])
  }
  await using proxy = await new Proxy('breaks').start()
  await assert.rejects(ken('bot', { baseUrl: proxy.url }).answer(answered), TypeError)
  assert.equal(proxy.n, 1)
})

test('time limit ends a request', async () => {
  await assert.rejects(ken('bot', { timeoutMs: 1 }).answer(refused), { name: 'TimeoutError' })
  await assert.rejects(ken('bot', { baseUrl: 'http://127.0.0.1:1', maxRetries: 1 }).search(answered), TypeError)
})
