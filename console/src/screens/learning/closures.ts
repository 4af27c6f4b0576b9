/** Gaps that need nothing more: closed by hand, and opened again. */

import type { QueryClient } from '@tanstack/svelte-query';
import { api, data, type Schemas } from '$lib/api';
import { t } from '$lib/i18n.svelte';
import { session } from '$lib/session.svelte';
import { toasts } from '$lib/toasts.svelte';

/** Closes a gap and says so, with a way back. */
export async function closeGap(question: string, reason: Schemas['GapClosing'], client: QueryClient): Promise<void> {
  const { id } = await data(api.POST('/v1/insights/gap-closures', { body: { question, reason } }));
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
  await data(api.DELETE('/v1/insights/gap-closures/{id}', { params: { path: { id } } }));
  changed(client);
  toasts.add(t('learning:closing.reopened'));
}

function changed(client: QueryClient): void {
  for (const key of ['gaps', 'gap-closures']) void client.invalidateQueries({ queryKey: [key, session.workspace] });
}
