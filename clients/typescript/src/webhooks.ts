/** How old or how far ahead a timestamp may be, in seconds: the five minutes of the libraries of Standard Webhooks. */
export const TOLERANCE_S = 300

/** A request that cannot be accepted as one of Ken's. Reply with status 400. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError'
}

/** Headers as `fetch` or Node have them. */
export type WebhookHeaders = Headers | Record<string, string | string[] | undefined>

/** What Ken sends. */
export interface WebhookBody {
  type: string
  /** RFC 3339. */
  timestamp: string
  data: Record<string, unknown>
}

/**
 * Returns the parsed body of a webhook or a callback if one of the secrets signed it (Standard Webhooks 1.0).
 *
 * `body` is the body as it was received, before any parsing. Several secrets are accepted while one is replaced. `now` is
 * the time in seconds since 1970. The same `webhook-id` can arrive again: store it, and ignore a request whose id is
 * stored.
 *
 * @throws {WebhookError} A header is missing, the time is outside the tolerance, or no signature matches.
 */
export async function verifyWebhook(
  secrets: string | readonly string[],
  headers: WebhookHeaders,
  body: string | Uint8Array,
  { toleranceS = TOLERANCE_S, now = Date.now() / 1000 } = {},
): Promise<WebhookBody> {
  const id = header(headers, 'webhook-id')
  const timestamp = header(headers, 'webhook-timestamp')
  const signatures = header(headers, 'webhook-signature')
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError(`webhook-timestamp is no time in seconds: ${timestamp}`)
  const age = now - Number(timestamp)
  if (Math.abs(age) > toleranceS) {
    throw new WebhookError(`webhook-timestamp is ${Math.abs(age).toFixed(0)} s in the ${age > 0 ? 'past' : 'future'}`)
  }
  const raw = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const start = new TextEncoder().encode(`${id}.${timestamp}.`)
  const signed = new Uint8Array(start.length + raw.length)
  signed.set(start)
  signed.set(raw, start.length)
  let matches = false
  for (const secret of typeof secrets === 'string' ? [secrets] : secrets) {
    const key = await keyOf(secret)
    for (const part of signatures.split(' ')) {
      const signature = part.startsWith('v1,') ? decoded(part.slice(3)) : undefined
      // `verify` compares in constant time.
      if (signature && (await crypto.subtle.verify('HMAC', key, signature, signed))) matches = true
    }
  }
  if (!matches) throw new WebhookError('no signature matches')
  return parsed(raw)
}

function header(headers: WebhookHeaders, name: string): string {
  let value: string | string[] | null | undefined
  if (headers instanceof Headers) {
    value = headers.get(name)
  } else {
    value = Object.entries(headers).find(([other]) => other.toLowerCase() === name)?.[1]
  }
  if (Array.isArray(value)) value = value[0]
  if (value === undefined || value === null) throw new WebhookError(`missing header ${name}`)
  return value
}

function parsed(raw: Uint8Array): WebhookBody {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw))
  } catch (error) {
    throw new WebhookError(`the body is not JSON: ${String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WebhookError('the body is not a JSON object')
  }
  return value as WebhookBody
}

/** The key of a secret, `whsec_` and base64. An empty key would accept forgeries. */
async function keyOf(secret: string): Promise<CryptoKey> {
  const key = decoded(secret.replace(/^whsec_/, ''))
  if (!key || key.length < 24 || key.length > 64) {
    throw new WebhookError('expected a secret of whsec_ and 24 to 64 bytes in base64')
  }
  return crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
}

/** Bytes of base64; `undefined` if the text is none. */
function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
