/** What a change does to answers, as a preview reports it, and as the service refuses a change with it. */

import { ApiError, type Schemas } from './api';

/** The judged questions that a refused change would break; undefined if it was refused for another reason. */
export function brokenOf(error: unknown): Schemas['AlteredAnswer'][] | undefined {
  if (!(error instanceof ApiError) || error.type !== 'breaks-judged-questions') return undefined;
  const broken = error.problem?.broken;
  return broken?.length ? broken : undefined;
}

/** How many questions were tried. */
export function nTried(impact: Schemas['Impact']): number {
  return impact.n_judged + impact.n_logged + impact.n_own + impact.n_asked;
}
