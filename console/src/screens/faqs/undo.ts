/** Undoing an import or a bulk change. */

import type { QueryClient } from '@tanstack/svelte-query';
import { api, data, type Schemas } from '$lib/api';
import { t } from '$lib/i18n.svelte';
import { path } from '$lib/router.svelte';
import { session } from '$lib/session.svelte';
import { toasts, type Toast } from '$lib/toasts.svelte';

/** Undoes it and says so. A job may do it later. */
export async function undo(id: string, client: QueryClient, options: Schemas['UndoRequest'] = {}): Promise<void> {
  const reply = await data(api.POST('/v1/imports/{id}', { params: { path: { id: `${id}:undo` } }, body: options }));
  if ('report' in reply) toasts.add(t('faqs:undoneInJob'), { href: path(['documents'], { job: reply.id }) });
  else toasts.add(t('faqs:undone', { restored: reply.n_restored, deleted: reply.n_deleted }));
  for (const key of ['faqs', 'faq', 'imports', 'documents']) void client.invalidateQueries({ queryKey: [key, session.workspace] });
}

/** The button of a message about a change. Where it cannot be undone just so, the list of imports says why. */
export function undoAction(id: string, client: QueryClient): NonNullable<Toast['action']> {
  return {
    text: t('faqs:undo'),
    run: () => {
      undo(id, client).catch(() => toasts.add(t('faqs:notUndone'), { tone: 'bad', href: path(['faqs', 'import'], { undo: id }) }));
    },
  };
}
