/** The imports and bulk changes so far, the newest first. */

import { api, data } from '$lib/api';

export function importsQuery(workspace: string) {
  return {
    queryKey: ['imports', workspace],
    queryFn: ({ signal, pageParam }: { signal: AbortSignal; pageParam: string | undefined }) =>
      data(api.GET('/v1/imports', { params: { query: { after: pageParam, limit: 20 } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: { next?: string | null }) => page.next ?? undefined,
  };
}
