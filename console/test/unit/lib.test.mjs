// The parts of `src/lib` that are plain functions, as Vite compiles them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServer } from 'vite';

let vite;
before(async () => {
  vite = await createServer({ root: new URL('../..', import.meta.url).pathname, server: { middlewareMode: true, ws: false, watch: null }, appType: 'custom', logLevel: 'error' });
});
after(() => vite.close());
const load = (name) => vite.ssrLoadModule(`/src/lib/${name}`);

test('spans count bytes', async () => {
  const { parts, SpannedText } = await load('spans.ts');
  const text = '價格 NT$990，含稅🙂。';
  const start = Buffer.byteLength('價格 ');
  const end = start + Buffer.byteLength('NT$990');
  assert.equal(new SpannedText(text).slice(start, end), 'NT$990');
  assert.deepEqual(parts(text, [{ start, end }]), [
    { text: '價格 ', marked: false },
    { text: 'NT$990', marked: true },
    { text: '，含稅🙂。', marked: false },
  ]);
  assert.deepEqual(parts('abcdef', [{ start: 3, end: 5 }, { start: 1, end: 4 }, { start: 2, end: 3 }]), [
    { text: 'a', marked: false },
    { text: 'bcd', marked: true },
    { text: 'e', marked: true },
    { text: 'f', marked: false },
  ]);
  assert.deepEqual(parts('', []), []);
});

test('the language follows the choice, then the browser', async () => {
  const { preferred } = await load('i18n.svelte.ts');
  assert.equal(preferred('zh-Hans', ['en']), 'zh-Hans');
  assert.equal(preferred('fr', ['zh-TW', 'en']), 'zh-Hant');
  assert.equal(preferred(null, ['zh-HK']), 'zh-Hant');
  assert.equal(preferred(null, ['yue']), 'zh-Hant');
  assert.equal(preferred(null, ['zh-CN']), 'zh-Hans');
  assert.equal(preferred(null, ['zh']), 'zh-Hans');
  assert.equal(preferred(null, ['fr-FR', 'en-GB']), 'en');
  assert.equal(preferred(null, ['ja']), 'en');
});
