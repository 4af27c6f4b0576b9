/** The import of a sheet of FAQs: its call, and what a column can be taken for. */

import { failure, headers, type Schemas } from '$lib/api';
import { FIELDS, type Faq } from './faq';

/** Columns and what each is taken for; null ignores one. A column that is not named is recognised by the service. */
export type Mapping = Record<string, string | null>;

export interface ImportOptions {
  dryRun: boolean;
  partial: boolean;
  force: boolean;
  mapping: Mapping;
  signal?: AbortSignal;
}

export type ImportReply = Schemas['ImportReport'] | Schemas['ImportJobResponse'];

/** What the service reads, as file names end. */
export const ENDINGS = '.csv,.tsv,.xlsx,.ods,.json,.jsonl';

/** Fields of a column. Answers for some each are `answer[…]`. */
export const COLUMN_FIELDS = FIELDS.filter((field) => field !== 'answers');

/** A file that stays readable whatever becomes of the one on the disk: the browser refuses one that was saved again. */
export async function inMemory(file: File): Promise<File> {
  return new File([await file.arrayBuffer()], file.name, { type: file.type });
}

export async function importFile(file: File, { dryRun, partial, force, mapping, signal }: ImportOptions): Promise<ImportReply> {
  const form = new FormData();
  if (Object.keys(mapping).length) form.append('columns', JSON.stringify(mapping));
  form.append('file', file, file.name);
  const query = new URLSearchParams({ dry_run: String(dryRun), partial: String(partial), force: String(force) });
  let response: Response;
  try {
    response = await fetch(`/v1/faqs:import?${query}`, { method: 'POST', headers: headers(), body: form, ...(signal && { signal }) });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw failure(0, undefined);
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw failure(response.status, body);
  return body as ImportReply;
}

/** What columns are taken for by hand, the last choice last. */
export type Choices = readonly { column: string; field: string | null }[];

/** The choices with one for a column, in place of the one before. */
export function withChoice(choices: Choices, column: string, field: string | null): Choices {
  return [...choices.filter((one) => one.column !== column), { column, field }];
}

/**
 * The mapping of these choices. A field is taken from one column: the last that was chosen for it. Any other, chosen before or
 * recognised by the service, is ignored as long as that holds; who goes through the fields by arrow keys passes many.
 */
export function mappingOf(choices: Choices, recognised: readonly Schemas['ImportColumn'][]): Mapping {
  const mapping: Mapping = {};
  const taken = new Set<string>();
  for (const { column, field } of [...choices].reverse()) {
    mapping[column] = field !== null && taken.has(field) ? null : field;
    if (field !== null) taken.add(field);
  }
  for (const { header, field } of recognised) {
    if (header && field && taken.has(field) && !(header in mapping)) mapping[header] = null;
  }
  return mapping;
}

/** Fields whose values an import reports as they are; the others, lists and numbers, come as JSON. */
const TEXTS = ['id', 'question', 'answer', 'language', 'uri', 'valid_from', 'valid_until', 'review_by', 'status', 'parent'];

/** An FAQ with the changes that an import reports. */
export function withChanges(faq: Faq, changes: readonly Schemas['FieldChange'][]): Faq {
  const values: Record<string, unknown> = { ...faq };
  for (const { field, after } of changes) {
    if (after === '') delete values[field];
    else values[field] = TEXTS.includes(field) ? after : JSON.parse(after);
  }
  return values as unknown as Faq;
}
