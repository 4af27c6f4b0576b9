/** Decisions about drafts. */

import type { QueryClient } from '@tanstack/svelte-query';
import { ApiError, api, data, type Schemas } from '$lib/api';
import { session } from '$lib/session.svelte';
import type { Draft } from './types';

const NAME_KEPT_AS = 'ken.reviewer';

/** Without keys the service does not know who reviews; the person says it once a browser. */
export const reviewer = {
  get isAsked(): boolean {
    return session.info?.needs_sign_in === false;
  },
  get name(): string {
    return localStorage.getItem(NAME_KEPT_AS) ?? '';
  },
  set name(name: string) {
    localStorage.setItem(NAME_KEPT_AS, name.trim());
  },
};

/** Decides about a draft; the reply is the draft after it. */
export function decide(
  id: string,
  action: 'approve' | 'edit' | 'reject' | 'merge',
  request: Schemas['DraftActionRequest'],
): Promise<Schemas['ReviewedDraft']> {
  const name = reviewer.isAsked ? reviewer.name : '';
  const body = { ...request, ...(name && { reviewer: name }) };
  return data(api.POST('/v1/drafts/{id}', { params: { path: { id: `${id}:${action}` } }, body }));
}

/** What a decision may have changed is read again. */
export async function decided(client: QueryClient): Promise<void> {
  const names = ['draft', 'drafts', 'gaps', 'reviews', 'document', 'documents', 'faq', 'faqs'];
  await Promise.all(names.map((name) => client.invalidateQueries({ queryKey: [name] })));
}

/** The person who approved or edited a draft last: with the four-eyes rule, somebody else has to approve it. */
export function lastHand(draft: Pick<Draft, 'history'>): Schemas['DraftEvent'] | undefined {
  return [...draft.history].reverse().find((event) => event.action === 'approved' || event.action === 'edited');
}

/** Whether an approval was refused because the same person has approved or edited the draft. The problem is a plain
    conflict, so its words tell. */
export function isSameReviewer(error: unknown): boolean {
  return error instanceof ApiError && error.type === 'conflict' && /second reviewer/.test(error.problem?.detail ?? '');
}

/** Whether an approval can be repeated with `force`. */
export function mayBeForced(error: unknown): boolean {
  return error instanceof ApiError && (error.type === 'breaks-judged-questions' || error.type === 'wording-collides');
}

/** Closes the open reviews of a contradiction between two documents. */
export async function closeReviewsOf(first: string, second: string): Promise<void> {
  const { reviews } = await data(api.GET('/v1/reviews'));
  const between = reviews.filter((one) => one.kind === 'conflict' && one.document_ids.includes(first) && one.document_ids.includes(second));
  for (const { id } of between) await closeReview(id);
}

export async function closeReview(id: string): Promise<void> {
  try {
    await data(api.DELETE('/v1/reviews/{id}', { params: { path: { id } } }));
  } catch (error) {
    // Somebody else has closed it meanwhile.
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}
