/** The import of a sheet of FAQs: its call, and what a column can be taken for. */

import { failure, headers, type Schemas } from '$lib/api';
import { t } from '$lib/i18n.svelte';
import { FIELDS } from './faq';

/** Columns and what each is taken for; null ignores one. A column that is not named is recognised by the service. */
export type Mapping = Record<string, string | null>;

export interface ImportOptions {
  dryRun: boolean;
  partial: boolean;
  force: boolean;
  mapping: Mapping;
  decisions?: Decisions;
  /** Whether to report which answers change; for a dry run. */
  previewImpact?: boolean;
  signal?: AbortSignal;
}

export type ImportReport = Schemas['ImportReport'];
export type ImportReply = ImportReport | Schemas['ImportJobResponse'];
export type ImportRow = Schemas['ImportRow'];

/** What becomes of a row that asks what another FAQ or row asks: its answer replaces the other, it is added, or left out. */
export type Decision = Schemas['ImportChoice'];
export const DECISIONS: readonly Decision[] = ['skip', 'replace', 'add'];
/** The decisions by the rows' numbers. */
export type Decisions = ReadonlyMap<number, Decision>;
/** A row that answers otherwise than the other FAQ or row that asks the same. */
export type Decidable = ImportRow & { answer: string; other_answer: string };

/** Whether somebody has to say which answer holds. */
export function isDecidable(row: ImportRow): row is Decidable {
  return row.effect === 'conflicting' || (row.effect === 'duplicate' && typeof row.other_answer === 'string');
}

/** The other FAQ or row, as the service names it. */
export function otherOf(row: ImportRow): string {
  return row.effect === 'conflicting' ? row.with : row.effect === 'duplicate' ? row.of : '';
}

/** Another row of the sheet, not an FAQ. */
export const isRow = (name: string): boolean => /^row \d+$/.test(name);

/** The other FAQ or row for people. */
export function nameOf(other: string): string {
  return isRow(other) ? t('faqs:row', { row: other.slice(4) }) : other;
}

/** The decisions that still hold for the rows of another dry run: those about the same question in the same row. */
export function stillHolding(decisions: Decisions, before: readonly ImportRow[], after: readonly ImportRow[]): Decisions {
  const asked = (rows: readonly ImportRow[], row: number): string | undefined => rows.find((one) => one.row === row && isDecidable(one))?.question;
  return new Map([...decisions].filter(([row]) => asked(after, row) !== undefined && asked(before, row) === asked(after, row)));
}

/** What the service reads, as file names end. */
export const ENDINGS = '.csv,.tsv,.xlsx,.ods,.json,.jsonl';

/** Fields of a column. Answers for some each are `answer[…]`. */
export const COLUMN_FIELDS = FIELDS.filter((field) => field !== 'answers');

/** A file that stays readable whatever becomes of the one on the disk: the browser refuses one that was saved again. */
export async function inMemory(file: File): Promise<File> {
  return new File([await file.arrayBuffer()], file.name, { type: file.type });
}

export async function importFile(file: File, { dryRun, partial, force, mapping, decisions, previewImpact = false, signal }: ImportOptions): Promise<ImportReply> {
  const form = new FormData();
  if (Object.keys(mapping).length) form.append('columns', JSON.stringify(mapping));
  if (decisions?.size) form.append('choices', JSON.stringify(Object.fromEntries(decisions)));
  form.append('file', file, file.name);
  const query = new URLSearchParams({ dry_run: String(dryRun), partial: String(partial), force: String(force), ...(previewImpact && { preview_impact: 'true' }) });
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

/** The kinds of faults of a cell that there are texts for. */
const FAULTS: readonly Schemas['CellFaultCode'][] = [
  'missing_value', 'unknown_field', 'not_an_object', 'invalid_id', 'duplicate_id', 'validity_order', 'invalid_time', 'invalid_number',
  'invalid_status', 'invalid_address', 'invalid_value',
];

/** Whether there are texts for a kind of fault; a newer service may know more. */
export const isKnown = (code: Schemas['CellFaultCode']): boolean => FAULTS.includes(code);

/** The cell's value, which the service names at the end of its sentence; '' if it names none. */
export function foundIn(detail: string): string {
  const found = /(?:found|unknown field) (.+)$/.exec(detail)?.[1] ?? '';
  return found === 'none' ? '' : found.replace(/^"(.*)"$/, '$1');
}
