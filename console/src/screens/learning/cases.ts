/** Reads what was typed or dropped as cases. */

import { api, data, type Schemas } from '$lib/api';

export interface Turn {
  role: Schemas['CaseRole'];
  text: string;
}

export const ROLES: readonly Schemas['CaseRole'][] = ['customer', 'agent', 'bot', 'system'];

/** What is typed into the form. */
export interface CaseDraft {
  way: 'typed' | 'pasted';
  turns: Turn[];
  id: string;
  outcome: Schemas['CaseOutcome'] | '';
  channel: string;
  tags: string;
  pasted: string;
}

export const emptyCase = (): CaseDraft => ({
  way: 'typed',
  turns: [
    { role: 'customer', text: '' },
    { role: 'agent', text: '' },
  ],
  id: '',
  outcome: '',
  channel: '',
  tags: '',
  pasted: '',
});

export const isEmptyCase = (draft: CaseDraft): boolean => JSON.stringify({ ...draft, way: 'typed' }) === JSON.stringify(emptyCase());

/** The typed case without what was left empty. */
export function caseOf(draft: CaseDraft): Schemas['Case'] {
  const tags = draft.tags.split(/[,，、]/).map((tag) => tag.trim()).filter(Boolean);
  return {
    turns: draft.turns.filter((turn) => turn.text.trim()).map(({ role, text }) => ({ role, text: text.trim() })),
    ...(draft.id.trim() && { id: draft.id.trim() }),
    ...(draft.outcome && { outcome: draft.outcome }),
    ...(draft.channel.trim() && { channel: draft.channel.trim() }),
    ...(tags.length && { tags }),
  };
}

/** Submits a typed case, or a text of JSON or JSON Lines, and waits until it is distilled. */
export function submit(draft: CaseDraft, signal: AbortSignal): Promise<Schemas['CasesResponse']> {
  const query = { wait: 'distilled' as const };
  if (draft.way === 'typed') return data(api.POST('/v1/cases', { params: { query }, body: caseOf(draft), signal }));
  const text = draft.pasted.trim();
  const body = isJson(text) ? text : lines(text);
  return data(
    api.POST('/v1/cases', {
      params: { query },
      body: body as never,
      bodySerializer: (value: unknown) => value as string,
      headers: { 'Content-Type': isJson(text) ? 'application/json' : 'application/x-ndjson' },
      signal,
    }),
  );
}

const lines = (text: string): string => `${text}\n`;

/** Whether a text is one JSON value; otherwise it is taken as one case a line. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
