// Learning: from a gap or a case to an approved FAQ, and what contradicts itself.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findings, newPage, overflows, settle, startBrowser, startService, tabTo } from './support.mjs';

let service;
let browser;
let page;
/** Drafts that the tests decide about, by what is asked. */
const drafts = {};

const answer = '無電梯五樓以上的大件，每件加收 NT$90。';
const resolved = (id, question, text) => ({
  id,
  outcome: 'resolved',
  agent: 'Amy',
  turns: [
    { role: 'customer', text: question },
    { role: 'agent', text },
  ],
});

before(async () => {
  service = await startService();
  browser = await startBrowser();
  const cases = [
    resolved('learning-1', '五樓沒電梯，送上來要加錢嗎？我姓駱 0912-345-678', `駱小姐您好，${answer}`),
    resolved('learning-2', '禮盒可以刻名字嗎？', '禮盒可以雷射刻字，最多十個字，每件 NT$80。'),
    resolved('learning-3', '可以到府安裝窗簾嗎？', '窗簾可以到府安裝，每扇窗 NT$500。'),
    resolved('learning-4', '地毯可以送洗嗎？', '地毯可以送洗，每坪 NT$300。'),
  ];
  // The service waits for 10 s at most; cases that it knows change nothing.
  while (!(await service.api('POST', '/v1/cases?wait=distilled', { cases })).distilled);
  const { drafts: all } = await service.api('GET', '/v1/drafts?class=all&limit=100');
  for (const draft of all) for (const source of draft.sources) drafts[source.id] = draft;
  for (let n = 0; n < 3; n++) {
    for (const question of ['你們有賣咖啡豆訂閱嗎？', '咖啡豆訂閱每個月多少錢']) await service.api('POST', '/v1/answers', { question, customer_id: `c${n}` });
  }
  const text = (months) => `# 延長保固\n\n加購延長保固後，保固期間為 ${months} 個月，自到貨日起算。`;
  await service.api('PUT', '/v1/documents/learning-a', { title: '延長保固', text: text(24) });
  await service.api('PUT', '/v1/documents/learning-b?wait=indexed', { title: '延長保固', text: text(36) });
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

async function open(path, options) {
  page = await newPage(browser, service, options);
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

test('a gap leads to an FAQ that begins with its wordings', async () => {
  await open('/learning?days=7');
  const gap = page.getByRole('article').filter({ hasText: '咖啡豆' });
  await gap.getByText(/wording.*closest knowledge/).click();
  await page.waitForURL(/gap=gap_/);
  const href = new URL(await gap.getByRole('link', { name: 'Write the FAQ' }).getAttribute('href'), service.url);
  assert.equal(href.pathname, '/faqs/new');
  assert.match(href.searchParams.get('question') + href.searchParams.getAll('variants').join(), /每個月多少錢/);
  assert.match(href.searchParams.get('question') + href.searchParams.getAll('variants').join(), /有賣咖啡豆訂閱/);
  await close();
});

test('a draft is edited, accepted and proved by a judged question', async () => {
  const { id } = drafts['learning-1'];
  await open(`/learning/drafts/${id}`);
  // The case stands beside it, without what was redacted.
  await page.getByText('[phone:1]').waitFor();
  assert.equal(await page.getByText('0912').count(), 0);
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Question', { exact: true }).fill('五樓沒有電梯，送貨要加錢嗎？');
  await page.getByLabel('Answer', { exact: true }).fill(answer);
  // What was typed survives a reload.
  await page.reload();
  await page.getByText(/Restored what you had typed/).waitFor();
  assert.equal(await page.getByLabel('Question', { exact: true }).inputValue(), '五樓沒有電梯，送貨要加錢嗎？');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Draft saved').waitFor();
  await page.getByText(/Edited by/).waitFor();
  await page.getByRole('button', { name: 'Accept' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Accept and publish' }).click();
  await page.getByText('Published as').waitFor();
  const after = await service.api('POST', '/v1/answers', { question: '五樓沒有電梯，送貨要加錢嗎？' });
  assert.equal(after.outcome, 'answered');
  assert.match(JSON.stringify(after), /90/);
  await page.getByRole('button', { name: 'Prove it with a judged question' }).click();
  await page.getByText(/It is a judged question now/).waitFor();
  const { questions } = await service.api('GET', '/v1/judged-questions');
  assert.equal(questions.find((one) => one.id === `draft-${id}`).document_id, `learned/${id}`);
  await close();
});

test('a draft is found and rejected with the keyboard alone', async () => {
  await open('/learning?tab=drafts');
  const link = page.locator(`a[data-draft="${drafts['learning-2'].id}"]`);
  await link.waitFor();
  const n = await page.locator('a[data-draft]').count();
  for (let presses = 0; presses <= n; presses++) {
    await page.keyboard.press('j');
    if (await link.evaluate((element) => element === document.activeElement)) break;
  }
  assert.equal(await link.evaluate((element) => element === document.activeElement), true);
  await page.keyboard.press('r');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await tabTo(page, dialog.getByLabel('It is wrong'));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await tabTo(page, dialog.getByRole('button', { name: 'Reject' }));
  await page.keyboard.press('Enter');
  await page.getByText('Draft rejected').waitFor();
  const after = await service.api('GET', `/v1/drafts/${drafts['learning-2'].id}`);
  assert.equal(after.state, 'rejected');
  assert.equal(after.history.at(-1).reason, 'not_general');
  await close();
});

test('shortcuts can be turned off, and do nothing in a field', async () => {
  await open(`/learning/drafts/${drafts['learning-3'].id}`);
  await page.getByRole('checkbox', { name: 'Shortcuts' }).uncheck();
  await page.locator('#page-title').focus();
  await page.keyboard.press('r');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await page.reload();
  await settle(page);
  assert.equal(await page.getByRole('checkbox', { name: 'Shortcuts' }).isChecked(), false);
  await page.getByRole('checkbox', { name: 'Shortcuts' }).check();
  await page.locator('#page-title').focus();
  await page.keyboard.press('e');
  const question = page.getByLabel('Question', { exact: true });
  await question.focus();
  await page.keyboard.press('End');
  await page.keyboard.type('jar');
  assert.match(await question.inputValue(), /jar$/);
  assert.equal(await page.getByRole('dialog').count(), 0);
  await close();
});

test('a draft is merged into an FAQ that is chosen by search', async () => {
  await service.api('PUT', '/v1/faqs/learning-rug?wait=indexed', { question: '地毯怎麼清洗？', answer: '地毯請送洗，每坪 NT$300。' });
  const { id, question } = drafts['learning-4'];
  await open(`/learning/drafts/${id}`);
  await page.getByRole('button', { name: 'Merge' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Search').fill('地毯怎麼清洗');
  await dialog.getByLabel(/learning-rug/).check();
  await dialog.getByRole('button', { name: 'Merge' }).click();
  await page.getByText('The wordings were added to the FAQ').waitFor();
  assert.ok((await service.api('GET', '/v1/faqs/learning-rug')).variants.includes(question));
  assert.equal((await service.api('GET', `/v1/drafts/${id}`)).state, 'rejected');
  await close();
});

test('with four eyes the same person cannot approve twice', async () => {
  await service.api('PUT', '/v1/settings', { learning: { four_eyes: true } });
  const { id } = drafts['learning-3'];
  await open(`/learning/drafts/${id}?do=approve`);
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your name').fill('Amy');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await page.getByText(/Amy approved it on/).waitFor();
  await page.getByRole('button', { name: 'Accept' }).click();
  await dialog.getByRole('button', { name: 'Accept and publish' }).click();
  await dialog.getByText('Another person has to approve it').waitFor();
  await dialog.getByLabel('Your name').fill('Bob');
  await dialog.getByRole('button', { name: 'Accept and publish' }).click();
  await page.getByText('Published as').waitFor();
  await service.api('PUT', '/v1/settings', { learning: { four_eyes: false } });
  await close();
});

test('a check finds a contradiction and a person says which holds', async () => {
  await open('/learning?tab=upkeep');
  await page.getByRole('button', { name: 'Check now' }).click();
  await page.getByText(/findings?, checked/).waitFor({ timeout: 120_000 });
  await page.getByRole('tab', { name: /Contradictions/ }).click();
  // The first one is open already.
  const card = page.getByRole('button', { name: /learning-a · learning-b/ });
  await card.waitFor();
  if ((await card.getAttribute('aria-expanded')) !== 'true') await card.click();
  const side = page.getByRole('region', { name: '延長保固' }).filter({ hasText: 'learning-b' });
  await side.locator('mark', { hasText: '36 個月' }).waitFor();
  await side.getByRole('button', { name: 'This one holds' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
  await page.getByText('Archived', { exact: true }).waitFor();
  assert.equal((await service.api('GET', '/v1/documents/learning-a')).status, 'archived');
  assert.equal((await service.api('GET', '/v1/documents/learning-b')).status, 'published');
  const { reviews } = await service.api('GET', '/v1/reviews');
  assert.deepEqual(reviews.filter((one) => one.document_ids.join() === 'learning-a,learning-b'), []);
  await close();
});

test('a case is submitted, and its personal data shown only when asked for', async () => {
  await open('/learning?tab=cases');
  await page.getByLabel('Turn 1', { exact: true }).fill('沙發可以代為丟棄嗎？我姓王 0922-333-444');
  await page.getByLabel('Turn 2', { exact: true }).fill('王先生您好，舊沙發可以代為清運，每件 NT$700。');
  await page.getByLabel('Case id').first().fill('learning-sofa');
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.getByRole('link', { name: 'learning-sofa' }).click();
  await page.getByText('[phone:1]').waitFor();
  assert.equal(await page.getByText('0922').count(), 0);
  await page.getByRole('button', { name: 'Reveal personal data' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reveal personal data' }).click();
  await page.getByText(/0922-333-444/).waitFor();
  await page.reload();
  await page.getByText('[phone:1]').waitFor();
  assert.equal(await page.getByText('0922').count(), 0);
  await close();
});

test('a filled gap is closed, another dismissed, and both come back', async () => {
  for (let n = 0; n < 2; n++) await service.api('POST', '/v1/answers', { question: '可以幫忙遛狗嗎？', customer_id: `c${n}` });
  await service.api('PUT', '/v1/faqs/learning-coffee?wait=indexed', {
    question: '你們有賣咖啡豆訂閱嗎？',
    answer: '有，每個月 NT$600。',
    variants: ['咖啡豆訂閱每個月多少錢'],
  });
  await open('/learning?days=7');
  const dog = page.getByRole('article').filter({ hasText: '遛狗' });
  await dog.waitFor();
  assert.equal(await page.getByRole('article').filter({ hasText: '咖啡豆' }).count(), 0, 'a filled gap is no open one');
  await page.getByRole('heading', { name: 'Filled since (1)' }).click();
  await page.waitForURL(/show=filled/);
  const filled = page.getByRole('list', { name: 'Filled since (1)' });
  assert.equal(await filled.getByRole('link', { name: '你們有賣咖啡豆訂閱嗎？' }).getAttribute('href'), '/faqs/learning-coffee');
  const ending = filled.getByRole('button', { name: /^Close the gap: / });
  await ending.click();
  await page.getByText(/^Closed the gap/).waitFor();
  await ending.waitFor({ state: 'detached' });
  await page.locator('.toasts').getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Reopened the gap.').waitFor();
  await ending.waitFor();
  await ending.click();
  await ending.waitFor({ state: 'detached' });

  await dog.getByRole('button', { name: /^Not ours to answer/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Is this not ours to answer?' });
  await dialog.getByText('可以幫忙遛狗嗎？').waitFor();
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole('button', { name: 'Not ours to answer' }).click();
  await dog.waitFor({ state: 'detached' });
  const { gaps } = await service.api('GET', '/v1/insights/gaps?days=7');
  assert.equal(gaps.filter((gap) => /遛狗|咖啡豆/.test(gap.question)).length, 0);

  await page.reload();
  await settle(page);
  await page.getByRole('heading', { name: 'Closed gaps (2)' }).click();
  await page.waitForURL(/show=closed/);
  const closed = page.getByRole('list', { name: 'Closed gaps (2)' }).getByRole('listitem');
  await closed.filter({ hasText: '咖啡豆' }).getByText('Filled', { exact: true }).waitFor();
  await closed.filter({ hasText: '遛狗' }).getByRole('button', { name: /^Reopen/ }).click();
  await dog.waitFor();
  await page.getByRole('heading', { name: 'Closed gaps (1)' }).waitFor();
  await close();
});

test('home counts no gap that was filled since', async () => {
  await service.api('POST', '/v1/answers', { question: '可以帶烏龜進門市嗎？', customer_id: 'c0' });
  await service.api('PUT', '/v1/faqs/learning-turtle?wait=indexed', { question: '可以帶烏龜進門市嗎？', answer: '可以，請放在籠子裡。' });
  const { gaps } = await service.api('GET', '/v1/insights/gaps?days=30');
  const nOpen = gaps.filter((gap) => !gap.filled_by).length;
  assert.ok(nOpen > 0 && nOpen < gaps.length, `${nOpen} of ${gaps.length} are open`);
  await open('/');
  const need = page.getByRole('region', { name: 'What needs you' }).locator('a[href="/learning?tab=gaps"]');
  assert.equal(await need.locator('.count').innerText(), String(nOpen));
  await close();
});
