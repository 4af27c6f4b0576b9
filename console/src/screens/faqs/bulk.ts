/** What a bulk change sets, as it is filled in. */

import type { Schemas } from '$lib/api';
import { names, toInstant } from '../documents/form';

/** A value that stays as it is, is removed, or is set. */
export type Keep = 'keep' | 'remove' | 'set';

/** The times that can be set, by the names of the API. */
export const TIMES = ['valid_from', 'valid_until', 'review_by'] as const;

export interface BulkForm {
  /** '' leaves it as it is. */
  status: Schemas['DocumentStatus'] | '';
  tagsAdd: string;
  tagsRemove: string;
  audience: Keep;
  audienceNames: string;
  times: Record<(typeof TIMES)[number], { keep: Keep; at: string }>;
}

export function emptyBulk(): BulkForm {
  const time = (): { keep: Keep; at: string } => ({ keep: 'keep', at: '' });
  return { status: '', tagsAdd: '', tagsRemove: '', audience: 'keep', audienceNames: '', times: { valid_from: time(), valid_until: time(), review_by: time() } };
}

export function setOf(form: BulkForm): Schemas['BulkSet'] {
  const set: Schemas['BulkSet'] = {};
  const [add, remove] = [names(form.tagsAdd), names(form.tagsRemove)];
  if (form.status) set.status = form.status;
  if (add.length) set.tags_add = add;
  if (remove.length) set.tags_remove = remove;
  if (form.audience === 'remove') set.audience = [];
  else if (form.audience === 'set' && names(form.audienceNames).length) set.audience = names(form.audienceNames);
  for (const name of TIMES) {
    const { keep, at } = form.times[name];
    if (keep === 'remove') set[name] = null;
    else if (keep === 'set' && at) set[name] = toInstant(at);
  }
  return set;
}
