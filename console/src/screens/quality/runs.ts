/** Runs of the judged questions. */

import { api, data, type Schemas } from '$lib/api';

export type Run = Schemas['JudgedRunBody'];
export type Row = Schemas['JudgedRow'];

/** Fewer judged questions than this say little about a level: the guide to calibration asks for some dozens. */
export const FEW = 30;

export function newestRuns(workspace: string, limit = 20) {
  return {
    queryKey: ['judged-runs', workspace, limit],
    queryFn: ({ signal }: { signal: AbortSignal }) => data(api.GET('/v1/judged-runs', { params: { query: { limit } }, signal })),
  };
}

export function runQuery(workspace: string, id: string | undefined) {
  return {
    queryKey: ['judged-run', workspace, id],
    queryFn: ({ signal }: { signal: AbortSignal }) => data(api.GET('/v1/judged-runs/{id}', { params: { path: { id: id! } }, signal })),
    enabled: id !== undefined,
  };
}

/** Which rows of a run are shown. */
export const FILTERS = ['all', 'broken', 'newlyBroken', 'newlyMet', 'wrong', 'refused', 'falselyAnswered', 'nearMiss', 'foreign'] as const;
export type Filter = (typeof FILTERS)[number];

export function filtered(rows: readonly Row[], totals: Schemas['RunTotals'] | null | undefined, filter: Filter): Row[] {
  const keeps: Record<Filter, (row: Row) => boolean> = {
    all: () => true,
    broken: (row) => !row.met,
    newlyBroken: (row) => totals?.newly_broken.includes(row.expected.id) ?? false,
    newlyMet: (row) => totals?.newly_met.includes(row.expected.id) ?? false,
    wrong: (row) => row.judgement === 'wrong',
    refused: (row) => row.judgement === 'refused',
    falselyAnswered: (row) => row.judgement === 'falsely_answered',
    nearMiss: (row) => row.expected.kind === 'near_miss',
    foreign: (row) => row.expected.kind === 'foreign',
  };
  return rows.filter(keeps[filter]);
}
