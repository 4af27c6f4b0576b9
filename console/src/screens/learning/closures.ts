/** Gaps that need nothing more: closed by hand, and opened again. */

import type { QueryClient } from '@tanstack/svelte-query';
import { failure, headers, type Schemas } from '$lib/api';
import { t } from '$lib/i18n.svelte';
import { session } from '$lib/session.svelte';
import { toasts } from '$lib/toasts.svelte';

export type Gap = Schemas['Gap'] & { filled_by?: { document_id: string; title: string } | null };
export type ClosingReason = 'filled' | 'out_of_scope';
export interface Closure {
  id: string;
  question: string;
  reason: ClosingReason;
  closed_at: string;
  closed_by: string;
}

async function call<T>(method: string, url: string, options: { body?: object; signal?: AbortSignal } = {}): Promise<T> {
  const { body, signal } = options;
  const response = await fetch(url, {
    method,
    headers: { ...headers(), ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const value: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw failure(response.status, value);
  return value as T;
}

export async function closures(signal: AbortSignal): Promise<Closure[]> {
  return (await call<{ closures: Closure[] }>('GET', '/v1/gap-closures', { signal })).closures;
}

/** Closes a gap and says so, with a way back. */
export async function closeGap(question: string, reason: ClosingReason, client: QueryClient): Promise<void> {
  const { id } = await call<Closure>('POST', '/v1/gaps:close', { body: { question, reason } });
  changed(client);
  toasts.add(t('learning:closing.closed', { question }), {
    action: {
      text: t('learning:closing.undo'),
      run: () => {
        reopen(id, client).catch(() => toasts.add(t('learning:closing.notReopened'), { tone: 'bad' }));
      },
    },
  });
}

/** Lists a gap again. */
export async function reopen(id: string, client: QueryClient): Promise<void> {
  await call('DELETE', `/v1/gap-closures/${encodeURIComponent(id)}`);
  changed(client);
  toasts.add(t('learning:closing.reopened'));
}

function changed(client: QueryClient): void {
  for (const key of ['gaps', 'gap-closures']) void client.invalidateQueries({ queryKey: [key, session.workspace] });
}
