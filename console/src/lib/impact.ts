/** What a change does to answers, as a preview reports it, and as the service refuses a change with it. */

import { ApiError, type Problem, type Schemas } from './api';

/** Why a question was asked: it is judged, was asked lately, is a wording of an FAQ that is written, or was given along. */
export type Origin = 'judged' | 'logged' | 'own' | 'asked';
/** What a judged question demands of its answer. */
export type Expectation = 'outcome' | 'document_id' | 'contains';
export type Altered = Schemas['AlteredAnswer'] & { origin?: Origin; expected?: Expectation[] };
export type ImpactReport = Schemas['Impact'] & { n_own?: number; n_asked?: number };

/** The judged questions that a refused change would break; undefined if it was refused for another reason. */
export function brokenOf(error: unknown): Altered[] | undefined {
  if (!(error instanceof ApiError) || error.type !== 'breaks-judged-questions') return undefined;
  const { broken } = error.problem as Problem & { broken?: Altered[] };
  return broken?.length ? broken : undefined;
}

/** How many questions were tried. */
export function nTried(impact: ImpactReport): number {
  return impact.n_judged + impact.n_logged + (impact.n_own ?? 0) + (impact.n_asked ?? 0);
}

/** Where an answer's question comes from. */
export function originOf(one: Altered): Origin {
  return one.origin ?? (one.id ? 'judged' : 'logged');
}
