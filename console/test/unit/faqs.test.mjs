// What an import makes of the columns of a sheet and of the changes that it reports.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServer } from 'vite';

let vite, importing;
before(async () => {
  vite = await createServer({ root: new URL('../..', import.meta.url).pathname, server: { middlewareMode: true, ws: false, watch: null }, appType: 'custom', logLevel: 'error' });
  importing = await vite.ssrLoadModule('/src/screens/faqs/importing.ts');
});
after(() => vite.close());

test('field_passed_by_arrow_keys_stays_with_its_column', () => {
  const { mappingOf, withChoice } = importing;
  const recognised = [{ header: 'id', field: 'id' }, { header: 'asked', field: null }, { header: 'question', field: 'question' }, { header: 'reply', field: null }];
  let choices = withChoice([], 'reply', 'id');
  assert.deepEqual(mappingOf(choices, recognised), { reply: 'id', id: null }, 'one column a field');
  choices = withChoice(choices, 'reply', 'question');
  assert.deepEqual(mappingOf(choices, recognised), { reply: 'question', question: null });
  choices = withChoice(choices, 'reply', 'answer');
  assert.deepEqual(mappingOf(choices, recognised), { reply: 'answer' });
  // The last choice for a field holds, and the one before when that goes on.
  choices = withChoice(choices, 'asked', 'answer');
  assert.deepEqual(mappingOf(choices, recognised), { asked: 'answer', reply: null });
  choices = withChoice(choices, 'asked', null);
  assert.deepEqual(mappingOf(choices, recognised), { asked: null, reply: 'answer' });
});

test('changes_are_texts_lists_and_numbers', () => {
  const faq = { id: 'a', question: 'Q?', answers: [{ text: 'for some' }], tags: ['x'], rank: 2, valid_until: '2026-01-01T00:00:00Z' };
  const changes = [
    { field: 'answer', before: '', after: '12' },
    { field: 'answers', before: '[{"text":"for some"}]', after: '' },
    { field: 'tags', before: '["x"]', after: '["x","y"]' },
    { field: 'rank', before: '2', after: '3' },
    { field: 'valid_until', before: '2026-01-01T00:00:00Z', after: '' },
  ];
  assert.deepEqual(importing.withChanges(faq, changes), { id: 'a', question: 'Q?', answer: '12', tags: ['x', 'y'], rank: 3 });
});
