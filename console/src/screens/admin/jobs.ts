/** What jobs are doing. */

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

const baseOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
const endingOf = (name: string): string => /\.[^.]*$/.exec(baseOf(name))?.[0].toLowerCase() ?? '';

/** The name under which a corrected file replaces one of those that failed; its own if it belongs to none of them. */
export function correctedName(chosen: string, failed: readonly string[]): string {
  const same = failed.find((name) => baseOf(name) === baseOf(chosen));
  if (same !== undefined) return same;
  const [only] = failed;
  if (only === undefined || failed.length > 1) return chosen;
  if (endingOf(only) === endingOf(chosen)) return only;
  // Saved in another format, it stays in the folder.
  return only.slice(0, only.length - baseOf(only).length) + baseOf(chosen);
}
