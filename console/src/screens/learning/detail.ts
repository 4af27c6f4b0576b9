/** Reviews say in one sentence what was found; these read its values. A sentence of another form is shown as it is. */

/** A passage's id: the document, its version, and the place of the passage in it. */
export interface PassageId {
  id: string;
  documentId: string;
  version: number;
}

export interface ConflictSide {
  /** The words that contradict the other side's. */
  value: string;
  passage: PassageId;
}

export interface ConflictDetail {
  /** `figure`, `unit`, `date`, `condition` or `negation`. */
  kind: string;
  sides: [ConflictSide, ConflictSide];
}

const CONFLICT = /^(\w+): "((?:[^"\\]|\\.)*)" in (.+?:\d+:\d+) vs\. "((?:[^"\\]|\\.)*)" in (.+:\d+:\d+)$/su;
const FAILING = /^version (\d+): (\d+) of (\d+) people found it wrong; (.*)$/s;

export function passageOf(id: string): PassageId {
  const [, documentId, version] = /^(.*):(\d+):\d+$/s.exec(id) ?? [];
  return { id, documentId: documentId ?? id, version: Number(version ?? 0) };
}

export function conflictOf(detail: string): ConflictDetail | undefined {
  const [, kind, first, a, second, b] = CONFLICT.exec(detail) ?? [];
  if (!kind || first === undefined || !a || second === undefined || !b) return undefined;
  return {
    kind: kind.toLowerCase(),
    sides: [
      { value: unescaped(first), passage: passageOf(a) },
      { value: unescaped(second), passage: passageOf(b) },
    ],
  };
}

export interface FailingDetail {
  version: number;
  against: number;
  people: number;
  isExcluded: boolean;
}

export function failingOf(detail: string): FailingDetail | undefined {
  const [, version, against, people, effect] = FAILING.exec(detail) ?? [];
  if (!version) return undefined;
  return { version: Number(version), against: Number(against), people: Number(people), isExcluded: /^excluded/.test(effect ?? '') };
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', '0': '\0' };

/** The text of a string literal of Rust. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(?:u\{([0-9a-f]+)\}|(.))/gsu, (_, code: string | undefined, character: string) =>
    code ? String.fromCodePoint(parseInt(code, 16)) : (ESCAPES[character] ?? character),
  );
}

/** A text cut at the places of some words, which are marked. */
export function marked(text: string, words: string): { text: string; marked: boolean }[] {
  const pieces: { text: string; marked: boolean }[] = [];
  let from = 0;
  for (const [start, end] of places(text, words.trim())) {
    if (start > from) pieces.push({ text: text.slice(from, start), marked: false });
    pieces.push({ text: text.slice(start, end), marked: true });
    from = end;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), marked: false });
  return pieces;
}

const HAN = /\p{Script=Han}/u;

/** Where words are in a text. The service compares texts in one Chinese script, so a Chinese character also stands for
    its form in the other script: if the words are not found as they are, half of their characters have to be the same. */
export function places(text: string, words: string): [number, number][] {
  if (!words) return [];
  const literal = (character: string) => (/\s/.test(character) ? '\\s*' : character.replace(/[.*+?^${}()|[\]\\/-]/u, '\\$&'));
  const found = (source: string) => [...text.matchAll(new RegExp(source, 'giu'))].filter((match) => match[0]);
  const characters = Array.from(words);
  let matches = found(characters.map(literal).join(''));
  if (matches.length === 0) {
    const same = (match: string) => characters.filter((character) => !/\s/.test(character) && match.includes(character)).length;
    const wanted = characters.filter((character) => !/\s/.test(character)).length / 2;
    matches = found(characters.map((character) => (HAN.test(character) ? '\\p{Script=Han}' : literal(character))).join('')).filter(
      (match) => same(match[0]) >= wanted,
    );
  }
  return matches.map((match) => [match.index, match.index + match[0].length]);
}
