/** What jobs are doing, and why they failed. */

import type { Schemas } from '$lib/api';

export const JOB_STATES = ['filling', 'queued', 'running', 'done', 'failed', 'cancelled'] as const satisfies Schemas['JobState'][];
export const JOB_KINDS = ['upload', 'change'] as const satisfies Schemas['JobKind'][];

/** Whether a job is not over yet: it can be cancelled, and its figures change. */
export function isActive(job: { state: string }): boolean {
  return job.state === 'filling' || job.state === 'queued' || job.state === 'running';
}

/** How a state looks. A job that is done although items failed needs a look as well. */
export function toneOf(job: { state: string; n_failed: number }): 'plain' | 'good' | 'warn' | 'bad' | 'info' {
  if (isActive(job)) return 'info';
  if (job.state === 'failed') return 'bad';
  if (job.state === 'cancelled') return 'plain';
  return job.n_failed > 0 ? 'warn' : 'good';
}

/** Kinds of failures with a remedy of their own, by what the service writes about an item. */
const REASONS = [
  ['judged', /would break \d+ judged question/],
  ['password', /password-protected/],
  ['scanned', /run OCR on it/],
  ['empty', /contains no text/],
  ['format', /unsupported format/],
  ['slow', /exceeded ingest\.(timeout_ms|memory_bytes)|the check exceeded/],
  ['large', /too large: |archives nested more than/],
  ['columns', /no question and answer columns/],
  ['setup', /support is not installed/],
  ['concurrent', /changed concurrently/],
  ['text', /front matter: |\bline \d+: |UTF-8|encoding/],
  ['damaged', /not a valid |crashed on this file|nested too deeply/],
] as const satisfies [string, RegExp][];

export type Reason = (typeof REASONS)[number][0];

/** Why an item failed; `undefined` if nothing more can be said than the service does. */
export function reasonOf(detail: string): Reason | undefined {
  return REASONS.find(([, pattern]) => pattern.test(detail))?.[0];
}
