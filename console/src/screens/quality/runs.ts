/** Runs of the judged questions. */

import { api, data, type Schemas } from '$lib/api';

export type Run = Schemas['JudgedRunBody'];
export type Row = Schemas['JudgedRow'];

/** In an address: only questions without a reason, for which the service takes the empty one. */
export const NO_REASON = 'none';

/** Fewer judged questions than this say little about a level: the guide to calibration asks for some dozens. */
export const FEW = 30;

export function newestRuns(workspace: string, limit = 20) {
  return {
    queryKey: ['judged-runs', workspace, limit],
    queryFn: ({ signal }: { signal: AbortSignal }) => data(api.GET('/v1/judged-runs', { params: { query: { limit } }, signal })),
  };
}

/** Whether a run is still under way. */
export const isActive = (run: Run): boolean => ['filling', 'queued', 'running'].includes(run.state);

/** How often a run that is under way is read again. */
export const EVERY_MS = 1_000;

export function runQuery(workspace: string, id: string | undefined) {
  return {
    queryKey: ['judged-run', workspace, id],
    queryFn: ({ signal }: { signal: AbortSignal }) => data(api.GET('/v1/judged-runs/{id}', { params: { path: { id: id! } }, signal })),
    enabled: id !== undefined,
    refetchInterval: ({ state }: { state: { data?: Schemas['JudgedRunResponse'] | undefined } }) => (state.data && isActive(state.data.run) ? EVERY_MS : false),
  };
}

export const LEVELS = ['very_strict', 'strict', 'balanced', 'lenient', 'very_lenient'] as const satisfies readonly Schemas['Level'][];
export type Level = (typeof LEVELS)[number];

/** What the answer is at a level; at that of the run without one. */
export function judgementAt(row: Row, level?: Level): Schemas['Judgement'] | undefined {
  return (level ? row.by_level.find((one) => one.level === level)?.judgement : row.judgement) ?? undefined;
}

/** Neighbouring levels at which an answer is the same. */
export function spansOf(row: Row): { from: Schemas['Level']; to: Schemas['Level']; judgement: Schemas['Judgement'] }[] {
  const spans: ReturnType<typeof spansOf> = [];
  for (const { level, judgement } of row.by_level) {
    const last = spans.at(-1);
    if (last?.judgement === judgement) last.to = level;
    else spans.push({ from: level, to: level, judgement });
  }
  return spans;
}

/** Which rows of a run are shown. */
export const FILTERS = [
  'all', 'broken', 'newlyBroken', 'newlyMet', 'right', 'wrong', 'refused', 'rightlyRefused', 'falselyAnswered', 'nearMiss', 'nearMissAnswered', 'foreign', 'foreignAnswered',
] as const;
export type Filter = (typeof FILTERS)[number];

export function filtered(rows: readonly Row[], totals: Schemas['RunTotals'] | null | undefined, filter: Filter, level?: Level): Row[] {
  const is = (judgement: Schemas['Judgement']) => (row: Row) => judgementAt(row, level) === judgement;
  const keeps: Record<Filter, (row: Row) => boolean> = {
    all: () => true,
    broken: (row) => !row.met,
    newlyBroken: (row) => totals?.newly_broken.includes(row.expected.id) ?? false,
    newlyMet: (row) => totals?.newly_met.includes(row.expected.id) ?? false,
    right: is('right'),
    wrong: is('wrong'),
    refused: is('refused'),
    rightlyRefused: is('rightly_refused'),
    falselyAnswered: is('falsely_answered'),
    nearMiss: (row) => row.expected.kind === 'near_miss',
    nearMissAnswered: (row) => row.expected.kind === 'near_miss' && is('falsely_answered')(row),
    foreign: (row) => row.expected.kind === 'foreign',
    foreignAnswered: (row) => row.expected.kind === 'foreign' && is('falsely_answered')(row),
  };
  return rows.filter(keeps[filter]);
}
