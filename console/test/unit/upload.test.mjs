// What is sent of a drop, in which batches, and how its result is read.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServer } from 'vite';

let vite;
let upload;
before(async () => {
  vite = await createServer({ root: new URL('../..', import.meta.url).pathname, server: { middlewareMode: true, ws: false, watch: null }, appType: 'custom', logLevel: 'error' });
  upload = await vite.ssrLoadModule('/src/lib/upload.ts');
});
after(() => vite.close());

const file = (name, size = 1, type = '', path = '') => ({ name, size, type, webkitRelativePath: path });
const entry = (fullPath, more) => ({ name: fullPath.split('/').at(-1), fullPath, isFile: false, isDirectory: false, ...more });
const fileEntry = (fullPath, size, type) => entry(fullPath, { isFile: true, file: (done) => done(file(fullPath.split('/').at(-1), size, type)) });
/** A folder whose entries come one by one, as a browser may give them. */
const folderEntry = (fullPath, entries) =>
  entry(fullPath, {
    isDirectory: true,
    createReader: () => {
      const rest = [...entries];
      return { readEntries: (done) => done(rest.splice(0, 1)) };
    },
  });
const drop = (...entries) => ({ items: entries.map((one) => ({ kind: 'file', webkitGetAsEntry: () => one })) });

test('dropped_folder_keeps_its_paths', async () => {
  const found = await upload.droppedFiles(
    drop(
      folderEntry('/shop', [fileEntry('/shop/b.md'), folderEntry('/shop/returns', [fileEntry('/shop/returns/cafe\u0301.md')]), fileEntry('/shop/a.zip')]),
      fileEntry('/single.pdf'),
    ),
  );
  assert.deepEqual(found.items.map((item) => item.name), ['shop/a.zip', 'shop/b.md', 'shop/returns/caf\u00e9.md', 'single.pdf']);
  assert.deepEqual(found.skipped, []);
});

test('what_is_no_knowledge_is_skipped_with_its_reason', async () => {
  const unreadable = entry('/shop/locked.md', { isFile: true, file: (_, fail) => fail(new Error('no permission')) });
  const found = await upload.droppedFiles(
    drop(folderEntry('/shop', [fileEntry('/shop/.DS_Store'), folderEntry('/shop/.git', [fileEntry('/shop/.git/HEAD')]), fileEntry('/shop/logo.png', 1, 'image/png'), unreadable, fileEntry('/shop/big.pdf', upload.MAX_FILE_BYTES + 1)])),
  );
  assert.deepEqual(found.items, []);
  assert.deepEqual(Object.fromEntries(found.skipped.map((one) => [one.name, one.reason])), {
    'shop/.DS_Store': 'hidden',
    'shop/.git': 'hidden',
    'shop/logo.png': 'media',
    'shop/locked.md': 'unreadable',
    'shop/big.pdf': 'tooLarge',
  });
});

test('chosen_folder_keeps_its_paths', () => {
  const found = upload.chosenFiles([file('a.md', 1, '', 'shop/a.md'), file('b.md')]);
  assert.deepEqual(found.items.map((item) => item.name), ['shop/a.md', 'b.md']);
});

test('batches_are_limited_in_number_and_size', () => {
  const sizes = (items) => upload.batches(items.map((size, n) => ({ name: String(n), file: file(String(n), size) }))).map((batch) => batch.length);
  assert.deepEqual(sizes(Array(1_201).fill(1)), [500, 500, 201]);
  const mega = 1024 * 1024;
  assert.deepEqual(sizes([20 * mega, 20 * mega, 100 * mega, 1, 1]), [1, 1, 1, 2]);
  assert.deepEqual(sizes([]), []);
});

test('item_result_has_the_figures_of_the_sentence', () => {
  assert.deepEqual(upload.itemResult('3 written, 1 unchanged'), { nWritten: 3, nUnchanged: 1, nNotFound: 0, problems: '' });
  assert.deepEqual(upload.itemResult('0 written, 0 unchanged, 2 not found; a.pdf: damaged; b: too deep'), { nWritten: 0, nUnchanged: 0, nNotFound: 2, problems: 'a.pdf: damaged; b: too deep' });
  assert.equal(upload.itemResult('not a valid PDF file'), undefined);
});
