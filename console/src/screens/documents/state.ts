/** What a document's dates mean today. */

import type { Schemas } from '$lib/api';

type Dates = Pick<Schemas['SummaryBody'], 'valid_from' | 'valid_until' | 'review_by'>;

/** `expired` and `early` (not valid yet) keep it out of answers; `due` asks a person to check it. */
export function validity({ valid_from, valid_until, review_by }: Dates, now = Date.now()): 'expired' | 'early' | 'due' | 'valid' {
  const isPast = (at: string | null | undefined): boolean => Boolean(at) && Date.parse(at!) <= now;
  if (isPast(valid_until)) return 'expired';
  if (valid_from && !isPast(valid_from)) return 'early';
  return isPast(review_by) ? 'due' : 'valid';
}

/** A link that may be followed: what a document names is not trusted to be one. */
export function link(uri: string | null | undefined): string | undefined {
  return uri && /^(https?|mailto|tel):/i.test(uri) ? uri : undefined;
}

/** The folders that an id is in, from the outermost. */
export function foldersOf(id: string): { name: string; prefix: string }[] {
  const names = id.split('/').slice(0, -1);
  return names.map((name, n) => ({ name, prefix: `${names.slice(0, n + 1).join('/')}/` }));
}
