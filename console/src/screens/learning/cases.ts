/** Reads what was typed or dropped as cases. */

import { api, data, type Schemas } from '$lib/api';

export interface Turn {
  role: Schemas['CaseRole'];
  text: string;
}

export const ROLES: readonly Schemas['CaseRole'][] = ['customer', 'agent', 'bot', 'system'];

export const WAYS = ['typed', 'pasted'] as const;

/** What is typed into the form. */
export interface CaseDraft {
  turns: Turn[];
  id: string;
  outcome: Schemas['CaseOutcome'] | '';
  channel: string;
  tags: string;
  pasted: string;
}

export const emptyCase = (): CaseDraft => ({
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
export function submit(draft: CaseDraft, way: (typeof WAYS)[number], signal: AbortSignal): Promise<Schemas['CasesResponse']> {
  const query = { wait: 'distilled' as const };
  if (way === 'typed') return data(api.POST('/v1/cases', { params: { query }, body: caseOf(draft), signal }));
  const text = draft.pasted.trim();
  return data(
    api.POST('/v1/cases', {
      params: { query },
      body: text as never,
      bodySerializer: (value: unknown) => value as string,
      headers: { 'Content-Type': isJson(text) ? 'application/json' : 'application/x-ndjson' },
      signal,
    }),
  );
}

/** Whether a text is one JSON value; otherwise it is taken as one case a line. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
