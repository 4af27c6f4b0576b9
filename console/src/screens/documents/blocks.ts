/** A stored text as blocks: tables, and text between them. Positions are bytes. */

import { cells } from './markdown';

export interface TableRow {
  cells: string[];
  start: number;
  end: number;
}

export type Block = { rows: TableRow[] } | { text: string; start: number };

const encoder = new TextEncoder();
const ROW = /^\|.+\|$/;

export function blocks(text: string): Block[] {
  const found: Block[] = [];
  let start = 0;
  for (const line of text.split('\n')) {
    const end = start + encoder.encode(line).length;
    const last = found.at(-1);
    if (ROW.test(line)) {
      const row = { cells: cells(line).map((cell) => cell.trim().replaceAll('\\|', '|')), start, end };
      if (last && 'rows' in last) last.rows.push(row);
      else found.push({ rows: [row] });
    } else if (last && 'text' in last) last.text += `\n${line}`;
    else if (line.trim()) found.push({ text: line, start });
    start = end + 1;
  }
  for (const block of found) if ('text' in block) block.text = block.text.trimEnd();
  return found;
}
