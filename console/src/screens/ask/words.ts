/** Values of an answer in words. */

import type { Schemas } from '$lib/api';
import { percent, t, type Key } from '$lib/i18n.svelte';
import type { Outcome } from './types';

type Tone = 'good' | 'info' | 'warn' | 'accent';
const TONES: Record<Outcome, Tone> = { answered: 'good', clarify: 'info', refused: 'warn', handoff: 'accent' };

export function tone(outcome: Outcome): Tone {
  return TONES[outcome];
}

/** How sure an answer is, by the least confidence of the levels (docs/concepts/answers.md). */
export function sureness(confidence: number): Key {
  if (confidence >= 0.9) return 'ask:sure.very';
  if (confidence >= 0.75) return 'ask:sure.yes';
  if (confidence >= 0.5) return 'ask:sure.fairly';
  if (confidence >= 0.35) return 'ask:sure.hardly';
  return 'ask:sure.no';
}

/** What the reader says of a passage, by its logit: above 0 it answers, below -3 it does not (docs/concepts/answers.md). */
export function verdict(reading: number): Key {
  if (reading > 0) return 'ask:reading.answers';
  return reading < -3 ? 'ask:reading.doesNot' : 'ask:reading.perhaps';
}

/** Why a sentence was not sent. */
export function faultOf(fault: Schemas['SentenceFault']): string {
  const detail = !('detail' in fault) ? '' : typeof fault.detail === 'number' ? percent(fault.detail) : fault.detail;
  return t(`ask:fault.${fault.why}`, { detail });
}

const FEATURES = [
  'coverage_first', 'coverage_most', 'similarity_first', 'similarity_most', 'proximity', 'margin_fifth', 'margin_last', 'agreement',
  'first_by_words', 'in_sentence', 'in_first', 'in_three', 'characters_in_sentence', 'characters_in_chunk', 'in_expected',
  'in_expected_of_first', 'names_missing_in_first', 'names_missing_in_sentence', 'figures_missing_in_first',
  'figures_missing_in_sentence', 'denial', 'qualifiers_missing', 'another_named',
] as const;

/** A figure of the decision in words; its own name if the service has one that this console does not know. */
export function featureOf(name: string): string {
  const known = FEATURES.find((feature) => feature === name);
  return known ? t(`ask:feature.${known}`) : name;
}
