import type { Schemas } from '$lib/api';
import { path } from '$lib/router.svelte';

export type Draft = Schemas['RankedDraft'];
export type DraftDetails = Schemas['DraftDetails'];
export type DraftClass = Draft['class'];
export type DraftState = Schemas['DraftState'];
export type ClassFilter = DraftClass | 'all';

/** Classes of drafts, the most useful first. */
export const CLASSES: readonly DraftClass[] = ['new', 'variant', 'update', 'contradiction', 'negative', 'gap', 'known'];
export const STATES: readonly DraftState[] = ['open', 'approved', 'published', 'rejected', 'merged'];

/** The document that a draft is about; undefined if it is about none. */
export function documentOf(draft: Draft): string | undefined {
  return 'document_id' in draft ? draft.document_id : undefined;
}

/** Where a document is edited. */
export function editorOf(document: { id: string; kind?: string }): string {
  return path([document.kind === 'faq' ? 'faqs' : 'documents', document.id]);
}
