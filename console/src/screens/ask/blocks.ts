/** The text of an answer as blocks: lines of text, and tables, whose rows Ken quotes one by one. */

import { pieces, type Citation, type Answer } from './types';

/** A part of a line: within one sentence, or between sentences. */
export interface Segment {
  text: string;
  /** The index of the sentence that it is a part of. */
  sentence?: number | undefined;
  /** The sources of the sentence; they have a segment of their own behind it. */
  sources: Citation[];
}

export interface Row {
  cells: string[];
  sentence?: number | undefined;
  sources: Citation[];
}

export type Block = { lines: Segment[][] } | { rows: Row[] };

type Cited = Pick<Answer, 'text' | 'sentences' | 'citations'>;

export function blocks(answer: Cited): Block[] {
  const found: Block[] = [];
  for (const line of lines(answer)) {
    const last = found.at(-1);
    const row = rowOf(line);
    if (row && last && 'rows' in last) last.rows.push(row);
    else if (row) found.push({ rows: [row] });
    else if (last && 'lines' in last) last.lines.push(line);
    else if (line.some((segment) => segment.text.trim() || segment.sources.length > 0)) found.push({ lines: [line] });
  }
  return found;
}

function lines(answer: Cited): Segment[][] {
  const found: Segment[][] = [[]];
  for (const { text, sentence } of pieces(answer.text, answer.sentences)) {
    const numbers = sentence === undefined ? [] : (answer.sentences[sentence]?.citations ?? []);
    const sources = numbers.flatMap((number) => answer.citations.find((citation) => citation.number === number) ?? []);
    for (const [n, part] of text.split('\n').entries()) {
      if (n > 0) found.push([]);
      if (part) found.at(-1)!.push({ text: part, sentence, sources: [] });
    }
    if (sources.length > 0) found.at(-1)!.push({ text: '', sentence, sources });
  }
  return found;
}

/** A quotation in one paragraph: rows of a table without their lines. */
export function inline(quote: string): string {
  const lines = quote.split('\n').map((line) => rowOf([{ text: line, sources: [] }])?.cells.join(' · ') ?? line);
  return lines.join('\n');
}

function rowOf(line: readonly Segment[]): Row | undefined {
  const text = line.map((segment) => segment.text).join('').trim();
  if (!/^\|.*\|$/.test(text) || text.length < 3) return undefined;
  const cells = text.slice(1, -1).split(/(?<!\\)\|/);
  return {
    cells: cells.map((cell) => cell.trim().replaceAll('\\|', '|')),
    sentence: line.find((segment) => segment.sentence !== undefined)?.sentence,
    sources: line.flatMap((segment) => segment.sources),
  };
}
