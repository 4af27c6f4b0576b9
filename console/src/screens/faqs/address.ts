/** Where FAQs are in the console. */

import { path } from '$lib/router.svelte';

/** FAQs with these ids have an address of their own: the page of that name is another. */
const RESERVED = ['new', 'import'];

/** Where an FAQ is edited. */
export function addressOf(id: string, query: Record<string, string> = {}): string {
  return path(['faqs', id], { ...query, ...(RESERVED.includes(id) && { id: '1' }) });
}
