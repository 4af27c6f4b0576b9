/** FAQs as the API has them: what the grid, the editor and the import share. */

import { headers, failure, type Schemas } from '$lib/api';
import { t } from '$lib/i18n.svelte';

export type Faq = Schemas['Faq'];
/** An FAQ in a list. */
export type ListedFaq = Faq & { id?: string; version?: number; updated_at?: string };

export const STATUSES = ['published', 'draft', 'archived'] as const;

/** The fields of an FAQ, by the names of the API. */
export const FIELDS = [
  'id', 'question', 'answer', 'answers', 'variants', 'negatives', 'tags', 'audience', 'channels', 'language', 'uri', 'valid_from',
  'valid_until', 'review_by', 'status', 'related', 'parent', 'rank',
] as const;
export type FieldName = (typeof FIELDS)[number];

/** A field's name for people, also of `answer[channel=line]`; a name that is none as it is. */
export function fieldName(name: string): string {
  const [base, scope] = /^answer\[(.*)\]$/.exec(name) ?? [];
  if (base) return t('faqs:answerFor', { readers: scope ?? '' });
  return isField(name) ? t(`faqs:fields.${name}`) : name;
}

function isField(name: string): name is FieldName {
  return FIELDS.includes(name as FieldName);
}

/** The answers of an FAQ: one for everybody, or several for some each. */
export function answersOf(faq: Faq): Schemas['FaqAnswer'][] {
  return faq.answers?.length ? faq.answers : [{ text: faq.answer ?? '', audience: [], channels: [], language: null }];
}

/** What `PUT` takes of a read FAQ: its fields without what only a reply has. */
export function fieldsOf(faq: Schemas['FaqResponse']): Faq {
  const { version: _version, follow_ups: _followUps, revision: _revision, ...fields } = faq;
  return fields;
}

/** Lines of a text without blank ones, each once. */
export function lines(text: string): string[] {
  return [...new Set(text.split('\n').map((line) => line.trim()).filter(Boolean))];
}

/** Dry run of an import of these FAQs: whether a wording belongs to another FAQ already, and what that one answers. */
export async function collisions(faq: Faq, signal: AbortSignal): Promise<Schemas['ImportRow'][]> {
  const response = await fetch('/v1/faqs:import?dry_run=true&name=faq.json', {
    method: 'POST',
    headers: { ...headers(), 'Content-Type': 'application/json' },
    body: JSON.stringify([faq]),
    signal,
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw failure(response.status, body);
  return (body as Schemas['ImportReport']).rows.filter((row) => row.effect === 'duplicate' || row.effect === 'conflicting');
}
