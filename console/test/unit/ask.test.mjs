// The parts of the Ask screen that are plain functions, as Vite compiles them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServer } from 'vite';

let vite;
before(async () => {
  vite = await createServer({ root: new URL('../..', import.meta.url).pathname, server: { middlewareMode: true, ws: false, watch: null }, appType: 'custom', logLevel: 'error' });
});
after(() => vite.close());
const load = (name) => vite.ssrLoadModule(`/src/screens/ask/${name}`);

/** A body whose bytes arrive in pieces of a size. */
function body(text, size) {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
      controller.close();
    },
  });
}

test('events are read whatever the pieces they arrive in', async () => {
  const { events } = await load('events.ts');
  const text = ': ping\n\nevent: delta\ndata: {"text":"運費 🙂"}\n\nevent: done\r\ndata: {\r\ndata: }\r\n\r\ndata: cut';
  for (const size of [1, 3, 7, 1_000]) {
    const found = [];
    for await (const event of events(body(text, size))) found.push(event);
    assert.deepEqual(found, [
      { name: 'delta', data: '{"text":"運費 🙂"}' },
      { name: 'done', data: '{\n}' },
    ]);
  }
});

test('rows of an answer become a table with the sources of each row', async () => {
  const { blocks } = await load('blocks.ts');
  const citations = [{ number: 1 }, { number: 2 }];
  const sentences = [
    { text: '| 地區 | 運費 |', citations: [1] },
    { text: '| 離島 | 250 |', citations: [2] },
    { text: '其他地區免運。', citations: [1, 2] },
  ];
  const [table, text, ...rest] = blocks({ text: '| 地區 | 運費 |\n| 離島 | 250 |\n\n其他地區免運。', sentences, citations });
  assert.deepEqual(table.rows.map((row) => [row.cells, row.sentence, row.sources.map((one) => one.number)]), [
    [['地區', '運費'], 0, [1]],
    [['離島', '250'], 1, [2]],
  ]);
  assert.deepEqual(text.lines.flat().map((segment) => [segment.text, segment.sources.map((one) => one.number)]), [['其他地區免運。', []], ['', [1, 2]]]);
  assert.deepEqual(rest, []);
});

test('a text without sentences keeps its lines', async () => {
  const { blocks } = await load('blocks.ts');
  const [block, ...rest] = blocks({ text: '抱歉。\n- 一\n- 二', sentences: [], citations: [] });
  assert.deepEqual(block.lines.map((line) => line.map((segment) => segment.text).join('')), ['抱歉。', '- 一', '- 二']);
  assert.deepEqual(rest, []);
  assert.deepEqual(blocks({ text: '', sentences: [], citations: [] }), []);
});

test('the window around a passage begins and ends at characters', async () => {
  const { windowAround } = await load('window.ts');
  const text = '運費'.repeat(20_000);
  const shown = windowAround(text, { start: 60_000, end: 60_006 });
  assert.ok(shown.isCutBefore && shown.isCutAfter);
  assert.ok(!shown.text.includes('\uFFFD'), 'no half character');
  assert.equal(shown.start % 3, 0);
  const short = windowAround('短', { start: 0, end: 3 });
  assert.deepEqual(short, { text: '短', start: 0, isCutBefore: false, isCutAfter: false });
});

test('a passage and options survive the address', async () => {
  const { passageAddress, passageAt } = await load('types.ts');
  const { optionsAddress, optionsAt, requestOf } = await load('options.ts');
  const passage = { id: 'a:1-2/b', version: 3, start: 10, end: 20 };
  assert.deepEqual(passageAt(passageAddress(passage)), passage);
  assert.equal(passageAt('nonsense'), undefined);
  const options = { level: 'strict', as_of: '2026-01-01T00:00:00.000Z', audience: 'agent, tier:gold', channel: 'sms', language: '' };
  assert.deepEqual(optionsAt(optionsAddress(options)), options);
  assert.deepEqual(requestOf(options), { level: 'strict', as_of: options.as_of, channel: 'sms', audience: ['agent', 'tier:gold'] });
  assert.deepEqual(requestOf(optionsAt('')), {});
});

test('the history that a question takes along stays within the limits', async () => {
  const { historyOf } = await load('kept.ts');
  const turns = Array.from({ length: 40 }, (_, n) => ({ question: `q${n}`, answer: { text: '🙂'.repeat(3_000) } }));
  const history = historyOf(turns);
  assert.equal(history.length, 24);
  assert.equal(history.at(-2).text, 'q39');
  assert.equal(Array.from(history.at(-1).text).length, 2_000);
});

test('only addresses that cannot run code become links', async () => {
  const { isLink } = await load('links.ts');
  for (const uri of ['https://a.example/b', 'http://a.example', 'mailto:a@b.example', 'tel:+886']) assert.ok(isLink(uri), uri);
  for (const uri of ['javascript:alert(1)', ' javascript:alert(1)', 'data:text/html,x', '/relative', 'ftp://a.example', '']) assert.ok(!isLink(uri), uri);
});
