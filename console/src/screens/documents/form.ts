/** A document's fields as an editor types them, and as the API takes them. */

import type { Schemas } from '$lib/api';
import type { Source } from './source';

export interface DocumentForm {
  id: string;
  title: string;
  text: string;
  format: Schemas['TextFormat'];
  status: Schemas['DocumentStatus'];
  language: string;
  /** Names between commas. */
  audience: string;
  channels: string;
  tags: string;
  related: string;
  uri: string;
  rank: number;
  /** Local times, as `<input type="datetime-local">` has them; '' for none. */
  validFrom: string;
  validUntil: string;
  reviewBy: string;
  publishAt: string;
}

export function emptyForm(): DocumentForm {
  return {
    id: '', title: '', text: '', format: 'markdown', status: 'published', language: '', audience: '', channels: '', tags: '', related: '',
    uri: '', rank: 0, validFrom: '', validUntil: '', reviewBy: '', publishAt: '',
  };
}

export function formOf(document: Schemas['DocumentResponse'], source: Source): DocumentForm {
  return {
    ...emptyForm(),
    id: document.id,
    title: document.title,
    text: source.text,
    format: source.format,
    status: document.status,
    language: document.language ?? '',
    audience: document.audience.join(', '),
    channels: document.channels.join(', '),
    tags: document.tags.join(', '),
    related: document.related.join(', '),
    uri: document.uri ?? '',
    rank: document.rank,
    validFrom: toLocal(document.valid_from),
    validUntil: toLocal(document.valid_until),
    reviewBy: toLocal(document.review_by),
  };
}

export function requestOf(form: DocumentForm): Schemas['DocumentRequest'] {
  return {
    text: form.text,
    format: form.format,
    status: form.status,
    rank: form.rank,
    ...(form.title.trim() && { title: form.title.trim() }),
    language: form.language.trim() || null,
    audience: names(form.audience),
    channels: names(form.channels),
    tags: names(form.tags),
    related: names(form.related),
    uri: form.uri.trim() || null,
    valid_from: toInstant(form.validFrom),
    valid_until: toInstant(form.validUntil),
    review_by: toInstant(form.reviewBy),
    publish_at: toInstant(form.publishAt),
  };
}

/** Two forms as texts to compare: the fields that differ, each on a line, and the text. `name` is what a field is called. */
export function compared(one: DocumentForm, other: DocumentForm, name: (field: keyof DocumentForm) => string): [string, string] {
  const fields = (Object.keys(one) as (keyof DocumentForm)[]).filter((field) => field !== 'text' && one[field] !== other[field]);
  const asText = (form: DocumentForm): string => [...fields.map((field) => `${name(field)}: ${form[field]}\n`), form.text].join('\n');
  return [asText(one), asText(other)];
}

/** Names between commas, ASCII or Chinese. */
export function names(text: string): string[] {
  return [...new Set(text.split(/[,，、]/).map((name) => name.trim()).filter(Boolean))];
}

/** A point in time as local time for an input, to the minute. */
export function toLocal(at: string | null | undefined): string {
  if (!at) return '';
  const time = new Date(at);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function toInstant(local: string): string | null {
  return local ? new Date(local).toISOString() : null;
}
