// Quality: judged questions and their runs, the level with its price, the figures with their lists, experiments.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findings, newPage, overflows, settle, startBrowser, startService, tabTo } from './support.mjs';

let service;
let browser;
let page;

const RETURN = '商品拆封了還能退嗎？';
const OPENING = 'Which day is the quality desk closed?';
/** Asked on the channels and with the ratings that the figures have to tell apart. */
const ASKED = [
  { question: RETURN, channel: 'web', helpful: true },
  { question: RETURN, channel: 'line', tags: ['退貨'], helpful: false },
  { question: 'who won the last football world cup?', channel: 'line' },
  { question: '我要找真人客服', channel: 'web' },
  { question: OPENING },
];
const judged = (id, fields) => service.api('PUT', `/v1/judged-questions/${id}`, fields);
const desk = (day) => service.api('PUT', '/v1/faqs/quality-desk?wait=indexed&force=true', { question: OPENING, answer: `The quality desk is closed on ${day}.` });
const runs = async () => (await service.api('GET', '/v1/judged-runs')).runs;

before(async () => {
  service = await startService();
  browser = await startBrowser();
  await desk('Mondays');
  await judged('quality-return', { question: RETURN, kind: 'answerable', outcome: 'answered', document_id: 'faq-return-opened' });
  await judged('quality-desk', { question: OPENING, kind: 'answerable', outcome: 'answered', contains: 'Mondays' });
  await judged('quality-foreign', { question: 'who won the last football world cup?', kind: 'foreign', outcome: 'refused' });
  await judged('quality-weather', { question: '今天台北天氣如何？', kind: 'foreign', outcome: 'refused' });
  await judged('quality-near', { question: '我的 iPhone 螢幕摔破了，原廠換一片多少錢', kind: 'near_miss', outcome: 'refused' });
  await judged('quality-lock', { question: 'can I let the cleaner in once without giving her my permanent PIN?', kind: 'answerable', outcome: 'answered' });
  for (const [n, { helpful, ...asked }] of ASKED.entries()) {
    const { id } = await service.api('POST', '/v1/answers', { ...asked, customer_id: `quality-${n}` });
    if (helpful !== undefined) await service.api('POST', '/v1/feedback', { answer_id: id, helpful });
  }
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

async function open(path, options) {
  page = await newPage(browser, service, options);
  // No tour is in the way.
  await page.addInitScript(() => localStorage.setItem('ken.tour', 'done'));
  await page.goto(path);
  await settle(page);
  return page;
}

async function close() {
  assert.deepEqual(await page.faults(), []);
  assert.deepEqual(await findings(page), []);
  assert.equal(await overflows(page), false);
  await page.context().close();
}

/** Starts a run past the console and waits for its end. */
async function run() {
  const { id } = await service.api('POST', '/v1/judged-runs');
  const deadline = Date.now() + 120_000;
  for (;;) {
    const read = await service.api('GET', `/v1/judged-runs/${id}`);
    if (read.run.state === 'done') return read;
    assert.ok(Date.now() < deadline, 'the run ends');
  }
}

const rows = (name) => page.getByRole('list', { name }).getByRole('listitem');

test('answer_of_the_log_becomes_a_judged_question', async () => {
  await open('/quality?tab=questions&rating=liked');
  await rows('Questions').getByRole('button', { name: RETURN }).click();
  const answer = page.getByRole('dialog', { name: RETURN });
  await answer.getByText('Answered').waitFor();
  await answer.locator('summary').filter({ hasText: /passages? (was|were) found/ }).click();
  await answer.getByRole('columnheader', { name: 'Search score' }).waitFor();
  await answer.getByRole('link', { name: 'Add a judged question' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a judged question' });
  assert.equal(await dialog.getByLabel('Question', { exact: true }).inputValue(), RETURN);
  assert.equal(await dialog.getByLabel('Expected outcome').inputValue(), 'answered');
  assert.equal(await dialog.getByLabel('Document that must be cited').inputValue(), 'faq-return-opened');
  await dialog.getByLabel('The answer must contain').fill('7 天');
  // What was typed survives a reload.
  await page.reload();
  await dialog.getByText(/Restored what you had typed/).waitFor();
  assert.equal(await dialog.getByLabel('The answer must contain').inputValue(), '7 天');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The judged question was saved').waitFor();
  await dialog.waitFor({ state: 'detached' });
  const { questions } = await service.api('GET', '/v1/judged-questions');
  const added = questions.filter((one) => one.contains === '7 天');
  assert.deepEqual(added.map((one) => [one.question, one.outcome, one.document_id]), [[RETURN, 'answered', 'faq-return-opened']]);

  await rows('Judged questions').filter({ hasText: added[0].id }).getByRole('button', { name: /^Delete/ }).click();
  await page.getByRole('dialog', { name: 'Delete this judged question?' }).getByRole('button', { name: 'Delete' }).click();
  await page.getByText(added[0].id).waitFor({ state: 'detached' });
  const rest = await service.api('GET', '/v1/judged-questions');
  assert.equal(rest.questions.length, questions.length - 1);
  await close();
});

test('question_run_change_and_level_by_keyboard_alone', async () => {
  await open('/quality');
  await tabTo(page, page.getByRole('button', { name: 'Add a judged question' }));
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Add a judged question' });
  // The first field has the focus.
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await page.keyboard.type('How do I cancel an order I just placed?');
  await tabTo(page, dialog.getByLabel('Kind'));
  await page.keyboard.type('Answerable');
  await tabTo(page, dialog.getByRole('button', { name: 'Save' }));
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await rows('Judged questions').filter({ hasText: 'How do I cancel an order' }).getByText('Answerable').waitFor();
  // The focus returns to where the dialog was opened.
  await page.waitForFunction(() => document.activeElement?.textContent?.trim() === 'Add a judged question');

  await tabTo(page, page.getByRole('tab', { name: 'Judged questions' }), 60);
  await page.keyboard.press('ArrowRight');
  await page.waitForURL('**/quality?tab=runs');
  const start = async (n) => {
    await tabTo(page, page.getByRole('button', { name: 'Start a run' }));
    await page.keyboard.press('Enter');
    await rows('Runs').filter({ hasText: /of 7 met/ }).nth(n - 1).waitFor({ timeout: 120_000 });
  };
  await start(1);
  await rows('Runs').first().getByText('First run').waitFor();
  await desk('Fridays');
  await start(2);
  const changed = rows('Runs').first().getByRole('link', { name: '1 newly broken' });
  await tabTo(page, changed);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: /^Run of/ }).waitFor();
  await settle(page);
  assert.deepEqual(await page.getByRole('article').getByRole('heading').allInnerTexts(), [OPENING]);
  const broken = page.getByRole('article').first();
  await broken.getByText('contains “Mondays”').waitFor();
  await broken.getByText(/closed on Fridays/).waitFor();
  await desk('Mondays');

  // The level, with its price.
  await tabTo(page, page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Quality' }));
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByRole('tab', { name: 'Judged questions' }));
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.waitForURL('**/quality?tab=levels');
  await tabTo(page, page.getByRole('radio', { name: /^Balanced/ }));
  assert.equal(await page.getByRole('button', { name: /^Use/ }).count(), 0, 'nothing is chosen yet');
  await page.keyboard.press('ArrowDown');
  await page.getByText('Lenient instead of Balanced, on your own judged questions:').waitFor();
  await tabTo(page, page.getByRole('button', { name: 'Use Lenient' }));
  await page.keyboard.press('Enter');
  await page.getByText('The level is saved and holds from the next question').waitFor();
  assert.equal((await service.api('GET', '/v1/settings')).level, 'lenient');
  await service.api('PUT', '/v1/settings', { level: null });
  await close();
});

test('level_shows_its_price_and_every_figure_its_questions', async () => {
  const { run: done, questions } = await run();
  const before = done.totals.by_level.find((one) => one.level === 'balanced');
  const strictest = done.totals.by_level.find((one) => one.level === 'very_strict');
  await open('/quality?tab=levels');
  await page.getByText('7 questions say little yet.').waitFor();
  await page.getByRole('radio', { name: /^Very strict/ }).check();
  await page.getByText('Very strict instead of Balanced, on your own judged questions:').waitFor();
  const texts = { n_right: 'answered rightly', n_wrong: 'answered wrongly', n_refused: 'refused although answerable', n_falsely_answered: 'answered although unanswerable' };
  const price = Object.entries(texts)
    .map(([field, text]) => ({ by: strictest[field] - before[field], text }))
    .filter(({ by }) => by !== 0)
    .map(({ by, text }) => `${Math.abs(by)} ${by > 0 ? 'more' : 'fewer'} ${text}`);
  assert.ok(price.length > 0, 'the strictest level changes something');
  assert.deepEqual(await page.locator('.changes li').allInnerTexts(), price);
  const moved = questions.filter((row) => {
    const at = (level) => row.by_level.find((one) => one.level === level)?.judgement;
    return at('balanced') !== at('very_strict');
  });
  await page.getByText(new RegExp(`^${moved.length} questions? changes?$`)).click();
  assert.deepEqual((await page.locator('details[open] a').allInnerTexts()).sort(), moved.map((row) => row.expected.question).sort());
  await page.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.getByRole('radio', { name: /^Balanced/ }).isChecked(), true);
  assert.equal((await service.api('GET', '/v1/settings')).level, null, 'looking changes nothing');

  const figures = await page.getByRole('table', { name: 'Levels' }).getByRole('link').evaluateAll((links) => links.map((link) => [link.getAttribute('href'), Number(link.textContent)]));
  assert.ok(figures.length >= 10, 'the levels have figures');
  for (const [href, n] of figures) {
    await page.goto(href);
    await settle(page);
    assert.equal(await page.getByRole('article').count(), n, href);
  }
  await close();
});

test('every_figure_of_insights_opens_a_list_of_its_length', async () => {
  await open('/quality?tab=insights');
  await page.getByLabel('Show as a table').check();
  // Some figures are on each of the pages.
  const seen = new Set();
  for (const by of ['day', 'channel', 'tag', 'intent', 'reason']) {
    if (by !== 'day') {
      await page.goto(`/quality?tab=insights&by=${by}`);
      await page.getByRole('table', { name: 'Questions' }).waitFor();
    }
    await settle(page);
    const links = await page.locator('#content a[href*="tab=questions"]').evaluateAll((all) => all.map((link) => [link.getAttribute('href'), link.textContent.trim()]));
    const figures = new Map(links.filter(([, text]) => /^[\d,]+$/.test(text)).map(([href, text]) => [href, Number(text)]));
    assert.ok([...figures.values()].includes(ASKED.length), `${by}: the total`);
    assert.ok(figures.size >= 6, `${by}: ${figures.size} figures`);
    for (const [href, n] of figures) {
      if (seen.has(href)) continue;
      seen.add(href);
      await page.goto(href);
      await settle(page);
      await page.getByRole('status').filter({ hasText: new RegExp(`^${n} questions?$`) }).waitFor();
      assert.equal(await rows('Questions').count(), n, `${by}: ${href}`);
    }
  }
  await close();
});

test('log_is_filtered_by_days_that_both_count', async () => {
  await open('/quality?tab=questions');
  const { questions } = await service.api('GET', '/v1/questions');
  const day = await page.evaluate((at) => new Intl.DateTimeFormat('en-CA').format(new Date(at)), questions[0].at);
  const first = await page.evaluate((at) => new Intl.DateTimeFormat('en-CA').format(new Date(at)), questions.at(-1).at);
  await page.getByLabel('From', { exact: true }).fill(first);
  await page.getByLabel('To', { exact: true }).fill(day);
  await page.waitForURL(/from=.*to=/);
  await page.getByRole('status').filter({ hasText: `${ASKED.length} questions` }).waitFor();
  assert.equal(await page.getByLabel('To', { exact: true }).inputValue(), day, 'the field shows the day that was chosen');
  await page.getByLabel('Channel').fill('line');
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: '2 questions' }).waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await page.waitForURL('**/quality?tab=questions');
  assert.equal(await page.getByLabel('Channel').inputValue(), '');
  await close();
});

test('judged_questions_are_searched_and_filtered_by_address', async () => {
  await open('/quality?show=foreign');
  assert.equal(await rows('Judged questions').count(), 2);
  await page.getByRole('searchbox', { name: 'Search' }).fill('football');
  await page.getByRole('status').filter({ hasText: '1 of 7 questions' }).waitFor();
  await page.getByRole('searchbox', { name: 'Search' }).fill('nothing like it');
  await page.getByText('No judged question matches').waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await page.waitForURL('**/quality');
  assert.equal(await rows('Judged questions').count(), 7);
  await close();
});

test('run_starts_from_the_list_and_shows_itself', async () => {
  await open('/quality');
  const before = (await runs()).length;
  await page.getByRole('button', { name: 'Start a run' }).click();
  await page.waitForURL('**/quality/runs/*');
  const [newest, ...others] = await runs();
  assert.equal(others.length, before);
  assert.equal(new URL(page.url()).pathname, `/quality/runs/${newest.id}`);
  await page.getByText(/of \d+ met/).waitFor({ timeout: 120_000 });
  await settle(page);
  await close();
});

test('judged_question_of_a_missing_document_is_refused_at_its_field', async () => {
  await open('/quality?add=Who+is+there%3F&document=quality-missing');
  const dialog = page.getByRole('dialog', { name: 'Add a judged question' });
  const problem = { type: '/problems/invalid-value', title: 'Invalid value', status: 422, errors: [{ pointer: '/document_id', detail: 'no document has the id "quality-missing"' }] };
  await page.route('**/v1/judged-questions/*', (route) => route.fulfill({ status: 422, contentType: 'application/problem+json', body: JSON.stringify(problem) }));
  await dialog.getByRole('button', { name: 'Save' }).click();
  const field = dialog.getByLabel('Document that must be cited');
  await dialog.locator('input[aria-invalid="true"]').waitFor();
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  const texts = await field.evaluate((input) => input.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent));
  assert.ok(texts.includes(problem.errors[0].detail));
  await close();
});

test('run_that_cannot_start_says_so_and_can_be_tried_again', async () => {
  await open('/quality?tab=runs');
  const n = (await runs()).length;
  const problem = { type: '/problems/unavailable', title: 'Service unavailable', status: 503, detail: 'the store is locked', errors: [] };
  const refuse = (route) => (route.request().method() === 'POST' ? route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) }) : route.continue());
  await page.route('**/v1/judged-runs', refuse);
  await page.getByRole('button', { name: 'Start a run' }).click();
  await page.getByRole('alert').getByText('the store is locked').waitFor();
  await page.unroute('**/v1/judged-runs', refuse);
  await page.getByRole('button', { name: 'Start a run' }).click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await rows('Runs').nth(n).waitFor();
  await rows('Runs').first().getByText(/of 7 met/).waitFor({ timeout: 120_000 });
  await close();
});

test('experiment_is_started_with_a_chosen_faq_and_stopped', async () => {
  await open('/quality?tab=experiments');
  await page.getByRole('button', { name: 'Start an experiment' }).click();
  const dialog = page.getByRole('dialog', { name: 'Start an experiment' });
  await dialog.getByLabel('Id', { exact: true }).fill('quality-desk');
  await dialog.getByLabel('FAQ', { exact: true }).fill('quality');
  // The FAQ is suggested by the words of its id.
  await page.waitForFunction(() => document.querySelector('datalist option[value="quality-desk"]'));
  await dialog.getByLabel('FAQ', { exact: true }).fill('quality-desk');
  await dialog.getByText('The quality desk is closed on Mondays.').waitFor();
  await dialog.getByLabel('Name').fill('polite');
  await dialog.getByLabel('Answer', { exact: true }).fill('We are sorry: the quality desk is closed on Mondays.');
  await dialog.getByRole('button', { name: 'Start an experiment' }).click();
  const card = page.getByRole('article').filter({ hasText: 'quality-desk' });
  await card.getByText('Running').waitFor();
  await card.getByText('We are sorry: the quality desk is closed on Mondays.').waitFor();
  await card.getByText(/It decides once the evidence reaches 40; the chance of a false decision is at most 5%/).waitFor();
  await card.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('dialog', { name: 'Stop quality-desk?' }).getByRole('button', { name: 'Stop' }).click();
  await card.getByText('Stopped', { exact: true }).waitFor();
  const { experiments } = await service.api('GET', '/v1/experiments');
  assert.deepEqual(experiments.map((one) => [one.id, one.state, one.winner]), [['quality-desk', 'stopped', null]]);
  await close();
});

for (const view of [
  { language: 'zh-Hant', theme: 'light', width: 1024 },
  { language: 'zh-Hans', theme: 'light', width: 390 },
  { language: 'en', theme: 'dark', width: 390 },
]) {
  test(`pages_and_dialogs_are_accessible in ${view.language}, ${view.theme}, ${view.width} px`, async () => {
    const [{ id }] = await runs();
    const [{ answer_id: asked }] = (await service.api('GET', '/v1/questions')).questions;
    const paths = ['?edit=new', `/runs/${id}`, `/runs/${id}?filter=foreignAnswered&level=very_lenient`, '?tab=levels', `?tab=questions&answer=${asked}`, '?tab=insights&by=channel', '?tab=experiments&new=1', '?tab=experiments'];
    await open('/quality', view);
    for (const path of paths) {
      await page.goto(`/quality${path}`);
      await settle(page);
      assert.deepEqual(await findings(page), [], path);
      assert.equal(await overflows(page), false, path);
    }
    if (view.width === 390) {
      const cut = await page.locator('.bar nav').evaluate((nav) => nav.scrollWidth - nav.clientWidth);
      assert.ok(cut <= 0, `the words of the menu have room, ${cut} px are cut`);
    }
    await close();
  });
}
