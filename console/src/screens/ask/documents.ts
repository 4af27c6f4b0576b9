/** The documents behind an answer. */

import { api, data, type Schemas } from '$lib/api';
import { path } from '$lib/router.svelte';
import type { Passage } from './types';

/** A version of a document as a query: versions do not change. */
export function documentQuery(workspace: string, id: string, version: number) {
  return {
    queryKey: ['document', workspace, id, version],
    queryFn: ({ signal }: { signal: AbortSignal }) => data(api.GET('/v1/documents/{id}', { params: { path: { id }, query: { version } }, signal })),
  };
}

/** Where a passage is edited: in its FAQ, or at its place in its document. Before it is saved, the question is asked again. */
export function editAddress(kind: Schemas['DocumentKind'], { id, version, start, end }: Passage, question: string): string {
  return kind === 'faq' ? path(['faqs', id], { question }) : path(['documents', id], { version, at: `${start}-${end}`, question });
}
