// Verifies requests with the library of Standard Webhooks. Reads one JSON object on each line of the standard input:
// `secret`, `headers`, `body`. Prints `verified N`; ends with an error at the first request that is not as expected.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline/promises'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'

let n = 0
for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line)
  const webhook = new Webhook(secret)
  assert.deepEqual(webhook.verify(body, headers), JSON.parse(body))
  const changed = () => webhook.verify(body.replace(/}$/, ' }'), headers)
  assert.throws(changed, WebhookVerificationError)
  n += 1
}
console.log(`verified ${n}`)
