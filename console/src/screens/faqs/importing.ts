/** The import of a sheet of FAQs: its call, and what a column can be taken for. */

import { failure, headers, type Schemas } from '$lib/api';
import { FIELDS } from './faq';

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

/** The mapping with another field for one column. A column that had the field before has none any more. */
export function mapped(mapping: Mapping, columns: readonly Schemas['ImportColumn'][], column: Schemas['ImportColumn'], field: string | null): Mapping {
  const next: Mapping = { ...mapping, [column.header]: field };
  for (const other of columns) {
    if (field !== null && other.position !== column.position && other.header && other.field === field) next[other.header] = null;
  }
  return next;
}
