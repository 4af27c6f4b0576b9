// The parts of the documents' screen that are plain functions, as Vite compiles them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServer } from 'vite';

let vite;
before(async () => {
  vite = await createServer({ root: new URL('../..', import.meta.url).pathname, server: { middlewareMode: true, ws: false, watch: null }, appType: 'custom', logLevel: 'error' });
});
after(() => vite.close());
const load = (name) => vite.ssrLoadModule(`/src/screens/documents/${name}`);
const bytes = (text) => Buffer.byteLength(text);

test('headings of chunks become headings of Markdown', async () => {
  const { markdownOf } = await load('markdown.ts');
  const text = '運費\n\n一般\n\n| 地區 | 價格 |\n| 本島 | NT$80 |\n\n大件\n\n不配送。';
  const start = (part) => bytes(text.slice(0, text.indexOf(part)));
  const chunks = [
    { heading_path: ['運費', '一般'], start: start('| 地區'), end: start('大件') - 2 },
    { heading_path: ['運費', '大件'], start: start('不配送'), end: bytes(text) },
  ];
  assert.equal(markdownOf(text, chunks, false), '# 運費\n\n## 一般\n\n| 地區 | 價格 |\n| --- | --- |\n| 本島 | NT$80 |\n\n## 大件\n\n不配送。');
});

test('a heading within a chunk is only guessed when asked for', async () => {
  const { markdownOf } = await load('markdown.ts');
  const text = 'Rates\n\nStairs\n\nEach floor costs 90.\nNo lift.\n\nThe end.';
  const chunks = [{ heading_path: ['Rates'], start: 0, end: bytes(text) }];
  const rest = 'Each floor costs 90.\\\nNo lift.\n\nThe end.';
  assert.equal(markdownOf(text, chunks, false), `# Rates\n\nStairs\n\n${rest}`);
  assert.equal(markdownOf(text, chunks, true), `# Rates\n\n## Stairs\n\n${rest}`);
});

test('a text is split into tables and what is between them', async () => {
  const { blocks } = await load('blocks.ts');
  const text = '\n價格\n| a \\| b | c |\n| 1 | 2 |\n\nend\n';
  const head = bytes('\n價格\n');
  assert.deepEqual(blocks(text), [
    { text: '價格', start: 1 },
    { rows: [{ cells: ['a | b', 'c'], start: head, end: head + 14 }, { cells: ['1', '2'], start: head + 15, end: head + 24 }] },
    { text: 'end', start: head + 26 },
  ]);
});

test('two forms are compared by the fields that differ', async () => {
  const { compared, emptyForm } = await load('form.ts');
  const [one, other] = [{ ...emptyForm(), title: 'A', text: 'x' }, { ...emptyForm(), title: 'B', text: 'y' }];
  assert.deepEqual(compared(one, other, (field) => field.toUpperCase()), ['TITLE: A\n\nx', 'TITLE: B\n\ny']);
});

test('folders of an id are named from the outermost', async () => {
  const { foldersOf } = await load('state.ts');
  assert.deepEqual(foldersOf('a/b/c.md'), [{ name: 'a', prefix: 'a/' }, { name: 'b', prefix: 'a/b/' }]);
  assert.deepEqual(foldersOf('c.md'), []);
});
