// The Ask screen on the sample shop: asking, sources, reasons, side by side, follow-ups, repairs, and by keyboard alone.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { findings, newPage, overflows, settle, startBrowser, startService, tabTo } from './support.mjs';

const QUESTION = 'How much is home delivery to the outlying islands?';
let service, browser, page;
before(async () => {
  [service, browser] = await Promise.all([startService({ keys: true }), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await service?.stop();
});
beforeEach(async () => {
  page = await newPage(browser, service);
  await signIn('editor');
});
afterEach(async () => {
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

async function signIn(role) {
  const reply = await page.request.post('/v1/session', { data: { key: service.keys[role] }, headers: { 'X-Ken-Console': '1' } });
  assert.ok(reply.ok(), await reply.text());
}

const box = () => page.getByRole('textbox', { name: /What would you like to know|Ask a follow-up/ });
const heading = (text) => page.getByRole('heading', { level: 2, name: text });
const passage = () => page.getByRole('complementary');

/** Asks by the box and waits for the answer. */
async function ask(question) {
  await box().fill(question);
  await box().press('Enter');
  await answered(question);
}

async function answered(question) {
  await heading(question).waitFor();
  await page.getByRole('button', { name: 'Why?' }).first().waitFor();
}

async function open(address, question) {
  await page.goto(address);
  if (question) await answered(question);
}

const asked = (query) => `/ask?${new URLSearchParams(query)}`;

test('an editor asks and opens the cited passage in its document', async () => {
  await open('/ask');
  const examples = page.getByRole('list', { name: 'Questions to begin with' }).getByRole('button');
  await examples.nth(2).waitFor();
  assert.equal(await examples.count(), 3);
  await ask(QUESTION);
  assert.equal(new URL(page.url()).searchParams.get('q'), QUESTION);
  const article = page.getByRole('article');
  assert.match(await article.innerText(), /Answered[^]*Confidence \d+%[^]*250/);

  const source = article.getByRole('button', { name: /^Source 1: / }).first();
  await source.click();
  const quote = (await article.getByRole('listitem').locator('blockquote').first().textContent()).split('\n')[0];
  const mark = passage().locator('mark').first();
  await mark.waitFor();
  const highlighted = (await passage().locator('mark').allInnerTexts()).join(' · ');
  assert.ok(highlighted.includes(quote), 'the quotation is highlighted');
  assert.ok(await passage().getByRole('columnheader').count() > 0, 'a table is shown as one');
  assert.doesNotMatch(await passage().innerText(), /^\|/m);
  assert.ok(await mark.evaluate((element) => {
    const [inner, outer] = [element.getBoundingClientRect(), element.closest('.text').getBoundingClientRect()];
    return inner.top >= outer.top && inner.top <= outer.bottom;
  }), 'the passage is in view');
  assert.deepEqual(await findings(page), []);

  // The open passage has an address of its own.
  await page.reload();
  await mark.waitFor();
  const link = passage().getByRole('link', { name: 'Open in its document' });
  assert.match(await link.getAttribute('href'), /^\/(documents\/.+version=\d+&at=\d+-\d+&question=.+|faqs\/.+)$/);
});

test('the reasons say what was found, read and cited', async () => {
  await open(asked({ q: QUESTION }), QUESTION);
  const why = page.getByRole('button', { name: 'Why?' });
  await why.click();
  const table = page.getByRole('table', { name: /passages found/ });
  await table.waitFor();
  assert.equal(await table.getByRole('rowheader').count(), 10);
  assert.equal(await table.getByText('Cited as 1').count(), 1);
  assert.ok((await table.getByText(/^Read: /).count()) >= 1);
  assert.ok((await table.getByText('Not read').count()) >= 1);
  await page.getByText('Figures behind the decision').click();
  await page.getByRole('rowheader', { name: 'Similarity, first passage' }).waitFor();
  assert.deepEqual(await findings(page), []);
  await page.reload();
  await table.waitFor();
  await table.getByRole('rowheader').nth(4).getByRole('button').click();
  await passage().locator('mark').first().waitFor();
});

test('a trial leaves no record', async () => {
  const question = 'Do you ship to Kinmen by drone?';
  await open(asked({ q: question }), question);
  const { gaps } = await service.api('GET', '/v1/insights/gaps');
  assert.ok(!JSON.stringify(gaps).includes('drone'));
  const count = async () => (await service.api('GET', '/v1/insights/summary')).total.n;
  const n = await count();
  await ask('Is the drone delivery insured?');
  assert.equal(await count(), n);
  assert.equal(typeof n, 'number');
});

test('the same question stands side by side with its differences', async () => {
  const question = 'How long is the warranty on earphones?';
  await open(asked({ q: question }), question);
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.getByRole('menuitem', { name: 'Level: Very strict' }).click();
  const columns = page.getByRole('article');
  await columns.nth(1).getByRole('button', { name: 'Why?' }).waitFor();
  assert.equal(await columns.count(), 2);
  assert.equal(new URL(page.url()).searchParams.get('v'), 'level=very_strict');

  await page.getByRole('button', { name: 'Compare' }).click();
  await page.getByRole('menuitem', { name: /Another time/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Point in time').fill('2001-01-01T10:00');
  await dialog.getByLabel('Audience').fill('agent, tier:gold');
  await dialog.getByLabel('Channel').fill('sms');
  await dialog.getByRole('button', { name: 'Apply' }).click();
  await dialog.waitFor({ state: 'detached' });
  const third = page.getByRole('article', { name: /As of .*2001.*Audience: agent, tier:gold.*Channel: sms/ });
  await third.getByRole('button', { name: 'Why?' }).waitFor();
  assert.match(await third.innerText(), /Same answer as in the first column|Outcome:|Different text/);
  assert.deepEqual(await findings(page), []);

  await page.reload();
  await third.waitFor();
  await page.getByRole('button', { name: 'Remove: Level: Very strict' }).click();
  assert.equal(await columns.count(), 2);
  await third.waitFor();
});

test('follow-ups keep their turns, and back returns to them', async () => {
  const [first, second] = ['How long is the warranty of SweepGo S7?', 'And of DoorMate K1?'];
  await open('/ask');
  await ask(first);
  const request = page.waitForRequest('**/v1/answers');
  await ask(second);
  assert.deepEqual((await request).postDataJSON().history.map((one) => one.role), ['user', 'agent']);
  const earlier = page.getByText('1 earlier turn of this conversation');
  await earlier.waitFor();
  await page.getByRole('listitem').filter({ hasText: first }).waitFor();
  await page.reload();
  await answered(second);
  await earlier.waitFor();
  await page.goBack();
  await answered(first);
  await earlier.waitFor({ state: 'detached' });
  await page.goForward();
  await answered(second);
  await page.getByRole('button', { name: 'New conversation' }).click();
  await heading(second).waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).search, '');
});

test('a customer\'s question is recorded once and takes feedback', async () => {
  await open('/ask');
  await page.getByRole('switch', { name: 'Count as a customer’s question' }).check();
  await ask('Can I get a paper invoice?');
  const address = new URL(page.url());
  assert.equal(address.searchParams.get('q'), null, 'opening the address again must not ask again');
  const conversation = address.searchParams.get('conversation');
  await page.reload();
  await answered('Can I get a paper invoice?');
  const { turns } = await service.api('GET', `/v1/conversations/${conversation}`);
  assert.equal(turns.length, 1);

  await page.getByRole('button', { name: 'This is wrong' }).click();
  await page.getByRole('menuitem', { name: /feedback/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What is wrong').selectOption('outdated');
  await dialog.getByLabel('Comment').fill('The rules changed in July.');
  assert.deepEqual(await findings(page), []);
  // What is typed survives the dialog.
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'This is wrong' }).click();
  await page.getByRole('menuitem', { name: /feedback/ }).click();
  await dialog.getByText('Restored what you had typed').waitFor();
  assert.equal(await dialog.getByLabel('Comment').inputValue(), 'The rules changed in July.');
  await dialog.getByRole('button', { name: 'Send feedback' }).click();
  await page.getByText('Feedback sent').waitFor();
  const { feedback } = await service.api('GET', '/v1/feedback');
  assert.deepEqual(feedback.map((one) => [one.answer_id, one.reason]), [[turns[0].answer_id, 'outdated']]);
});

test('each repair of a wrong answer is one menu away', async () => {
  const question = 'When do I get my money back?';
  await open(asked({ q: question }), question);
  const menu = async (name) => {
    await page.getByRole('button', { name: 'This is wrong' }).click();
    return page.getByRole('menuitem', { name });
  };
  const missing = await menu(/A fact is missing/);
  assert.equal(await missing.getAttribute('href'), `/faqs/new?question=${encodeURIComponent(question).replaceAll('%20', '+')}`);
  assert.match(await page.getByRole('menuitem', { name: /^Edit (source|FAQ) 1/ }).getAttribute('href'), /^\/(documents|faqs)\//);
  await page.keyboard.press('Escape');

  const dialog = page.getByRole('dialog');
  for (const [name, parameter] of [[/Add the question/, 'add'], [/must not answer/, 'negative']]) {
    await (await menu(name)).click();
    await dialog.getByLabel('Search FAQs').fill('refund');
    const faq = dialog.getByRole('link', { name: /When will I get my refund/ });
    assert.equal(await faq.getAttribute('href'), `/faqs/faq-refund-when.en?${new URLSearchParams({ [parameter]: question })}`);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  }

  await page.getByRole('button', { name: 'Add to the judged questions' }).click();
  await dialog.getByLabel('Expected outcome').selectOption('answered');
  await dialog.getByLabel('Text that the answer must contain').fill('working days');
  await dialog.getByRole('textbox', { name: 'Id' }).fill('ask-refund');
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The judged question is saved.').waitFor();
  await dialog.waitFor({ state: 'detached' });
  const { questions } = await service.api('GET', '/v1/judged-questions');
  const made = questions.find((one) => one.id === 'ask-refund');
  assert.deepEqual([made.question, made.outcome, made.contains], [question, 'answered', 'working days']);
  await page.locator('.toasts').getByRole('link', { name: 'See the judged questions' }).click();
  await page.getByRole('list', { name: 'Judged questions' }).getByText(question).waitFor();
});

test('asking, a source and its way back work by keyboard alone', async () => {
  await open('/ask');
  await tabTo(page, box());
  await page.keyboard.type('How long does');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('a refund take?');
  assert.equal(await box().inputValue(), 'How long does\na refund take?');
  await page.keyboard.press('Enter');
  await answered(/How long does\s+a refund take\?/);
  const source = page.getByRole('button', { name: /^Source 1: / }).first();
  await tabTo(page, source);
  await page.keyboard.press('Enter');
  await passage().locator('mark').first().waitFor();
  await page.waitForFunction(() => document.activeElement?.id === 'passage-title');
  await page.keyboard.press('Escape');
  await passage().waitFor({ state: 'detached' });
  assert.ok(await source.evaluate((element) => element === document.activeElement), 'the focus returns to the source');
  const wrong = page.getByRole('button', { name: 'This is wrong' });
  await tabTo(page, wrong);
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem').first().waitFor();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Escape');
  await page.getByRole('menuitem').first().waitFor({ state: 'detached' });
  await tabTo(page, page.getByRole('button', { name: 'Add to the judged questions' }));
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Add to the judged questions' });
  await dialog.waitFor();
  // The first field has the focus.
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
});

test('an Enter that ends a word of an input method does not ask', async () => {
  await open('/ask');
  await box().fill('ㄊㄨㄟˋ');
  await box().dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true });
  assert.equal(new URL(page.url()).search, '');
  assert.equal(await box().inputValue(), 'ㄊㄨㄟˋ');
  await ask('退款');
  assert.equal(new URL(page.url()).searchParams.get('q'), '退款');
});

test('a question can be stopped and asked again, and a failure says so', async () => {
  let release;
  const held = new Promise((done) => (release = done));
  await page.route('**/v1/answers', async (route) => {
    await held;
    await route.abort().catch(() => {});
  });
  await page.goto(asked({ q: QUESTION }));
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stopped.').waitFor();
  release();
  await page.unroute('**/v1/answers');

  await page.route('**/v1/answers', (route) =>
    route.fulfill({ status: 429, contentType: 'application/problem+json', body: JSON.stringify({ type: '/problems/overloaded', title: 'Service overloaded', status: 429 }) }),
  );
  await page.getByRole('button', { name: 'Ask again' }).click();
  await page.getByRole('alert').filter({ hasText: 'Service overloaded' }).waitFor();
  await page.unroute('**/v1/answers');
  await page.getByRole('button', { name: 'Try again' }).click();
  await answered(QUESTION);
});

test('what is typed and not asked is kept', async () => {
  await open('/ask');
  await box().fill('A long question that is not finished');
  await page.reload();
  await page.getByText('Restored what you had typed').waitFor();
  assert.equal(await box().inputValue(), 'A long question that is not finished');
  await page.getByRole('button', { name: 'Discard the draft' }).click();
  await page.reload();
  await settle(page);
  assert.equal(await box().inputValue(), '');
});

test('who may only ask sees the answer and its sources, and nothing to mend', async () => {
  await signIn('bot');
  await open('/ask');
  await box().fill(QUESTION);
  await box().press('Enter');
  const article = page.getByRole('article');
  await article.getByText('Answered').waitFor();
  await article.locator('blockquote').first().waitFor();
  for (const name of ['Why?', 'This is wrong', 'How to ask', 'Compare']) assert.equal(await page.getByRole('button', { name }).count(), 0, name);
  assert.ok(!/Confidence/.test(await article.innerText()));
  await page.reload();
  await article.getByText('Answered').waitFor();
  assert.deepEqual(await findings(page), []);
});

test('an empty workspace says what to do first', async () => {
  await signIn('operator');
  await page.addInitScript(() => localStorage.setItem('ken.workspace', 'ask-empty'));
  await open('/ask');
  await page.getByText('The knowledge base is empty').waitFor();
  await page.getByRole('link', { name: 'Add documents' }).waitFor();
  assert.deepEqual(await findings(page), []);
});

test('narrow screens show the source below the answer', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await open(asked({ q: QUESTION }), QUESTION);
  await page.getByRole('button', { name: /^Source 1: / }).first().click();
  await passage().locator('mark').first().waitFor();
  const [answer, source] = [await page.getByRole('article').boundingBox(), await passage().boundingBox()];
  assert.ok(source.y >= answer.y + answer.height);
  assert.ok(!(await overflows(page)));
  assert.deepEqual(await findings(page), []);
});
