/** What is asked and what is replied, as this screen uses it. */

import type { Schemas } from '$lib/api';

export type Explanation = Schemas['ExplanationResponse'];
export type Evidence = Schemas['ExplainedEvidence'];
export type Citation = Schemas['CitationBody'];
export type Outcome = Schemas['Outcome'];

/** `level` and `dry_run` need a role that may read the knowledge base. */
export type AnswerRequest = Schemas['AnswerRequest'] & { level?: string; dry_run?: boolean };

/** An answer: whole, as it was just given, or as a conversation returns it (without confidence, sentences and timings). */
export interface Answer {
  id: string;
  outcome: Outcome;
  text: string;
  sentences: readonly Schemas['SentenceBody'][];
  citations: readonly Citation[];
  suggestions: readonly string[];
  notes: readonly Schemas['Note'][];
  reason?: Schemas['Reason'] | null;
  confidence?: number;
  strategy?: Schemas['Strategy'];
  timings_ms?: Schemas['RecordedTimings'];
  /** Of a dry run, which is not recorded; that of a recorded answer has a route of its own. */
  explanation?: Explanation;
}

/** A question with its answer. */
export interface Turn {
  question: string;
  answer: Answer;
}

export function turnOf(body: Schemas['TurnBody']): Turn {
  const { answer_id: id, question, outcome, text, citations, reason } = body;
  return { question, answer: { id, outcome, text, citations, reason, sentences: [], suggestions: [], notes: [] } };
}

/** The answer of an explanation, which is the whole answer as it was recorded. */
export function answerOf(explanation: Explanation): Answer {
  return { ...explanation.answer, notes: explanation.answer.notes ?? [], explanation };
}

/** Whether an answer is recorded: it can get feedback and it has an explanation to be read later. */
export function isRecorded(answer: Answer): boolean {
  return !answer.id.startsWith('dry_') && !answer.notes.includes('not_recorded');
}

/** A passage: a range of a version of a document, in bytes. */
export interface Passage {
  id: string;
  version: number;
  start: number;
  end: number;
}

export function passageOf(place: { document_id: string; document_version: number; start: number; end: number }): Passage {
  return { id: place.document_id, version: place.document_version, start: place.start, end: place.end };
}

/** A passage as a value of the address: `2:118-240:refunds`. */
export function passageAddress({ id, version, start, end }: Passage): string {
  return `${version}:${start}-${end}:${id}`;
}

export function passageAt(value: string): Passage | undefined {
  const [, version, start, end, id] = /^(\d+):(\d+)-(\d+):(.+)$/.exec(value) ?? [];
  return id === undefined ? undefined : { id, version: Number(version), start: Number(start), end: Number(end) };
}

/** The headings above a passage. The document's title, which often is the first one, is shown beside them. */
export function headingsOf({ title, heading_path }: { title: string; heading_path: readonly string[] }): string {
  return heading_path.filter((heading) => heading !== title).join(' › ');
}

/** A part of an answer's text: one of its sentences, or what stands between them. */
export interface Piece {
  text: string;
  /** The index of the sentence. */
  sentence?: number;
}

/** Splits a text at its sentences. A sentence that the text does not have is left out: the text is what is sent. */
export function pieces(text: string, sentences: readonly { text: string }[]): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const [n, sentence] of sentences.entries()) {
    const start = text.indexOf(sentence.text, at);
    if (start < 0) continue;
    if (start > at) found.push({ text: text.slice(at, start) });
    at = start + sentence.text.length;
    found.push({ text: sentence.text, sentence: n });
  }
  if (at < text.length) found.push({ text: text.slice(at) });
  return found;
}
