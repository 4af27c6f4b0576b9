// What an import makes of the columns of a sheet, and of the decisions about its rows.

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

test('decisions_hold_while_the_row_asks_the_same', () => {
  const { stillHolding, isDecidable } = importing;
  const row = (n, question, fields) => ({ row: n, question, effect: 'conflicting', with: 'a', answer: 'x', other_answer: 'y', ...fields });
  const before = [row(2, 'A?'), row(3, 'B?'), row(4, 'C?'), row(5, 'D?')];
  const after = [row(2, 'A?'), row(3, 'Z?'), row(4, 'C?', { effect: 'new' }), row(5, 'D?', { effect: 'duplicate', of: 'row 2' })];
  const decisions = new Map([[2, 'skip'], [3, 'add'], [4, 'replace'], [5, 'replace'], [9, 'add']]);
  assert.deepEqual([...stillHolding(decisions, before, after)], [[2, 'skip'], [5, 'replace']]);
  assert.equal(isDecidable(row(2, 'A?', { effect: 'duplicate', answer: null, other_answer: null })), false, 'the same answer needs no decision');
});

test('cell_value_is_read_from_the_sentence_about_it', () => {
  assert.equal(importing.foundIn('expected a whole number, found "many"'), 'many');
  assert.equal(importing.foundIn('expected a time after valid_from (x), found 2026-01-01T00:00:00Z'), '2026-01-01T00:00:00Z');
  assert.equal(importing.foundIn('unknown field "foo"'), 'foo');
  assert.equal(importing.foundIn('expected a value, found none'), '');
  assert.equal(importing.foundIn('something else'), '');
});
