// Verification of a callback that a real service signed, beside the verifier of Standard Webhooks.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { verifyWebhook, WebhookError } from '@ken/client'
import { Webhook } from 'standardwebhooks'
import { answered, bodyOf, ken, listen } from './service.js'

const other = `whsec_${Buffer.from('another secret of 32 bytes......').toString('base64')}`
const inbox = `typescript-${randomUUID()}`
let secret = ''
let body: Buffer = Buffer.alloc(0)
let headers: Record<string, string> = {}

before(async () => {
  let arrived: (() => void) | undefined
  const received = new Promise<void>((resolve) => (arrived = resolve))
  const server = createServer((request, reply) => {
    void bodyOf(request).then((bytes) => {
      body = bytes
      headers = request.headers as Record<string, string>
      reply.writeHead(204).end()
      arrived?.()
    })
  })
  const callback_url = `${await listen(server)}/ken`
  const path = { id: inbox }
  const { data } = await ken('admin').api.PUT('/v1/inboxes/{id}', {
    params: { path },
    body: {
      channel: 'generic',
      name: 'App',
      settings: { mode: 'live', callback_url, auto_send_level: 'balanced', burst_ms: 0 },
    },
  })
  secret = data?.webhook_secret ?? ''
  await ken().api.POST('/v1/inboxes/{id}/messages', {
    params: { path },
    body: { type: 'message', id: randomUUID(), sender: { user_id: 'u-1' }, text: answered },
  })
  await received
  server.close()
}, { timeout: 60_000 })

after(async () => {
  await ken('admin').api.DELETE('/v1/inboxes/{id}', { params: { path: { id: inbox } } })
})

/** Whether our verifier accepts a request; theirs has to agree. */
async function both(of: string, named: Record<string, string>, bytes: Buffer): Promise<boolean> {
  const ours = await verifyWebhook(of, named, bytes).catch((error: unknown) => {
    assert.ok(error instanceof WebhookError, String(error))
    return undefined
  })
  let theirs: unknown
  try {
    theirs = new Webhook(of).verify(bytes, named)
  } catch {
    theirs = undefined
  }
  assert.deepEqual(ours, theirs)
  return ours !== undefined
}

test('callback of the service is accepted', async () => {
  assert.ok(await both(secret, headers, body))
  const { type, data } = await verifyWebhook(secret, new Headers(headers), body.toString())
  assert.ok(type && data['user_id'] === 'u-1' && JSON.stringify(data['parts']).includes('working days'))
})

test('every changed byte is refused', async () => {
  const step = Math.max(1, Math.floor(body.length / 100))
  for (let at = 0; at < body.length; at += step) {
    const changed = Buffer.from(body)
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    assert.equal(await both(secret, headers, changed), false, `byte ${at}`)
  }
  for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
    const value = headers[name] ?? ''
    for (let at = 0; at < value.length; at += 1) {
      // The last digit of base64 has two bits that no byte uses.
      if (name === 'webhook-signature' && at === value.length - 2) continue
      const changed = value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1)
      assert.equal(await both(secret, { ...headers, [name]: changed }, body), false, `${name} ${at}`)
    }
    const { [name]: _, ...without } = headers
    assert.equal(await both(secret, without, body), false, name)
  }
  assert.equal(await both(other, headers, body), false)
})

test('time outside the tolerance is refused', async () => {
  const sent = Number(headers['webhook-timestamp'])
  for (const now of [sent - 300, sent, sent + 300]) await verifyWebhook(secret, headers, body, { now })
  for (const now of [sent - 301, sent + 301]) {
    await assert.rejects(verifyWebhook(secret, headers, body, { now }), /301 s in the (past|future)/)
  }
})

function signed(text: string): Record<string, string> {
  const now = new Date()
  const signature = new Webhook(other).sign('msg_1', now, text)
  return { 'Webhook-Id': 'msg_1', 'Webhook-Timestamp': `${Math.floor(+now / 1000)}`, 'Webhook-Signature': signature }
}

test('one of several secrets and signatures is enough', async () => {
  const one = signed('{"a":1}')
  const signature = one['Webhook-Signature'] ?? ''
  assert.deepEqual(await verifyWebhook([secret, other], one, '{"a":1}'), { a: 1 })
  for (const value of [`v1,AAAA ${signature}`, `${signature} v1,AAAA`, `v2 ${signature}`]) {
    assert.deepEqual(await verifyWebhook(other, { ...one, 'Webhook-Signature': value }, '{"a":1}'), { a: 1 })
  }
  const asymmetric = { ...one, 'Webhook-Signature': signature.replace('v1,', 'v1a,') }
  await assert.rejects(verifyWebhook(other, asymmetric, '{"a":1}'), /no signature/)
  await assert.rejects(verifyWebhook([], one, '{"a":1}'), /no signature/)
})

test('unusable secret and body are refused', async () => {
  for (const of of ['', 'whsec_', 'whsec_AAAA', 'not base64!', `whsec_${'A'.repeat(88)}`]) {
    await assert.rejects(verifyWebhook(of, signed('{}'), '{}'), /24 to 64 bytes/)
  }
  for (const text of ['[]', 'null', 'no json']) {
    await assert.rejects(verifyWebhook(other, signed(text), text), /the body is not/)
  }
})
