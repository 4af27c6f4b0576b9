/** Why work on files failed, and what to do about it. The service gives its reasons as sentences. */

import { t } from './i18n.svelte';

/** Kinds of failures with a remedy of their own, by what the service writes about an item. */
const REASONS = [
  ['judged', /would break \d+ judged question/],
  ['password', /password-protected/],
  ['scanned', /run OCR on it/],
  ['empty', /contains no text/],
  ['format', /unsupported format|binary file, expected text/],
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

/** Failures that another try does not mend: the file itself has to change. */
const OF_FILE: readonly Reason[] = ['password', 'scanned', 'empty', 'format', 'large', 'columns', 'text', 'damaged'];

/** Whether work that failed so can only succeed with another file. */
export function needsNewFile(detail: string): boolean {
  const reason = reasonOf(detail);
  return reason !== undefined && OF_FILE.includes(reason);
}

/** What to do about a failure, in the reader's language; '' if nothing more can be said than the service does. */
export function whatToDo(detail: string): string {
  const reason = reasonOf(detail);
  return reason ? t(`upload:reasons.${reason}`) : '';
}
