/** Spans of the API count bytes of UTF-8; strings here count UTF-16 units. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A text that can be cut at byte offsets. */
export class SpannedText {
  readonly #bytes: Uint8Array;

  constructor(text: string) {
    this.#bytes = encoder.encode(text);
  }

  /** The text from byte `start` to byte `end`. */
  slice(start: number, end?: number): string {
    return decoder.decode(this.#bytes.subarray(start, end));
  }

  get length(): number {
    return this.#bytes.length;
  }
}

/** A part of a text: highlighted or not. */
export interface Part {
  text: string;
  marked: boolean;
}

/** Splits a text at spans that are to be highlighted; overlapping spans are joined. */
export function parts(text: string, spans: readonly { start: number; end: number }[]): Part[] {
  const spanned = new SpannedText(text);
  const found: Part[] = [];
  let at = 0;
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    if (end <= at) continue;
    if (start > at) found.push({ text: spanned.slice(at, start), marked: false });
    found.push({ text: spanned.slice(Math.max(at, start), end), marked: true });
    at = end;
  }
  if (at < spanned.length) found.push({ text: spanned.slice(at), marked: false });
  return found;
}
