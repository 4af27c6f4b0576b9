// The parser of server-sent events.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KenProblem } from '@ken/client'
import { eventOf, parseEvents } from '../dist/streaming.js'
import { all } from './service.js'

const stream = new TextEncoder().encode(
  '\ufeffevent: delta\n: comment\ndata: {"text": "退款\u2028x"}\n\n' +
    'event: a\rdata: 1\rdata:2\r\r' +
    'data: unnamed\r\n\r\nevent: without data\r\n\r\nid: 7\r\ndata:  two spaces\r\n\r\nevent: cut\ndata: off',
)
const events = [
  { name: 'delta', data: '{"text": "退款\u2028x"}' },
  { name: 'a', data: '1\n2' },
  { name: 'message', data: 'unnamed' },
  { name: 'message', data: ' two spaces' },
]

async function* pieces(size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < stream.length; at += size) yield stream.subarray(at, at + size)
}

test('events do not depend on the pieces', async () => {
  for (let size = 1; size <= stream.length; size += 1) {
    assert.deepEqual(await all(parseEvents(pieces(size))), events, `pieces of ${size} bytes`)
  }
})

test('events have their types', () => {
  assert.deepEqual(eventOf('restart', '{}'), { event: 'restart' })
  assert.equal(eventOf('of a newer service', '{}'), undefined)
  const unavailable = '{"type": "/problems/unavailable", "title": "Service unavailable", "status": 503}'
  assert.throws(
    () => eventOf('error', unavailable),
    (problem) => problem instanceof KenProblem && problem.status === 503 && problem.type === '/problems/unavailable',
  )
})
