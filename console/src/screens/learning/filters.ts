/** The filters of the list of drafts, as the address has them. */

import { api, data } from '$lib/api';
import { path, route } from '$lib/router.svelte';
import { CLASSES, STATES, type ClassFilter, type DraftState } from './types';

/** The most drafts that the service lists. */
export const MOST_DRAFTS = 1_000;

export interface DraftFilter {
  state: DraftState;
  /** Undefined: for open drafts, those with new content; else all. */
  class: ClassFilter | undefined;
}

export function draftFilter(): DraftFilter {
  const state = route.query('state') as DraftState;
  const wanted = route.query('class') as ClassFilter;
  return {
    state: STATES.includes(state) ? state : 'open',
    class: wanted === 'all' || CLASSES.includes(wanted) ? wanted : undefined,
  };
}

const inAddress = ({ state, class: wanted }: DraftFilter) => ({ state: state === 'open' ? '' : state, class: wanted });

/** The address of the list with these filters. */
export function listAddress(filter: DraftFilter, at = ''): string {
  return path(['learning'], { tab: 'drafts', ...inAddress(filter), at });
}

/** The address of a draft within the list with these filters. */
export function draftAddress(id: string, filter?: DraftFilter, values: Record<string, string> = {}): string {
  return path(['learning', 'drafts', id], { ...(filter && inAddress(filter)), ...values });
}

/** The query of the list. It is one page: the service ranks the drafts and has no key to go on from. */
export function draftsQuery(workspace: string, filter: DraftFilter) {
  return {
    queryKey: ['drafts', workspace, filter.state, filter.class ?? ''],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      data(api.GET('/v1/drafts', { params: { query: { state: filter.state, class: filter.class, limit: MOST_DRAFTS } }, signal })),
    initialPageParam: null,
    getNextPageParam: () => undefined,
  };
}
