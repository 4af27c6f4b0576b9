import createClient, { type Client } from 'openapi-fetch'
import { KenProblem, problemOf } from './problem.js'
import type { components, operations, paths } from './schema.js'
import { eventOf, parseEvents, type StreamEvent } from './streaming.js'

type Schemas = components['schemas']
export type Answer = Schemas['AnswerResponse']
export type Citation = Schemas['CitationBody']
export type Document = Schemas['DocumentResponse']
export type FeedbackResult = Schemas['FeedbackResponse']
export type Gap = Schemas['Gap']
export type Gaps = Schemas['GapsResponse']
export type Hit = Schemas['HitBody']
export type Outcome = Schemas['Outcome']
export type SearchResult = Schemas['SearchResponse']
/** Options of a question: those of `POST /v1/answers`. */
export type AnswerOptions = Omit<Schemas['AnswerRequest'], 'question' | 'stream'> & RequestOptions & Idempotency
/** Options of a search: those of `POST /v1/search`. */
export type SearchOptions = Omit<Schemas['SearchRequest'], 'question'> & RequestOptions
/** Feedback on an answer: at least one value. */
export type Feedback = Omit<Schemas['FeedbackRequest'], 'answer_id'>

interface RequestOptions {
  /** Ends the request. */
  signal?: AbortSignal
}

interface Idempotency {
  /** 1 to 128 ASCII characters. A repeated request with the same key returns the first answer. */
  idempotencyKey?: string
}

/** Settings of a client. */
export interface KenOptions {
  /** The service's address, as `https://ken.example.com`. */
  baseUrl: string
  /** A key of the service, `ken_…`. */
  apiKey?: string
  /** For operators: the workspace. The key of any other role decides it. */
  workspace?: string
  /** Milliseconds for a whole reply. Default 65,000: a question may take 60,000 (`deadline_ms`). */
  timeoutMs?: number
  /** How often a request is sent again. Default 2. */
  maxRetries?: number
  /** Instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>
}

/** The longest `Retry-After` that is waited for, in seconds. */
const MAX_WAIT_S = 30
/** The wait after the first failed connection, in seconds. It doubles, and up to half of it is added at random. */
const FIRST_WAIT_S = 0.5
/** Routes whose `POST` has the same effect once and twice. The service ignores the same feedback if it arrives again. */
const REPEATABLE = ['/v1/search', '/v1/feedback']
/** Codes of Node's errors before a request is sent. */
const UNSENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']

/**
 * A client of one service.
 *
 * Every method throws `KenProblem` if the service replies with an error, and what `fetch` throws if there is no reply.
 * Requests are sent again: after 429 and 503 with a `Retry-After` of at most 30 s, and after a broken connection if a
 * repetition has no other effect.
 */
export class Ken {
  /** Every route with its types, as `ken.api.GET('/v1/documents', {…})`. It throws as the methods do. */
  readonly api: Client<paths>
  readonly #timeoutMs: number
  readonly #maxRetries: number
  readonly #fetch: (request: Request) => Promise<Response>

  constructor({ baseUrl, apiKey, workspace, timeoutMs = 65_000, maxRetries = 2, fetch = globalThis.fetch }: KenOptions) {
    this.#timeoutMs = timeoutMs
    this.#maxRetries = maxRetries
    this.#fetch = fetch
    const headers: Record<string, string> = {}
    if (apiKey) headers['Authorization'] = `Bearer ${apiKey}`
    if (workspace) headers['X-Ken-Workspace'] = workspace
    this.api = createClient<paths>({ baseUrl, headers, redirect: 'error', fetch: (request) => this.#send(request) })
  }

  /** Asks a question, 1 to 2,000 characters; a list is joined into one question. Branch on `outcome`. */
  async answer(question: string | string[], options: AnswerOptions = {}): Promise<Answer> {
    const { idempotencyKey, signal, ...body } = options
    const { data } = await this.api.POST('/v1/answers', {
      body: { question, ...body },
      headers: keyHeader(idempotencyKey),
      ...ending(signal),
    })
    // The other type is that of a stream.
    return got(data as Answer | undefined)
  }

  /**
   * Asks a question and returns events while it is answered; `done` has the whole answer. Throws also if the stream ends
   * before it, as it does at the service's time limit.
   */
  async *streamAnswer(
    question: string | string[],
    options: AnswerOptions = {},
  ): AsyncGenerator<StreamEvent, void, undefined> {
    const { idempotencyKey, signal, ...body } = options
    const { data } = await this.api.POST('/v1/answers', {
      body: { question, ...body, stream: true },
      headers: keyHeader(idempotencyKey),
      parseAs: 'stream',
      ...ending(signal),
    })
    for await (const { name, data: text } of parseEvents(chunks(got(data ?? undefined)))) {
      const event = eventOf(name, text)
      if (event) yield event
      if (event?.event === 'done') return
    }
    throw new Error('the stream ended without an answer')
  }

  /** Finds passages, best first. It does not decide whether they answer the question. */
  async search(question: string, options: SearchOptions = {}): Promise<SearchResult> {
    const { signal, ...body } = options
    return got((await this.api.POST('/v1/search', { body: { question, ...body }, ...ending(signal) })).data)
  }

  /** Reads a document: its live version, or another one. The key needs the role `editor` or above. */
  async document(id: string, options: { version?: number } & RequestOptions = {}): Promise<Document> {
    const { signal, ...query } = options
    return got((await this.api.GET('/v1/documents/{id}', { params: { path: { id }, query }, ...ending(signal) })).data)
  }

  /**
   * Lists unanswered questions, clustered by meaning, most urgent first: `limit` (1 to 500, default 50) of the last `days`
   * (1 to 366, default 30), from `after`, the `next` of the previous page. The key needs the role `editor` or above.
   */
  async gaps(options: NonNullable<operations['gaps']['parameters']['query']> & RequestOptions = {}): Promise<Gaps> {
    const { signal, ...query } = options
    const { data } = await this.api.GET('/v1/insights/gaps', { params: { query }, ...ending(signal) })
    // openapi-fetch reads the pairs of `failures` as lists.
    return got(data as Gaps | undefined)
  }

  /** Submits feedback on an answer. */
  async feedback(answerId: string, feedback: Feedback): Promise<FeedbackResult> {
    return got((await this.api.POST('/v1/feedback', { body: { answer_id: answerId, ...feedback } })).data)
  }

  /** Sends a request, again if that may help, and throws the problem of a reply that is no success. */
  async #send(request: Request): Promise<Response> {
    for (let failed = 1; ; failed += 1) {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(this.#timeoutMs)])
      let failure: unknown
      try {
        const response = await this.#fetch(new Request(request.clone(), { signal }))
        if (response.ok) return response
        failure = await problemOf(response)
      } catch (error) {
        failure = error
      }
      const wait = waitAfter(failure, request, failed)
      if (failed > this.#maxRetries || wait === undefined) throw failure
      await pause(wait, request.signal)
    }
  }
}

/** Seconds until the request is sent again; `undefined` if it is not to be sent again. */
function waitAfter(failure: unknown, request: Request, failed: number): number | undefined {
  if (failure instanceof KenProblem) {
    const { status, retryAfter } = failure
    const mayRepeat = (status === 429 || status === 503) && retryAfter !== undefined && retryAfter <= MAX_WAIT_S
    return mayRepeat ? retryAfter : undefined
  }
  // `fetch` throws a TypeError if the connection fails, and a DOMException if a signal ends it.
  if (!(failure instanceof TypeError)) return undefined
  const code = (failure.cause as { code?: string } | undefined)?.code
  const isRepeatable =
    ['GET', 'HEAD'].includes(request.method) ||
    request.headers.has('Idempotency-Key') ||
    REPEATABLE.includes(new URL(request.url).pathname) ||
    (code !== undefined && UNSENT.includes(code))
  return isRepeatable ? FIRST_WAIT_S * 2 ** (failed - 1) * (1 + Math.random() / 2) : undefined
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end)
      resolve()
    }, seconds * 1000)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

function keyHeader(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { 'Idempotency-Key': key }
}

function ending(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {}
}

/** A successful reply has a body; `#send` throws for the others. */
function got<T>(data: T | undefined): T {
  if (data === undefined) throw new Error('the reply has no body')
  return data
}

/** The pieces of a body. Leaving the loop ends the request, which tells the service to stop answering. */
async function* chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel()
  }
}
