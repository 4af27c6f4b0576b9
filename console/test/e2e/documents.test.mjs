// Documents, with a real service and a real browser: the list, uploads, a document, its versions and the editor.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LANGUAGES, THEMES, WIDTHS, findings, newPage, overflows, settle, startBrowser, startService, tabTo } from './support.mjs';

const HOSTILE = '<img src=x onerror="alert(1)">{{constructor}}';
const RATES = `# Parcel rates

Prices hold for one parcel.

## Islands

| Zone | Price |
| --- | --- |
| Mainland | NT$80 |
| Islands | NT$200 |

## Stairs

Each floor without a lift costs NT$90.
`;
let browser;
let service;
let folder;
const at = (id) => `/v1/documents/${encodeURIComponent(id)}`;
/** Writes a document past the console and waits until it is searchable. */
const put = (id, fields) => service.api('PUT', `${at(id)}?wait=indexed&force=true`, fields);
const read = (id) => service.api('GET', at(id));
const versions = async (id) => (await service.api('GET', `${at(id)}/versions`)).versions;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ken-documents-'));
  browser = await startBrowser();
  service = await startService({ sample: false });
  for (const n of [1, 2, 3]) await put(`shelf/book-${n}`, { title: `Shelfmark ${n}`, text: `# Shelfmark ${n}\n\nBook ${n} stands on shelf ${n}.`, tags: ['lending'] });
  await put('shelf/deep/members', { title: 'Members only', text: '# Members\n\nMembers borrow ten books.', audience: ['member'] });
  await put('rates', { text: RATES });
});
after(async () => {
  await browser?.close();
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A page on which no tour is in the way. */
async function open(address, options) {
  const page = await newPage(browser, service, options);
  await page.addInitScript(() => localStorage.setItem('ken.tour', 'seen'));
  await page.goto(address);
  await settle(page);
  return page;
}
async function close(page) {
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
}
const row = (page, text) => page.getByRole('list', { name: 'Documents' }).getByRole('listitem').filter({ hasText: text });
const toast = (page) => page.locator('.toasts');
const editor = (page) => page.getByRole('textbox', { name: 'Text', exact: true });
/** A row of the versions, whose number is its header. */
const version = (page, number) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: String(number), exact: true }) });

test('list_is_filtered_by_address_and_its_fields_follow', async () => {
  const page = await open('/documents');
  await page.getByRole('searchbox', { name: 'Search' }).fill('shelfmark 2');
  await page.waitForURL('**/documents?q=shelfmark+2');
  await row(page, 'Shelfmark 1').waitFor({ state: 'detached' });
  await row(page, 'Shelfmark 2').waitFor();
  assert.equal(await row(page, 'Shelfmark').count(), 1);

  await page.goto('/documents?audience=member');
  await row(page, 'Members only').getByText('Only for member').waitFor();
  assert.equal(await page.getByRole('searchbox', { name: 'Audience' }).inputValue(), 'member');
  await page.getByRole('combobox', { name: 'Status' }).selectOption('draft');
  await page.getByText('No document matches').waitFor();
  await page.getByRole('link', { name: 'Clear the filter' }).click();
  await row(page, 'Shelfmark 3').waitFor();
  assert.equal(await page.getByRole('searchbox', { name: 'Audience' }).inputValue(), '', 'the field follows the address');

  await row(page, 'Shelfmark 3').getByRole('link', { name: /lending$/ }).click();
  await page.waitForURL('**/documents?tag=lending');
  await row(page, 'Members only').waitFor({ state: 'detached' });
  await row(page, 'Shelfmark 1').waitFor();
  assert.equal(await row(page, 'Shelfmark').count(), 3);
  await close(page);
});

test('tree_leads_through_folders_to_a_document_and_back', async () => {
  const page = await open('/documents');
  await page.getByRole('link', { name: 'Folders' }).click();
  await page.getByRole('link', { name: /^shelf\s+4 documents/ }).click();
  await page.waitForURL('**/documents?view=tree&prefix=shelf*');
  await page.getByText('Uploaded files go into the folder shelf/').waitFor();
  await page.getByRole('link', { name: /^deep\s+1 document/ }).click();
  await page.getByRole('link', { name: 'Members only' }).click();
  await page.getByRole('heading', { level: 1, name: 'Members only' }).waitFor();
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'shelf' }).click();
  await page.getByRole('link', { name: 'Shelfmark 1' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'New document' }).getAttribute('href'), '/documents/new?as=shelf%2F');
  await close(page);
});

test('upload_goes_into_the_open_folder_and_reports_each_file', async () => {
  const page = await open('/documents?view=tree&prefix=shelf%2F');
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Choose files' }).click()]);
  await chooser.setFiles([
    { name: 'opening.md', mimeType: 'text/markdown', buffer: Buffer.from('# Opening hours\n\nThe reading room opens at nine.') },
    { name: 'broken.pdf', mimeType: 'application/pdf', buffer: Buffer.from('no pdf') },
    { name: '.hidden', mimeType: 'text/plain', buffer: Buffer.from('x') },
  ]);
  const items = page.getByRole('list', { name: 'Result of each file' });
  await items.getByText('1 document written').waitFor();
  await items.getByText('not a valid PDF').waitFor();
  assert.match(await items.getByRole('listitem').first().innerText(), /shelf\/broken\.pdf\s+Failed · not a valid PDF/, 'what failed comes first');
  await page.getByText('1 file was skipped').click();
  await page.getByText('system or hidden file').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await items.waitFor({ state: 'detached' });
  assert.doesNotMatch(page.url(), /job=/);

  await page.getByRole('link', { name: 'Opening hours' }).click();
  await page.getByRole('tab', { name: 'Original' }).click();
  assert.match(await page.getByRole('region', { name: 'Uploaded file' }).last().innerText(), /# Opening hours/);
  await page.getByRole('heading', { level: 2, name: 'Opening hours' }).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
  assert.equal(readFileSync(await download.path(), 'utf8'), '# Opening hours\n\nThe reading room opens at nine.');
  await close(page);
});

test('document_shows_tables_and_marks_a_cited_span', async () => {
  const { text } = await read('rates');
  const start = Buffer.byteLength(text.slice(0, text.indexOf('| Islands')));
  const page = await open(`/documents/rates?at=${start}-${start + 5}`);
  assert.equal(await page.getByRole('columnheader', { name: 'Price' }).count(), 1);
  assert.deepEqual(await page.locator('mark').allInnerTexts(), ['Islands', 'NT$200']);
  await page.getByText('Searchable', { exact: true }).waitFor();
  await page.getByRole('tab', { name: 'Original' }).click();
  assert.match(await page.getByRole('region', { name: 'Text as it was written' }).last().innerText(), /\| Islands \| NT\$200/);
  await close(page);
});

test('document_is_edited_checked_saved_and_restored_by_keyboard_alone', async () => {
  await service.api('PUT', '/v1/judged-questions/stairs', { question: 'How much is each floor without a lift?', contains: 'NT$90' });
  const page = await open('/documents?q=rates');
  const press = async (locator, key = 'Enter') => {
    await tabTo(page, locator);
    await page.keyboard.press(key);
  };
  await press(row(page, 'Parcel rates').getByRole('link').first());
  await page.getByRole('heading', { level: 1, name: 'Parcel rates' }).waitFor();
  await press(page.getByRole('link', { name: 'Edit' }));
  await editor(page).waitFor();
  assert.equal(await editor(page).inputValue(), RATES, 'the headings that were written are there again');
  await tabTo(page, editor(page));
  await page.keyboard.press('Control+End');
  for (let n = 0; n < '90.\n'.length; n++) await page.keyboard.press('Backspace');
  await page.keyboard.type('120.');
  const main = page.getByRole('button', { name: 'Check and save' });
  await tabTo(page, main, 7);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Control+S');
  const check = page.getByRole('dialog', { name: 'Before saving' });
  await check.getByText('1 judged question breaks').waitFor();
  assert.match(await check.locator('ins').allInnerTexts().then((all) => all.join()), /120/);
  assert.equal((await versions('rates')).length, 1, 'a check writes nothing');
  assert.equal(await check.getByRole('button', { name: 'Save anyway' }).isDisabled(), true);
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press('Control+S');
  await page.keyboard.press('Escape');
  await check.waitFor({ state: 'detached' });

  // Without the check, the gate stops it until one goes on deliberately.
  await press(page.getByRole('button', { name: 'Save without the check' }));
  await press(page.getByRole('checkbox', { name: 'Save it although judged questions break' }), 'Space');
  await press(page.getByRole('button', { name: 'Save anyway' }));
  await toast(page).getByText('Changed: version 2').waitFor();
  assert.match((await read('rates')).text, /NT\$120/);
  const { chunks } = await service.api('GET', `${at('rates')}/chunks`);
  assert.deepEqual(chunks[0].heading_path, ['Parcel rates'], 'saving keeps the headings');
  await service.api('DELETE', '/v1/judged-questions/stairs');

  await tabTo(page, page.getByRole('tab', { name: 'As Ken sees it' }));
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.getByRole('tab', { name: /^Versions/, selected: true }).waitFor();
  await press(version(page, 2).getByRole('button', { name: 'Compare with the one before' }));
  await page.locator('del', { hasText: '90' }).waitFor();
  await page.locator('ins', { hasText: '120' }).waitFor();
  await press(version(page, 1).getByRole('button', { name: 'Restore' }));
  const dialog = page.getByRole('dialog', { name: 'Restore this version?' });
  await dialog.locator('button:focus', { hasText: 'Restore' }).waitFor();
  await page.keyboard.press('Enter');
  await toast(page).getByText('Restored').waitFor();
  assert.match((await read('rates')).text, /NT\$90/);
  await version(page, 3).getByText('Live').waitFor();
  await close(page);
});

test('check_shows_which_answers_change_and_asks_the_question_again', async () => {
  await put('hall', { title: 'Hall', text: '# Hall\n\nThe reading hall opens at nine.' });
  const question = 'When does the reading hall open?';
  await service.api('PUT', '/v1/judged-questions/hall', { question, contains: 'nine' });
  const page = await open(`/documents/hall?question=${encodeURIComponent(question)}`);
  const sent = [];
  await page.route('**/v1/documents:preview-impact', (route) => {
    const { questions, ...body } = route.request().postDataJSON();
    sent.push(questions);
    return route.continue({ postData: JSON.stringify(body) });
  });
  await page.getByRole('link', { name: 'Edit' }).click();
  await editor(page).fill('# Hall\n\nThe reading hall opens at ten.');
  const check = page.getByRole('dialog', { name: 'Before saving' });
  await page.getByRole('button', { name: 'Check and save' }).click();
  await check.getByText('1 judged question breaks').waitFor();
  await check.getByRole('button', { name: 'Edit on' }).click();
  assert.match((await read('hall')).text, /nine/, 'a check writes nothing');

  await editor(page).fill('# Hall\n\nThe reading hall opens at nine, on Sundays at ten.');
  await page.getByRole('button', { name: 'Check and save' }).click();
  await check.getByText('1 answer changes').waitFor();
  await check.getByRole('button', { name: 'Save', exact: true }).click();
  await toast(page).getByText('Changed: version 2').waitFor();
  assert.deepEqual(sent, [[question], [question]]);
  await toast(page).getByRole('link', { name: 'Ask again' }).click();
  await page.getByRole('heading', { level: 2, name: question }).waitFor();
  await service.api('DELETE', '/v1/judged-questions/hall');

  // Where no question led to the editor, none is asked again.
  await page.goto('/documents/hall/edit');
  await editor(page).fill('# Hall\n\nThe reading hall opens at nine, on Sundays at eleven.');
  await page.getByRole('button', { name: 'Check and save' }).click();
  await toast(page).getByText('Changed: version 3').waitFor();
  assert.equal(sent[2], undefined);
  assert.equal(await toast(page).getByRole('link').count(), 0);
  await close(page);
});

test('typed_text_survives_and_two_editors_see_both_versions', async () => {
  await put('lamps', { title: 'Lamps', text: '# Lamps\n\nLamps are lent for a week.' });
  const page = await open('/documents/lamps/edit');
  await editor(page).fill('# Lamps\n\nLamps are lent for a month.');
  await page.getByText('Not saved yet; the draft is kept in this browser.').waitFor();
  await page.reload();
  await page.getByText(/^Restored what you had typed/).waitFor();
  assert.equal(await editor(page).inputValue(), '# Lamps\n\nLamps are lent for a month.');

  await put('lamps', { title: 'Lamps and torches', text: '# Lamps\n\nLamps are lent for a day.' });
  await page.getByRole('button', { name: 'Check and save' }).click();
  const both = page.getByRole('dialog', { name: 'Somebody saved version 2 while you were editing.' });
  await both.waitFor();
  assert.match(await both.innerText(), /Title: Lamps and torches[\s\S]*for a day[\s\S]*Title: Lamps[\s\S]*for a month/);
  assert.match((await read('lamps')).text, /for a day/, 'nothing is overwritten');
  await both.getByRole('button', { name: 'Keep mine' }).click();
  await page.getByRole('button', { name: 'Check and save' }).click();
  await toast(page).getByText('Changed: version 3').waitFor();
  assert.match((await read('lamps')).text, /for a month/);
  await close(page);
});

test('new_document_needs_a_free_id', async () => {
  const page = await open('/documents/new?as=shelf%2F&title=Globes');
  const id = page.getByRole('textbox', { name: 'Id', exact: true });
  assert.equal(await id.inputValue(), 'shelf/');
  await id.fill('shelf/book-1');
  await editor(page).fill('# Globes\n\nGlobes stay in the hall.');
  await page.getByRole('button', { name: 'Check and save' }).click();
  await page.getByText('Another document already has this id. Choose a different one.').waitFor();
  assert.equal(await id.getAttribute('aria-invalid'), 'true');
  assert.equal((await read('shelf/book-1')).title, 'Shelfmark 1');
  await id.fill('shelf/globes');
  // A fault in a folded field is seen.
  await page.getByText('More fields').click();
  await page.getByRole('textbox', { name: 'Address' }).fill('javascript:alert(1)');
  await page.getByText('More fields').click();
  await page.getByRole('button', { name: 'Check and save' }).click();
  await page.locator('input[aria-invalid="true"]').waitFor();
  assert.equal(await page.getByRole('textbox', { name: 'Address' }).getAttribute('aria-invalid'), 'true');
  await page.getByRole('textbox', { name: 'Address' }).fill('https://example.org/globes');
  await page.getByRole('button', { name: 'Check and save' }).click();
  await toast(page).getByText('Added: version 1').waitFor();
  await page.waitForURL('**/documents/shelf%2Fglobes');
  await page.getByRole('heading', { level: 1, name: 'Globes' }).waitFor();
  assert.equal((await read('shelf/globes')).uri, 'https://example.org/globes');
  await close(page);
});

test('schedule_is_shown_and_cancelled_without_archiving', async () => {
  await put('sale', { title: 'Sale', text: '# Sale\n\nNothing is on sale.' });
  await put('sale', { title: 'Sale', text: '# Sale\n\nAll lamps are on sale.', publish_at: '2099-01-01T00:00:00Z' });
  const page = await open('/documents/sale');
  await page.getByText(/^Version 2 goes live .*2099/).waitFor();
  await page.getByRole('button', { name: 'Actions' }).click();
  await page.getByRole('menuitem', { name: 'Cancel the schedule' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the schedule' }).click();
  await toast(page).getByText('Schedule cancelled').waitFor();
  await page.getByText(/^Version 2 goes live/).waitFor({ state: 'detached' });
  const { status, text } = await read('sale');
  assert.deepEqual([status, text.trim()], ['published', 'Sale\n\nNothing is on sale.']);
  assert.equal((await versions('sale')).some((one) => one.publish_at && !one.live), false);
  await close(page);
});

test('document_is_archived_published_deleted_and_brought_back', async () => {
  await put('maps', { title: 'Maps', text: '# Maps\n\nMaps are not lent.' });
  const page = await open('/documents/maps');
  const act = async (name, done) => {
    await page.getByRole('button', { name: 'Actions' }).click();
    await page.getByRole('menuitem', { name }).click();
    // What removes something does not begin with the focus on the button that does it.
    const first = name === 'Delete' ? page.getByRole('dialog').locator('button:focus', { hasText: 'Cancel' }) : page.getByRole('dialog').locator(':focus');
    await first.waitFor();
    await page.getByRole('dialog').getByRole('button', { name }).click();
    await toast(page).getByText(done).waitFor();
  };
  await act('Archive', 'Archived');
  await page.locator('main').getByText('Archived', { exact: true }).waitFor();
  assert.equal((await read('maps')).status, 'archived');
  await act('Publish', 'Published');
  await page.locator('main').getByText('Published', { exact: true }).waitFor();
  assert.equal((await read('maps')).status, 'published');
  await act('Delete', 'Deleted');
  await page.waitForURL('**/documents');
  await assert.rejects(read('maps'), /404/);

  await toast(page).getByRole('link', { name: 'Show its versions' }).click();
  await page.getByRole('heading', { level: 1, name: 'Maps' }).waitFor();
  await page.getByText(/^This document was deleted/).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Edit' }).count(), 0);
  assert.deepEqual(await findings(page), []);
  await version(page, 1).getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await page.getByText(/^This document was deleted/).waitFor({ state: 'detached' });
  assert.match((await read('maps')).text, /Maps are not lent/);
  await close(page);
});

test('old_version_is_compared_and_restored_but_not_edited', async () => {
  await put('clocks', { title: 'Clocks', text: '# Clocks\n\nClocks run slow.' });
  await put('clocks', { title: 'Clocks', text: '# Clocks\n\nClocks run fast.' });
  const page = await open('/documents/clocks?version=1');
  await page.getByText('This is version 1; version 2 is live.').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Edit' }).count(), 0);
  await page.getByRole('link', { name: 'Compare with the live version' }).click();
  await page.locator('del', { hasText: 'slow' }).waitFor();
  await page.locator('ins', { hasText: 'fast' }).waitFor();
  await page.goto('/documents/clocks?version=1');
  await page.getByRole('button', { name: 'Restore this version' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await toast(page).getByText('Restored').waitFor();
  assert.match((await read('clocks')).text, /slow/);
  await close(page);
});

test('reader_sees_documents_and_changes_none', async () => {
  const page = await newPage(browser, service);
  const info = { signed_in: true, needs_sign_in: true, methods: ['key'], name: 'reader', role: 'agent', workspace: 'default', rights: ['ask', 'read'] };
  await page.route('**/v1/session', (route) => route.fulfill({ contentType: 'application/json', body: JSON.stringify(info) }));
  await page.goto('/documents?tag=lending');
  await row(page, 'Shelfmark 2').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Choose files' }).count(), 0);
  assert.equal(await page.getByRole('link', { name: 'New document' }).count(), 0);
  await row(page, 'Shelfmark 2').getByRole('link').first().click();
  await page.getByRole('tab', { name: /^Versions/ }).click();
  await version(page, 1).waitFor();
  for (const name of ['Restore', 'Actions']) assert.equal(await page.getByRole('button', { name }).count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Edit' }).count(), 0);
  await page.context().close();
});

test('failure_of_the_service_is_said_and_tried_again', async () => {
  const page = await open('/documents');
  const problem = { type: '/problems/unavailable', title: 'Service unavailable', status: 503, detail: 'the store is locked', errors: [] };
  const refuse = (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) });
  await page.route('**/v1/documents/shelf%2Fbook-2/chunks*', refuse);
  await row(page, 'Shelfmark 2').getByRole('link').first().click();
  await page.getByText('the store is locked').waitFor();
  await page.unroute('**/v1/documents/shelf%2Fbook-2/chunks*', refuse);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Book 2 stands on shelf 2.').waitFor();
  await page.goto('/documents/nowhere');
  await page.getByText('It may have been deleted or renamed.').waitFor();
  await page.getByRole('link', { name: 'Back to the documents' }).click();
  await page.waitForURL('**/documents');
  await close(page);
});

test('failure_has_its_title_in_the_readers_language', async () => {
  const problem = { type: '/problems/unavailable', title: 'Service unavailable', status: 503, detail: 'the store is locked', errors: [] };
  for (const [language, title] of Object.entries({ 'zh-Hant': '服務暫時無法使用', 'zh-Hans': '服务暂时不可用', en: 'Service unavailable' })) {
    const page = await newPage(browser, service, { language });
    await page.addInitScript(() => localStorage.setItem('ken.tour', 'seen'));
    await page.route('**/v1/documents?*', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) }));
    await page.goto('/documents');
    const alert = page.getByRole('alert');
    await alert.getByText(title, { exact: true }).waitFor();
    await alert.getByText('the store is locked', { exact: true }).waitFor();
    await page.context().close();
  }
});

test('hostile_text_is_shown_as_text', async () => {
  await put('hostile', { title: HOSTILE, text: `# ${HOSTILE}\n\n| ${HOSTILE} | b |\n| --- | --- |\n| c | d |\n\nPlain ${HOSTILE}`, tags: ['<b>tag'], uri: 'https://example.org/"onmouseover="alert(8)' });
  const sheet = join(folder, `hostile${HOSTILE.replaceAll(/[/"]/g, '')}.md`);
  writeFileSync(sheet, `# Uploaded\n\n${HOSTILE}`);
  const page = await open('/documents');
  await row(page, HOSTILE).waitFor();
  await page.locator('input[type=file]').first().setInputFiles(sheet);
  await page.getByRole('list', { name: 'Result of each file' }).getByText('hostile<img').waitFor();
  for (const tab of ['', '?tab=original', '?tab=versions', '?tab=properties']) {
    await page.goto(`/documents/hostile${tab}`);
    await settle(page);
    await page.getByRole('heading', { level: 1, name: HOSTILE }).waitFor();
  }
  await page.goto('/documents/hostile/edit');
  await editor(page).waitFor();
  await close(page);
});

test('screen_is_accessible_in_all_languages_themes_and_widths', async () => {
  const long = `long/${'Donaudampfschifffahrtsgesellschaft'.repeat(4)}`;
  await put(long, { title: 'Rindfleischetikettierungsueberwachung'.repeat(4), text: `# ${'a'.repeat(300)}\n\n${'b'.repeat(400)}`, tags: ['t'.repeat(60)], audience: ['u'.repeat(60)] });
  await put('clocks', { title: 'Clocks', text: '# Clocks\n\nClocks stop.', valid_until: '2020-01-01T00:00:00Z' });
  const addresses = ['/documents', '/documents?view=tree&prefix=shelf%2F', '/documents?q=nothing-at-all', `/documents/${encodeURIComponent(long)}`, '/documents/rates', '/documents/shelf%2Fopening.md?tab=original', '/documents/clocks?tab=versions&from=1&to=2', '/documents/rates?tab=properties', '/documents/rates/edit', '/documents/new'];
  for (const [n, language] of LANGUAGES.entries()) {
    for (const theme of THEMES) {
      const width = WIDTHS[(n + THEMES.indexOf(theme)) % WIDTHS.length];
      const page = await open('/documents', { language, theme, width });
      for (const address of addresses) {
        await page.goto(address);
        await settle(page);
        assert.deepEqual(await findings(page), [], `${address} ${language} ${theme} ${width}`);
        assert.equal(await overflows(page), false, `${address} ${language} ${theme} ${width}`);
      }
      await close(page);
    }
  }
});
