/** An FAQ's fields as an editor types them, and as the API takes them. */

import type { Schemas } from '$lib/api';
import { names, toInstant, toLocal } from '../documents/form';
import { answersOf, fieldName, lines, type Faq } from './faq';

/** An answer, with names between commas. */
export interface AnswerForm {
  text: string;
  audience: string;
  channels: string;
  language: string;
}

export interface FaqForm {
  id: string;
  question: string;
  /** One a line. */
  variants: string;
  negatives: string;
  answers: AnswerForm[];
  /** Names between commas. */
  tags: string;
  audience: string;
  channels: string;
  language: string;
  status: Schemas['DocumentStatus'];
  /** Local times, as `<input type="datetime-local">` has them; '' for none. */
  validFrom: string;
  validUntil: string;
  reviewBy: string;
  rank: number;
  related: string;
  parent: string;
  uri: string;
}

export const emptyAnswer = (): AnswerForm => ({ text: '', audience: '', channels: '', language: '' });

/** A new FAQ with an id that no other has. */
export function emptyForm(): FaqForm {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return {
    id: `faq-${Array.from(random, (part) => part.toString(36)).join('').slice(0, 10)}`,
    question: '', variants: '', negatives: '', answers: [emptyAnswer()], tags: '', audience: '', channels: '', language: '', status: 'published',
    validFrom: '', validUntil: '', reviewBy: '', rank: 0, related: '', parent: '', uri: '',
  };
}

const list = (values: readonly string[] | undefined): string => (values ?? []).join(', ');

export function formOf(faq: Faq): FaqForm {
  return {
    id: faq.id ?? '',
    question: faq.question,
    variants: (faq.variants ?? []).join('\n'),
    negatives: (faq.negatives ?? []).join('\n'),
    answers: answersOf(faq).map((one) => ({ text: one.text, audience: list(one.audience), channels: list(one.channels), language: one.language ?? '' })),
    tags: list(faq.tags),
    audience: list(faq.audience),
    channels: list(faq.channels),
    language: faq.language ?? '',
    status: faq.status ?? 'published',
    validFrom: toLocal(faq.valid_from),
    validUntil: toLocal(faq.valid_until),
    reviewBy: toLocal(faq.review_by),
    rank: faq.rank ?? 0,
    related: list(faq.related),
    parent: faq.parent ?? '',
    uri: faq.uri ?? '',
  };
}

export function requestOf(form: FaqForm): Faq {
  const answers = form.answers.filter((one) => one.text.trim());
  const [first] = answers;
  const isForAll = answers.length <= 1 && !first?.audience.trim() && !first?.channels.trim() && !first?.language.trim();
  const wording = {
    id: form.id.trim(),
    question: form.question.trim(),
    variants: lines(form.variants),
    negatives: lines(form.negatives),
    tags: names(form.tags),
    audience: names(form.audience),
    channels: names(form.channels),
    language: form.language.trim() || null,
    status: form.status,
    valid_from: toInstant(form.validFrom),
    valid_until: toInstant(form.validUntil),
    review_by: toInstant(form.reviewBy),
    rank: Number(form.rank) || 0,
    related: names(form.related),
    parent: form.parent.trim() || null,
    uri: form.uri.trim() || null,
  };
  if (isForAll) return { ...wording, answer: first?.text.trim() ?? '' };
  return {
    ...wording,
    answers: answers.map((one) => ({ text: one.text.trim(), audience: names(one.audience), channels: names(one.channels), language: one.language.trim() || null })),
  };
}

/** All fields as a text, to compare two versions side by side. */
export function textOf(form: FaqForm): string {
  const request = requestOf(form);
  const answers = answersOf(request).map((one) => [[...(one.audience ?? []), ...(one.channels ?? []), one.language].filter(Boolean).join(', '), one.text].filter(Boolean).join('\n'));
  const values: [string, string][] = [
    ['question', request.question],
    ['answer', answers.join('\n\n')],
    ['variants', form.variants],
    ['negatives', form.negatives],
    ['tags', form.tags],
    ['audience', form.audience],
    ['channels', form.channels],
    ['language', form.language],
    ['status', form.status],
    ['valid_from', form.validFrom],
    ['valid_until', form.validUntil],
    ['review_by', form.reviewBy],
    ['rank', form.rank ? String(form.rank) : ''],
    ['related', form.related],
    ['parent', form.parent],
    ['uri', form.uri],
  ];
  return values.filter(([, value]) => value).map(([name, value]) => `${fieldName(name)}\n${value}`).join('\n\n');
}
