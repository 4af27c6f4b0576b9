/** The part of a long text around a passage. */

import { SpannedText } from '$lib/spans';

/** How many bytes are shown before and after the passage. A whole book would freeze the page. */
const AROUND = 20_000;

export interface TextWindow {
  text: string;
  /** Where it begins in the whole text, in bytes. */
  start: number;
  isCutBefore: boolean;
  isCutAfter: boolean;
}

export function windowAround(text: string, { start, end }: { start: number; end: number }): TextWindow {
  const spanned = new SpannedText(text);
  const from = boundary(spanned, Math.max(0, start - AROUND));
  const to = boundary(spanned, Math.min(spanned.length, end + AROUND));
  return { text: spanned.slice(from, to), start: from, isCutBefore: from > 0, isCutAfter: to < spanned.length };
}

/** The first place from `at` on where a character begins. A slice that begins within one begins with a replacement. */
function boundary(text: SpannedText, at: number): number {
  let place = at;
  while (place < text.length && place < at + 4 && text.slice(place, place + 4).startsWith('\uFFFD')) place++;
  return place;
}
