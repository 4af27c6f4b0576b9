import type { components } from './schema.js'

/** One invalid value: `pointer` is a JSON pointer into the body (RFC 6901), or a query parameter as `?name`. */
export type Fault = components['schemas']['Fault']

/** The body of an error (RFC 9457). */
export type ProblemBody = components['schemas']['Problem']

/**
 * A reply that is not a success. The service describes it as RFC 9457 says; of a proxy's reply only the status is known.
 * Branch on `type`, which is stable. A refused question is no problem: it is an answer with an outcome.
 */
export class KenProblem extends Error {
  override readonly name = 'KenProblem'
  /** The HTTP status. Of a problem within a stream it is what the service would have replied with. */
  readonly status: number
  /** As `/problems/invalid-value`; `about:blank` if the reply is not a problem. */
  readonly type: string
  readonly title: string
  /** The cause and the remedy. */
  readonly detail: string | undefined
  readonly faults: readonly Fault[]
  /** The service's log has the same. */
  readonly requestId: string | undefined
  /** Seconds until the request may be sent again. */
  readonly retryAfter: number | undefined
  /** The whole problem: some have more, as `current` and `broken`. */
  readonly body: Partial<ProblemBody>

  constructor(status: number, body: Partial<ProblemBody>, title = '', retryAfter?: number) {
    const faults = body.errors ?? []
    const parts = [
      `${status} ${body.title ?? title}`,
      body.detail,
      faults.map((fault) => `${fault.pointer}: ${fault.detail}`).join('; '),
    ]
    super(parts.filter(Boolean).join(': '))
    this.status = status
    this.body = body
    this.type = body.type ?? 'about:blank'
    this.title = body.title ?? title
    this.detail = body.detail ?? undefined
    this.faults = faults
    this.requestId = body.request_id ?? undefined
    this.retryAfter = retryAfter
  }
}

/** The problem of a reply. It reads the body. */
export async function problemOf(response: Response): Promise<KenProblem> {
  const text = await response.text()
  let body: Partial<ProblemBody> = {}
  if (response.headers.get('content-type')?.includes('problem+json')) {
    try {
      body = JSON.parse(text) as ProblemBody
    } catch {
      // A body that was cut off: the status remains.
    }
  }
  return new KenProblem(response.status, body, response.statusText, retryAfterOf(response))
}

/** The header `Retry-After` in seconds from now, at least 0: RFC 9110 allows seconds or a date. */
function retryAfterOf(response: Response): number | undefined {
  const value = response.headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (/^\d+$/.test(value)) return Number(value)
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, (at - Date.now()) / 1000)
}
