// Pictures of every screen for docs/console, on the sample shop with questions, cases and a run of judged questions. Part of
// `make console-test` only.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { newPage, settle, startBrowser, startService } from './support.mjs';

const PICTURES = fileURLToPath(new URL('../../../docs/console/', import.meta.url));
const CASES = fileURLToPath(new URL('../../../corpus/shop/cases.jsonl', import.meta.url));

/** The screens by the name of their picture. */
const SCREENS = {
  home: '/',
  ask: '/ask?q=DoorMate%20K1%20%E5%8F%AF%E4%BB%A5%E8%A3%9D%E5%9C%A8%E7%8E%BB%E7%92%83%E9%96%80%E5%97%8E%EF%BC%9F',
  documents: '/documents',
  folders: '/documents?view=tree',
  document: '/documents/doormate-k1.zh-Hant',
  'document-original': '/documents/doormate-k1.zh-Hant?tab=original',
  'document-versions': '/documents/opening?tab=versions&from=1&to=2',
  'document-properties': '/documents/doormate-k1.zh-Hant?tab=properties',
  'document-editor': '/documents/opening/edit',
  faqs: '/faqs',
  faq: '/faqs/parking',
  'faqs-import': '/faqs/import',
  gaps: '/learning',
  drafts: '/learning?tab=drafts',
  contradictions: '/learning?tab=contradictions',
  judged: '/quality',
  runs: '/quality?tab=runs',
  levels: '/quality?tab=levels',
  questions: '/quality?tab=questions',
  insights: '/quality?tab=insights',
  experiments: '/quality?tab=experiments',
  jobs: '/admin',
  keys: '/admin?tab=keys',
  settings: '/admin?tab=settings',
  audit: '/admin?tab=audit',
  health: '/admin?tab=health',
  api: '/admin?tab=api',
};

const QUESTIONS = [
  'DoorMate K1 可以裝在玻璃門嗎？', 'How long does a refund take?', '會員點數什麼時候到期？', '退貨要自己付運費嗎？', 'AirNest 300 濾網多久換一次？',
  '可以用貨到付款嗎？', '今天台北天氣如何？', '你們有賣掃地機器人嗎？', '可以開三聯式發票嗎？', '保固期多久？', 'Do you ship to Macau?', '門市幾點開？',
];

let service;
let browser;
before(async () => {
  service = await startService();
  browser = await startBrowser();
  const text = (hours) => `# 門市營業時間\n\n| 門市 | 平日 | 假日 |\n|---|---|---|\n| 台北站前 | ${hours} | 10:00–22:00 |\n| 台中公益 | 11:00–21:00 | 11:00–21:30 |\n`;
  for (const hours of ['11:00–21:00', '10:30–21:30']) await service.api('PUT', '/v1/documents/opening?wait=indexed', { text: text(hours), tags: ['門市'] });
  await service.api('PUT', '/v1/faqs/parking?wait=indexed', { question: '門市可以停車嗎？', answer: '台北站前門市與特約停車場合作，消費滿 NT$1,000 可折抵一小時。', variants: ['停車有優惠嗎？', '開車去方便嗎？'], tags: ['門市'] });
  for (const [id, question, contains] of [['glass', QUESTIONS[0], '玻璃'], ['refund', QUESTIONS[1], 'day']]) {
    await service.api('PUT', `/v1/judged-questions/${id}`, { question, contains });
  }
  for (const question of QUESTIONS) {
    const answer = await service.api('POST', '/v1/answers', { question, channel: 'web' });
    await service.api('POST', '/v1/feedback', { answer_id: answer.id, helpful: answer.outcome === 'answered' });
  }
  const cases = readFileSync(CASES, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  await service.api('POST', '/v1/cases?wait=distilled', { cases });
  const run = await service.api('POST', '/v1/judged-runs');
  const deadline = Date.now() + 120_000;
  while ((await service.api('GET', `/v1/judged-runs/${run.id}`)).run.state !== 'done') {
    assert.ok(Date.now() < deadline, 'the run of judged questions ends');
    await new Promise((done) => setTimeout(done, 200));
  }
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

for (const view of [
  { language: 'zh-Hant', theme: 'light', width: 1440 },
  { language: 'en', theme: 'dark', width: 390 },
]) {
  test(`pictures in ${view.language}, ${view.theme}, ${view.width} px`, async () => {
    const folder = join(PICTURES, `${view.language}-${view.theme}-${view.width}`);
    mkdirSync(folder, { recursive: true });
    const page = await newPage(browser, service, view);
    // The tour opens by itself on the first visit.
    await page.addInitScript(() => localStorage.setItem('ken.tour', 'done'));
    for (const [name, path] of Object.entries(SCREENS)) {
      await page.goto(path);
      await settle(page);
      if (name === 'ask') await page.getByRole('article').first().waitFor();
      await page.screenshot({ path: join(folder, `${name}.jpg`), type: 'jpeg', quality: 80 });
    }
    assert.deepEqual(await page.faults(), []);
    await page.context().close();
  });
}
