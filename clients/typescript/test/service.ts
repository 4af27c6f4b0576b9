// The running service of all tests: `tools/interop/with.sh` starts one and sets the environment that is read here.
import assert from 'node:assert/strict'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Ken, type KenOptions } from '@ken/client'

export const answered = 'How long does a refund take?'
export const expected = /working days/
export const refused = 'Who won the world cup in 1998?'

function read(name: string): string {
  const value = process.env[name]
  assert.ok(value, `${name} is not set: run the tests by tools/interop/with.sh`)
  return value
}

export const url = read('KEN_URL')
export const keys = {
  bot: read('KEN_BOT_KEY'),
  editor: read('KEN_EDITOR_KEY'),
  admin: read('KEN_ADMIN_KEY'),
  operator: read('KEN_OPERATOR_KEY'),
}

export function ken(role: keyof typeof keys = 'bot', more: Partial<KenOptions> = {}): Ken {
  return new Ken({ baseUrl: url, apiKey: keys[role], ...more })
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await all(request as AsyncIterable<Buffer>))
}

/** A proxy of the service that treats its first request otherwise. */
export class Proxy implements AsyncDisposable {
  n = 0
  url = ''
  readonly #server: Server

  constructor(first: 'breaks' | { status: number; retryAfter: string }) {
    this.#server = createServer((incoming, reply) => {
      this.n += 1
      void bodyOf(incoming).then((body) => {
        if (this.n === 1 && first === 'breaks') return incoming.socket.destroy()
        if (this.n === 1 && first !== 'breaks') {
          return reply.writeHead(first.status, { 'retry-after': first.retryAfter }).end()
        }
        const { method, headers } = incoming
        const onward = httpRequest(new URL(incoming.url ?? '/', url), { method, headers }, (answer) => {
          reply.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(reply)
        })
        return onward.end(body)
      })
    })
  }

  async start(): Promise<this> {
    this.url = await listen(this.#server)
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
