/** Conversations that leave no record at the service: their turns are kept in this browser, as drafts are. */

import { drafts } from '$lib/drafts';
import type { Schemas } from '$lib/api';
import type { Turn } from './types';

const FOLDER = 'ask/conversation/';
/** The most conversations that are kept; the oldest are removed first. */
const MOST = 20;
/** How much of a conversation a question takes with it: the service allows 50 utterances of 2,000 characters. */
const MAX_UTTERANCES = 24;
const MAX_CHARACTERS = 2_000;

export const kept = {
  /** The first `count` turns of a conversation; undefined if this browser does not have it. */
  turns(workspace: string, id: string, count: number): Turn[] | undefined {
    return drafts.find<Turn[]>(workspace, FOLDER + id)?.value.slice(0, count);
  },

  keep(workspace: string, id: string, turns: readonly Turn[]): void {
    // Explanations are large, and the answer can be asked for again.
    const value = turns.map(({ question, answer }) => ({ question, answer: { ...answer, explanation: undefined } }));
    drafts.keep(workspace, FOLDER + id, value);
    const names = drafts.names(workspace, FOLDER);
    const at = (name: string): string => drafts.find(workspace, name)?.at ?? '';
    const oldest = names.map((name) => ({ name, at: at(name) })).sort((a, b) => a.at.localeCompare(b.at));
    for (const { name } of oldest.slice(0, Math.max(0, names.length - MOST))) drafts.remove(workspace, name);
  },
};

export function historyOf(turns: readonly Turn[]): Schemas['Utterance'][] {
  const cut = (text: string): string => Array.from(text).slice(0, MAX_CHARACTERS).join('');
  const utterances = turns.flatMap(({ question, answer }): Schemas['Utterance'][] => [
    { role: 'user', text: cut(question) },
    { role: 'agent', text: cut(answer.text) },
  ]);
  return utterances.slice(-MAX_UTTERANCES);
}

/** An id for a new conversation. Not `crypto.randomUUID`, which browsers offer on secure origins only. */
export function newId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
