// The console's texts: none is missing in a language, none is unused, none is written into a component.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as OpenCC from 'opencc-js';
import { parse } from 'svelte/compiler';

const SOURCE = new URL('../../src/', import.meta.url).pathname;
const LANGUAGES = ['zh-Hant', 'zh-Hans', 'en'];
const files = readdirSync(SOURCE, { recursive: true }).filter((name) => /\.(svelte|ts)$/.test(name) && !name.startsWith('api/'));
const sources = new Map(files.map((name) => [name, readFileSync(join(SOURCE, name), 'utf8')]));

/** Every text of a language by its key, as `home:title`. */
function texts(language) {
  const found = new Map();
  const walk = (value, key) => {
    if (typeof value === 'string') found.set(key, value);
    else for (const [name, inner] of Object.entries(value)) walk(inner, key.endsWith(':') ? key + name : `${key}.${name}`);
  };
  const folder = join(SOURCE, 'i18n', language);
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    walk(JSON.parse(readFileSync(join(folder, name), 'utf8')), `${name.slice(0, -5)}:`);
  }
  return found;
}
const byLanguage = new Map(LANGUAGES.map((language) => [language, texts(language)]));
/** A key without the ending that chooses between singular and plural. */
const base = (key) => key.replace(/_(one|other)$/, '');
const placeholders = (text) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

test('every language has the same texts', () => {
  const expected = [...new Set([...byLanguage.get('zh-Hant').keys()].map(base))].sort();
  assert.ok(expected.length > 50, 'the texts are found');
  for (const language of LANGUAGES) {
    assert.deepEqual([...new Set([...byLanguage.get(language).keys()].map(base))].sort(), expected, language);
  }
});

test('a text has the same values in every language', () => {
  for (const [key, text] of byLanguage.get('zh-Hant')) {
    for (const language of LANGUAGES) {
      const other = byLanguage.get(language).get(key);
      assert.ok(other !== undefined, `${key} in ${language}: plurals need _other`);
      assert.deepEqual(placeholders(other), placeholders(text), `${key} in ${language}`);
    }
  }
});

test('no text is empty or left in another script', () => {
  const toSimplified = OpenCC.Converter({ from: 'tw', to: 'cn' });
  const toTraditional = OpenCC.Converter({ from: 'cn', to: 'tw' });
  const han = (text) => [...text].filter((c) => /\p{Script=Han}/u.test(c));
  for (const language of LANGUAGES) {
    for (const [key, text] of byLanguage.get(language)) {
      assert.ok(text.trim(), `${key} in ${language}`);
      if (language === 'en') assert.deepEqual(han(text), [], `${key} in English`);
      // A character that both scripts write alike is converted to itself.
      if (language === 'zh-Hans') {
        assert.deepEqual(han(text).filter((c) => toSimplified(c) !== c && toTraditional(c) === c), [], `${key} in Simplified Chinese`);
      }
      if (language === 'zh-Hant') {
        assert.deepEqual(han(text).filter((c) => toTraditional(c) !== c && toSimplified(c) === c && !BOTH.has(c)), [], `${key} in Traditional Chinese`);
      }
    }
  }
});

/** Characters of Traditional Chinese that Simplified Chinese uses for others as well. */
const BOTH = new Set('台只后里面系干了才征松致几丑回余谷采别表斗向冬卷借准');

test('every kind of problem has a title', () => {
  const schema = JSON.parse(readFileSync(new URL('../../../docs/reference/openapi.json', import.meta.url), 'utf8')).components.schemas.ProblemType;
  const kinds = schema.enum.map((type) => type.slice('/problems/'.length));
  assert.ok(kinds.length > 10, 'the kinds are found');
  for (const language of LANGUAGES) {
    const titles = [...byLanguage.get(language).keys()].filter((key) => key.startsWith('labels:problem.'));
    assert.deepEqual(titles.map((key) => key.slice('labels:problem.'.length)).sort(), kinds.toSorted(), language);
  }
});

test('every text is used', () => {
  const all = [...sources.values()].join('\n');
  // Keys in quotes, and the beginnings of keys that are put together: t(`nav.${name}`).
  const whole = new Set([...all.matchAll(/['"`]([a-z]+:)?([a-zA-Z0-9_.]+)['"`]/g)].map((match) => (match[1] ?? 'common:') + match[2]));
  const begun = [...all.matchAll(/`([a-z]+:)?([a-zA-Z0-9_.]*)\$\{/g)].map((match) => (match[1] ?? 'common:') + match[2]);
  const beginnings = [...new Set(begun)].filter((start) => !start.endsWith(':'));
  const unused = [...byLanguage.get('zh-Hant').keys()].map(base).filter((key) => !key.startsWith('labels:'));
  assert.deepEqual(unused.filter((key) => !whole.has(key) && !beginnings.some((start) => key.startsWith(start))), []);
});

/** Texts that are the same in every language: names, and keys of the keyboard. */
const NAMES = new Set(['Ken', 'Ctrl K', 'Ctrl S', 'ID', 'curl', 'Python', 'JavaScript', 'CSV', 'TSV', 'XLSX', 'JSON', 'JSON Lines', 'Markdown', 'HTML']);
const ATTRIBUTES = new Set(['title', 'aria-label', 'placeholder', 'alt', 'label', 'text', 'description', 'lead', 'hint', 'action']);
const hasWords = (text) => /\p{L}{2}/u.test(text) && !NAMES.has(text.trim());

/** The literal texts of a component's markup. */
function literals(node, found = []) {
  if (Array.isArray(node)) for (const one of node) literals(one, found);
  else if (node && typeof node === 'object') {
    if (node.type === 'RegularElement' && ['code', 'kbd'].includes(node.name)) return found;
    if (node.type === 'StyleDirective') return found;
    if (node.type === 'Text' && hasWords(node.data)) found.push(node.data.trim());
    if (node.type === 'Attribute') {
      if (ATTRIBUTES.has(node.name) && Array.isArray(node.value)) literals(node.value, found);
      else if (!Array.isArray(node.value)) literals(node.value, found);
      return found;
    }
    for (const [name, child] of Object.entries(node)) if (name !== 'css' && name !== 'instance' && name !== 'module') literals(child, found);
  }
  return found;
}

test('no text is written into a component', () => {
  for (const [name, source] of sources) {
    if (name.endsWith('.svelte')) assert.deepEqual(literals(parse(source, { modern: true }).fragment), [], name);
    const code = source.replaceAll(/<!--.*?-->|\/\*.*?\*\/|\/\/[^\n]*/gs, '');
    if (name !== 'lib/i18n.svelte.ts') assert.ok(!/\p{Script=Han}/u.test(code), `${name} has Chinese text`);
  }
});

test('no component makes markup from text', () => {
  for (const [name, source] of sources) {
    assert.ok(!/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\bstyle="/.test(source), name);
  }
});
