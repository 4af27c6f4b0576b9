/** Markdown for a document of which only the text is stored. In the stored text a heading is a line like others; the
 *  chunks know their headings. */

import { api, data, headers, type Schemas } from '$lib/api';

type Chunk = Pick<Schemas['ListedChunk'], 'heading_path' | 'start' | 'end'>;

const encoder = new TextEncoder();
const ROW = /^\|.*\|$/;
const LIST_OR_ROW = /^\s*([-*+|>]|\d+[.)])/;
const SENTENCE_END = /[.。！？!?：:；;，,）)]$/;
const MAX_HEADING = 80;

/** The stored text with the headings of the chunks marked. `guess` also takes short lines that stand alone for headings:
 *  several small sections make one chunk, which does not name the headings within it. */
export function markdownOf(text: string, chunks: readonly Chunk[], guess: boolean): string {
  const lines = text.split('\n');
  const levels = headingLevels(lines, chunks, guess);
  const found: string[] = [];
  for (const [n, line] of lines.entries()) {
    const level = levels.get(n);
    const goesOn = isWords(line) && isWords(lines[n + 1]);
    found.push(level ? `${'#'.repeat(level)} ${line.trim()}` : goesOn ? `${line}\\` : line);
    // Stored tables have no line below their head.
    if (ROW.test(line) && !ROW.test(lines[n - 1] ?? '')) found.push(`|${' --- |'.repeat(cells(line).length)}`);
  }
  return found.join('\n');
}

/** The cells of a row of a table. */
export function cells(row: string): string[] {
  return row.slice(1, -1).split(/(?<!\\)\|/);
}

/** Whether a line is a part of a paragraph. */
function isWords(line: string | undefined): boolean {
  return Boolean(line?.trim()) && !LIST_OR_ROW.test(line ?? '');
}

/** The levels of the lines that are headings, from 1. */
function headingLevels(lines: readonly string[], chunks: readonly Chunk[], guess: boolean): Map<number, number> {
  const starts: number[] = [];
  lines.reduce((at, line, n) => at + encoder.encode(line).length + (starts[n] = at, 1), 0);
  const levels = new Map<number, number>();
  let at = 0;
  let before: readonly string[] = [];
  for (const { heading_path: path, start, end } of chunks) {
    const differs = path.findIndex((heading, level) => heading !== before[level]);
    for (let level = differs < 0 ? path.length : differs; level < path.length; level++) {
      const n = lines.findIndex((line, n) => n >= at && starts[n]! <= start && line.trim() === path[level]);
      if (n < 0) continue;
      levels.set(n, level + 1);
      at = n + 1;
    }
    while (at < lines.length && starts[at]! < start) at++;
    for (let n = at; guess && n < lines.length && starts[n]! < end; n++) {
      if (!levels.has(n) && looksLikeHeading(lines, n)) levels.set(n, path.length + 1);
    }
    before = path;
  }
  return levels;
}

/** A short line between empty lines that ends no sentence. */
function looksLikeHeading(lines: readonly string[], n: number): boolean {
  const line = lines[n]!.trim();
  const standsAlone = !lines[n - 1]?.trim() && lines[n + 1] === '' && lines[n + 2] !== undefined;
  return standsAlone && isWords(line) && line.length <= MAX_HEADING && !SENTENCE_END.test(line);
}

/** Markdown from which Ken reads exactly what it stores of a version; undefined if none is found. */
export async function markdownFor(document: Schemas['DocumentResponse'], signal: AbortSignal): Promise<string | undefined> {
  const chunks = await allChunks(document, signal);
  for (const guess of [false, true]) {
    const markdown = markdownOf(document.text, chunks, guess);
    const read = await preview(markdown, signal);
    if (read && read.text.trim() === document.text.trim() && outline(read.chunks) === outline(chunks)) return markdown;
  }
  return undefined;
}

const outline = (chunks: readonly Chunk[]): string => JSON.stringify(chunks.map((chunk) => [chunk.start, chunk.heading_path]));

async function allChunks({ id, version }: Schemas['DocumentResponse'], signal: AbortSignal): Promise<Chunk[]> {
  const found: Chunk[] = [];
  let after: string | undefined;
  do {
    const page = await data(api.GET('/v1/documents/{id}/chunks', { params: { path: { id }, query: { version, after, limit: 200 } }, signal }));
    found.push(...page.chunks);
    after = page.next ?? undefined;
  } while (after);
  return found;
}

/** How Ken reads Markdown, without storing it; undefined if it cannot. */
async function preview(markdown: string, signal: AbortSignal): Promise<Schemas['PreviewBody'] | undefined> {
  const request = { method: 'POST', headers: { ...headers(), 'Content-Type': 'text/markdown' }, body: markdown, signal };
  const response = await fetch('/v1/documents:preview?name=text.md', request);
  if (!response.ok) return undefined;
  return ((await response.json()) as Schemas['PreviewResponse']).documents[0];
}
