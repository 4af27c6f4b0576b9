/** The figures of a period and of the one before it. */

import { api, data, type Schemas } from '$lib/api';

export type Counts = Schemas['AnswerCounts'];

/** How many days a period may have. */
export const PERIODS = [7, 30, 90] as const;
const DEFAULT = 30;
const DAY_MS = 86_400_000;

export interface Period {
  /** Begin and end, exclusive, as the lists behind the figures take them. */
  from: string;
  to: string;
  total: Counts;
  /** The counts of the period before, up to the same time of its last day. */
  before: Counts;
  /** Each day of the period (UTC), and its counts; days without a question have none. */
  days: string[];
  byDay: Record<string, Counts>;
}

/** The period of an address, in days. */
export function periodOf(text: string): number {
  return PERIODS.find((days) => String(days) === text) ?? DEFAULT;
}

export async function loadPeriod(nDays: number, signal: AbortSignal, now = Date.now()): Promise<Period> {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const from = today - (nDays - 1) * DAY_MS;
  const earlier = (at: number): string => new Date(at - nDays * DAY_MS).toISOString();
  const [summary, before] = await Promise.all([
    data(api.GET('/v1/insights/summary', { params: { query: { from: new Date(from).toISOString(), by: 'day' } }, signal })),
    data(api.GET('/v1/insights/summary', { params: { query: { from: earlier(from), to: earlier(now) } }, signal })),
  ]);
  const days = Array.from({ length: nDays }, (_, n) => dayOf(from + n * DAY_MS));
  return { from: summary.from, to: summary.to, total: summary.total, before: before.total, days, byDay: summary.groups };
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** Begin and end of a day (UTC), as the lists take them. */
export function boundsOf(day: string): { from: string; to: string } {
  const from = Date.parse(`${day}T00:00:00Z`);
  return { from: new Date(from).toISOString(), to: new Date(from + DAY_MS).toISOString() };
}
