// FAQs, with a real service and a real browser: the grid, the editor and the import.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LANGUAGES, THEMES, WIDTHS, findings, newPage, overflows, settle, startBrowser, startService, tabTo } from './support.mjs';

const HOSTILE = '<img src=x onerror="alert(1)">{{constructor}}';
let browser;
let service;
let folder;
/** Writes an FAQ past the console and waits until it is searchable. */
const put = (id, fields) => service.api('PUT', `/v1/faqs/${id}?wait=indexed&force=true`, fields);
const faq = (id) => service.api('GET', `/v1/faqs/${id}`);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ken-faqs-'));
  browser = await startBrowser();
  service = await startService();
  for (const n of [1, 2, 3, 4]) await put(`grid-${n}`, { question: `Gridwork question ${n}?`, answer: `Gridwork answer ${n}.`, tags: ['gridwork'] });
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
const row = (page, text) => page.getByRole('list', { name: 'FAQs' }).getByRole('listitem').filter({ hasText: text });
const toast = (page) => page.locator('.toasts');

test('grid_searches_and_filters_by_address', async () => {
  const page = await open('/faqs');
  await page.getByRole('searchbox', { name: 'Search' }).fill('gridwork 2');
  await page.waitForURL('**/faqs?q=gridwork+2');
  await row(page, 'Gridwork question 2?').waitFor();
  await row(page, 'Gridwork question 1?').waitFor({ state: 'detached' });

  await page.goto('/faqs?tag=gridwork');
  await row(page, 'Gridwork question 4?').waitFor();
  assert.equal(await row(page, 'Gridwork').count(), 4, 'an address is enough to filter');
  await page.getByRole('combobox', { name: 'Status' }).selectOption('draft');
  await page.getByText('No FAQ matches').waitFor();
  await page.getByRole('link', { name: 'Clear the filter' }).click();
  await page.waitForURL('**/faqs');
  assert.equal(await page.getByRole('searchbox', { name: 'Tag' }).inputValue(), '', 'the field follows the address');
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

test('row_is_edited_by_keyboard_alone', async () => {
  const page = await open('/faqs?q=gridwork+1');
  const cell = row(page, 'Gridwork question 1?').getByRole('button', { name: /^Edit Answer:/ });
  await tabTo(page, cell);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('Typed with keys only.');
  await page.keyboard.press('Escape');
  await cell.getByText('Not saved').waitFor();
  assert.equal((await faq('grid-1')).answer, 'Gridwork answer 1.', 'leaving the cell saves nothing');

  await page.reload();
  await settle(page);
  // A row is hidden until its height is known, and text that is hidden is no inner text.
  assert.match(await cell.textContent(), /Not saved\s+Typed with keys only\./, 'and loses nothing');
  await tabTo(page, cell);
  await page.keyboard.press('F2');
  await page.keyboard.press('Control+Enter');
  await page.waitForFunction(() => document.activeElement?.getAttribute('data-field') === 'answer');
  assert.match(await cell.textContent(), /^Edit Answer:\s+Typed with keys only\.$/);
  assert.equal((await faq('grid-1')).answer, 'Typed with keys only.');
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

test('failed_save_keeps_what_was_typed', async () => {
  const page = await open('/faqs?q=gridwork+2');
  const of = row(page, 'Gridwork question 2?');
  await of.getByRole('button', { name: /^Edit Tags:/ }).click();
  const field = of.getByRole('textbox', { name: 'Tags of “Gridwork question 2?”' });
  await field.fill('gridwork, second');
  const problem = { type: '/problems/unavailable', title: 'Service unavailable', status: 503, detail: 'the store is locked', errors: [] };
  const refuse = (route) => (route.request().method() === 'PUT' ? route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) }) : route.continue());
  await page.route('**/v1/faqs/grid-2*', refuse);
  await field.press('Enter');
  await of.getByText('the store is locked').waitFor();
  assert.equal(await field.inputValue(), 'gridwork, second');
  await page.unroute('**/v1/faqs/grid-2*', refuse);
  await field.press('Enter');
  await field.waitFor({ state: 'detached' });
  assert.deepEqual((await faq('grid-2')).tags, ['gridwork', 'second']);
  await page.context().close();
});

test('cell_shows_what_somebody_else_wrote', async () => {
  const page = await open('/faqs?q=gridwork+3');
  const of = row(page, 'Gridwork question 3?');
  await of.getByRole('button', { name: /^Edit Answer:/ }).click();
  await of.getByRole('textbox').fill('Mine.');
  await put('grid-3', { question: 'Gridwork question 3?', answer: 'Theirs.', tags: ['gridwork', 'added'] });
  await of.getByRole('button', { name: 'Save' }).click();
  await of.getByText('Somebody changed it meanwhile to:').waitFor();
  await of.getByText('Theirs.').waitFor();
  assert.equal((await faq('grid-3')).answer, 'Theirs.');
  await of.getByRole('button', { name: 'Keep mine' }).click();
  await of.getByRole('textbox').waitFor({ state: 'detached' });
  const saved = await faq('grid-3');
  assert.deepEqual([saved.answer, saved.tags], ['Mine.', ['gridwork', 'added']], 'their other fields stay');
  await page.context().close();
});

test('selected_faqs_are_changed_together_and_undone', async () => {
  const page = await open('/faqs?tag=gridwork');
  const boxes = page.getByRole('checkbox', { name: /^Select “Gridwork/ });
  await boxes.nth(0).click();
  await boxes.nth(2).click({ modifiers: ['Shift'] });
  await page.getByText('3 selected').waitFor();
  await page.getByRole('button', { name: 'Change together' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change 3 FAQs' });
  await dialog.getByRole('combobox', { name: 'Status' }).selectOption('archived');
  await dialog.getByRole('textbox', { name: 'Add tags' }).fill('winter, 冬季');
  await dialog.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByText('3 change', { exact: true }).waitFor();
  assert.match(await dialog.getByRole('listitem').first().innerText(), /grid-1[\s\S]*Published[\s\S]*Archived[\s\S]*gridwork, winter, 冬季/);
  assert.equal((await faq('grid-1')).status, 'published', 'a preview changes nothing');
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole('button', { name: 'Change 3 FAQs' }).click();
  await toast(page).getByText('Changed 3 FAQs.').waitFor();
  assert.deepEqual(['archived', true], [(await faq('grid-2')).status, (await faq('grid-2')).tags.includes('冬季')]);
  assert.equal((await faq('grid-4')).status, 'published');

  await toast(page).getByRole('button', { name: 'Undo' }).click();
  await toast(page).getByText('Undone: 3 restored, 0 deleted.').waitFor();
  assert.equal((await faq('grid-2')).status, 'published');

  await boxes.nth(3).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  const deletion = page.getByRole('dialog', { name: 'Delete 1 FAQ' });
  await deletion.getByText('grid-4').waitFor();
  await deletion.getByRole('button', { name: 'Delete 1 FAQ' }).click();
  await row(page, 'Gridwork question 4?').waitFor({ state: 'detached' });
  await toast(page).getByRole('button', { name: 'Undo' }).click();
  await row(page, 'Gridwork question 4?').waitFor();
  assert.equal((await faq('grid-4')).answer, 'Gridwork answer 4.');
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

test('new_faq_begins_with_what_another_screen_brings', async () => {
  const page = await open('/faqs/new?question=Do+you+sell+tents%3F&variants=tents+for+sale&variants=any+tents');
  assert.equal(await page.getByRole('textbox', { name: 'Other wordings' }).inputValue(), 'tents for sale\nany tents');
  await page.getByRole('textbox', { name: 'Id', exact: true }).fill('tents');
  await page.getByRole('textbox', { name: 'Answer' }).fill('Yes, two models.');
  await page.getByRole('button', { name: 'Check and save' }).click();
  // The question that the editor came from is tried too.
  const check = page.getByRole('dialog', { name: 'Before saving' });
  await check.getByText('The question that you came with').waitFor();
  await check.getByText('Yes, two models.').first().waitFor();
  await check.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL('**/faqs/tents');
  const saved = await faq('tents');
  assert.deepEqual([saved.question, saved.answer, saved.variants], ['Do you sell tents?', 'Yes, two models.', ['tents for sale', 'any tents']]);

  await page.goto('/faqs/tents?add=where+are+the+tents&negative=Do+you+rent+tents%3F');
  await page.getByText('Added the wording “where are the tents”.').waitFor();
  await page.getByRole('button', { name: 'Add an answer' }).click();
  await page.getByRole('textbox', { name: 'Answer 2' }).fill('Three models for members.');
  await page.getByRole('group', { name: 'Answer 2' }).getByRole('textbox', { name: 'Audience' }).fill('member');
  await page.getByRole('button', { name: 'Check and save' }).click();
  await check.getByText('The question that you came with').waitFor();
  await check.getByText('where are the tents').waitFor();
  await check.getByRole('button', { name: 'Save' }).click();
  await toast(page).getByText('Changed: version 2').waitFor();
  const changed = await faq('tents');
  assert.deepEqual(changed.variants, ['tents for sale', 'any tents', 'where are the tents']);
  assert.deepEqual(changed.negatives, ['Do you rent tents?']);
  assert.deepEqual(changed.answers.map((one) => [one.text, one.audience ?? []]), [['Yes, two models.', []], ['Three models for members.', ['member']]]);
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

test('broken_judged_question_needs_a_deliberate_save', async () => {
  await put('parcel', { question: 'How heavy may a parcel be?', answer: 'A parcel may weigh at most 30 kilograms.' });
  await service.api('PUT', '/v1/judged-questions/parcel', { question: 'How heavy may a parcel be?', contains: '30 kilograms' });
  const page = await open('/faqs/parcel');
  await page.getByRole('textbox', { name: 'Answer' }).fill('A parcel may weigh at most 20 kilograms.');
  await page.getByRole('button', { name: 'Check and save' }).click();
  const dialog = page.getByRole('dialog', { name: 'Before saving' });
  await dialog.getByText('1 judged question breaks').waitFor({ timeout: 60_000 });
  await dialog.locator('ins').filter({ hasText: '20' }).first().waitFor();
  await dialog.locator('del').filter({ hasText: '30' }).first().waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'Save anyway' }).isDisabled(), true);
  assert.deepEqual(await findings(page), []);
  assert.equal((await faq('parcel')).answer, 'A parcel may weigh at most 30 kilograms.');
  await dialog.getByRole('checkbox', { name: 'Save it although judged questions break' }).check();
  await dialog.getByRole('button', { name: 'Save anyway' }).click();
  await toast(page).getByText('Changed: version 2').waitFor();
  assert.equal((await faq('parcel')).answer, 'A parcel may weigh at most 20 kilograms.');
  await service.api('DELETE', '/v1/judged-questions/parcel');

  // The version before comes back from the list of versions.
  await page.getByRole('tab', { name: /^Versions/ }).click();
  await page.getByRole('button', { name: 'Compare with the one before' }).first().click();
  await page.getByRole('heading', { name: 'Versions 1 and 2' }).waitFor();
  await page.getByRole('row').filter({ hasText: /^1/ }).getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await toast(page).getByText('Restored').waitFor();
  assert.equal((await faq('parcel')).answer, 'A parcel may weigh at most 30 kilograms.');
  await page.getByRole('tab', { name: 'Edit' }).click();
  await page.waitForFunction(() => [...document.querySelectorAll('textarea')].some((one) => one.value.includes('30 kilograms')));
  await page.context().close();
});

test('blocked_cell_goes_on_in_the_editor_with_what_was_typed', async () => {
  const question = 'How heavy may a crate be?';
  await put('crate', { question, answer: 'A crate may weigh at most 25 kilograms.' });
  await service.api('PUT', '/v1/judged-questions/crate', { question, contains: '25 kilograms' });
  const page = await open('/faqs?q=crate');
  const of = row(page, question);
  await of.getByRole('button', { name: /^Edit Answer:/ }).click();
  await of.getByRole('textbox').fill('A crate may weigh at most 15 kilograms.');
  await of.getByRole('button', { name: 'Save' }).click();
  await of.getByText('Nothing was changed: 1 judged question would break').waitFor();
  await of.getByText('The answer has to contain “25 kilograms”, and no longer does.').waitFor();
  await of.locator('del').filter({ hasText: '25' }).first().waitFor();
  await of.locator('ins').filter({ hasText: '15' }).first().waitFor();
  assert.doesNotMatch(await of.innerText(), /would break 1 judged question\(s\)/, 'not the words of the service');
  assert.deepEqual(await findings(page), []);
  await of.getByRole('button', { name: 'See which answers change' }).click();
  await page.waitForURL('**/faqs/crate?check=1');
  const dialog = page.getByRole('dialog', { name: 'Before saving' });
  await dialog.getByText('1 judged question breaks').waitFor({ timeout: 60_000 });
  await dialog.getByText('The answer has to contain “25 kilograms”, and no longer does.').waitFor();
  await dialog.getByRole('button', { name: 'Edit on' }).click();
  await page.getByText(/Restored what you had typed/).waitFor();
  assert.equal(await page.getByRole('textbox', { name: 'Answer' }).inputValue(), 'A crate may weigh at most 15 kilograms.');
  assert.equal((await faq('crate')).answer, 'A crate may weigh at most 25 kilograms.');
  // What was typed is in one place: the grid has it no more.
  await page.goto('/faqs?q=crate');
  assert.equal(await of.getByText('Not saved').count(), 0);
  await service.api('DELETE', '/v1/judged-questions/crate');
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

test('two_editors_see_both_versions', async () => {
  await put('umbrella', { question: 'Do you lend umbrellas?', answer: 'Yes.' });
  const page = await open('/faqs/umbrella');
  await page.getByRole('textbox', { name: 'Answer' }).fill('Yes, at the desk.');
  await put('umbrella', { question: 'Do you lend umbrellas?', answer: 'Only in June.' });
  await page.getByRole('button', { name: 'Check and save' }).click();
  // No answer changes, so nobody has to look at any.
  const both = page.getByRole('dialog', { name: 'Somebody saved version 2 while you were editing.' });
  await both.waitFor();
  assert.match(await both.innerText(), /Only in June\.[\s\S]*Yes, at the desk\./);
  assert.equal((await faq('umbrella')).answer, 'Only in June.', 'nothing is overwritten');
  await both.getByRole('button', { name: 'Keep mine' }).click();
  // From the text, the main button is a few tabs away, and a key presses it from anywhere.
  await page.getByRole('textbox', { name: 'Answer' }).focus();
  const main = page.getByRole('button', { name: 'Check and save' });
  await tabTo(page, main, 12);
  assert.equal(await main.getAttribute('aria-keyshortcuts'), 'Control+S Meta+S');
  await page.getByRole('textbox', { name: 'Answer' }).focus();
  await page.keyboard.press('Control+S');
  await toast(page).getByText('Changed: version 3').waitFor();
  assert.equal((await faq('umbrella')).answer, 'Yes, at the desk.');

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL('**/faqs');
  await assert.rejects(faq('umbrella'), /404/);
  await page.context().close();
});

test('wording_of_another_faq_is_shown_before_saving', async () => {
  await put('bikes', { question: 'Do you repair bikes?', answer: 'Yes, all of them.' });
  const page = await open('/faqs/new?question=Do+you+repair+bikes%3F');
  await page.getByRole('textbox', { name: 'Answer' }).fill('Yes, all of them.');
  await page.getByRole('button', { name: 'Check and save' }).click();
  const dialog = page.getByRole('dialog', { name: 'Before saving' });
  await dialog.getByRole('heading', { name: 'Another FAQ has this wording' }).waitFor();
  await dialog.getByRole('link', { name: 'bikes' }).waitFor();
  await dialog.getByRole('button', { name: 'Edit on' }).click();
  assert.equal(await page.getByRole('textbox', { name: 'Answer' }).inputValue(), 'Yes, all of them.');
  await page.context().close();
});

test('sheet_is_mapped_mended_imported_and_undone', async () => {
  const sheet = join(folder, 'sheet.csv');
  const good = 'grid-4,Gridwork question 4?,Changed by the sheet.,Amy\nsheet-new,Is there a sheet?,Yes.,Amy\n';
  writeFileSync(sheet, `code,asked,reply,owner\n${good}sheet-bad,,Nobody asked.,Bob\n`);
  const page = await open('/faqs/import');
  const choose = async (name) => {
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name }).click()]);
    await chooser.setFiles(sheet);
  };
  await choose('Choose a file');
  await page.getByText('Say which column is the question and which is the answer.').waitFor();
  const taken = (column) => page.getByRole('combobox', { name: `“${column}” is taken for` });
  await taken('asked').selectOption({ label: 'Question' });
  await taken('reply').selectOption({ label: 'Answer' });
  await taken('code').selectOption({ label: 'Id' });
  const rows = page.getByRole('region', { name: 'What each row does' });
  await rows.getByRole('heading', { name: '1 with an error' }).waitFor();
  await rows.getByRole('heading', { name: '1 changed' }).waitFor();
  assert.match(await rows.innerText(), /Row 4\s+Question[\s\S]*Fill in this cell/, 'the error names row and column and says what to do');
  assert.match(await rows.innerText(), /Gridwork answer 4\.[\s\S]*Changed by the sheet\./);
  const apply = page.getByRole('button', { name: 'Import 2 FAQs' });
  assert.equal(await apply.isDisabled(), true, 'all rows or none');
  assert.deepEqual(await findings(page), []);

  // The mended sheet keeps the mapping.
  writeFileSync(sheet, `code,asked,reply,owner\n${good}`);
  await choose('Choose the corrected file');
  await rows.getByRole('heading', { name: '1 with an error' }).waitFor({ state: 'detached' });

  // A run that fails loses nothing.
  const problem = { type: '/problems/unavailable', title: 'Service unavailable', status: 503, detail: 'the store is locked', errors: [] };
  const refuse = (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) });
  await page.route('**/v1/faqs:import?*', refuse);
  await apply.click();
  await page.getByText('the store is locked').waitFor();
  await page.unroute('**/v1/faqs:import?*', refuse);
  await apply.click();
  const done = page.getByRole('region', { name: 'Result of the import' });
  await done.getByText('Imported: 1 added, 1 changed.').waitFor();
  await done.getByRole('link', { name: 'Is there a sheet?' }).waitFor();
  assert.equal((await faq('grid-4')).answer, 'Changed by the sheet.');

  const past = page.getByRole('region', { name: 'Past imports and changes' });
  await past.getByRole('row').filter({ hasText: 'sheet.csv' }).waitFor();
  // Somebody changed one of them since.
  await put('grid-4', { question: 'Gridwork question 4?', answer: 'Changed since.', tags: ['gridwork'] });
  await done.getByRole('button', { name: 'Undo' }).click();
  const dialog = page.getByRole('dialog', { name: 'Undo this change?' });
  await dialog.getByRole('button', { name: 'Undo' }).click();
  await dialog.getByText('faqs/grid-4').waitFor();
  await dialog.getByRole('checkbox', { name: /^Leave FAQs that were changed since/ }).check();
  await dialog.getByRole('button', { name: 'Undo' }).click();
  await done.getByText('This import was undone.').waitFor();
  // What it added is gone, and is not linked any more.
  await done.getByText('Is there a sheet?').waitFor();
  assert.deepEqual(await done.getByRole('listitem').getByRole('link').allInnerTexts(), ['Gridwork question 4?']);
  assert.equal((await faq('grid-4')).answer, 'Changed since.');
  await assert.rejects(faq('sheet-new'), /404/);
  await past.getByRole('row').filter({ hasText: 'sheet.csv' }).getByText(/^Undone/).waitFor();
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

test('contradicting_rows_are_side_by_side_and_only_good_ones_imported', async () => {
  await put('lockers', { question: '幾天內可以退租置物櫃？', answer: '七天內可以退租。' });
  const sheet = join(folder, 'lockers.csv');
  writeFileSync(sheet, 'question,answer\n幾天內可以退租置物櫃？,三十天內可以退租。\nAre lockers heated?,No.\n');
  const page = await open('/faqs/import');
  await page.locator('input[type=file]').setInputFiles(sheet);
  const rows = page.getByRole('region', { name: 'What each row does' });
  await rows.getByRole('heading', { name: '1 contradicts' }).waitFor();
  await rows.getByText('七天內可以退租。').waitFor();
  await rows.getByText('三十天內可以退租。').waitFor();
  await page.getByRole('radio', { name: 'Import only the 1 good rows' }).check();
  await page.getByRole('button', { name: 'Import 1 FAQ' }).click();
  await page.getByText('Imported: 1 added, 0 changed.').waitFor();
  assert.equal((await faq('lockers')).answer, '七天內可以退租。');
  await page.context().close();
});

test('rows_that_answer_otherwise_are_decided_by_keyboard_alone', async () => {
  await put('skis', { question: 'Do you rent skis?', answer: 'Yes, in winter.' });
  await put('sleds', { question: '幾天內可以退租雪橇？', answer: '七天內可以退租。' });
  await put('poles', { question: 'Do you rent poles?', answer: 'Yes.', variants: ['poles for rent'] });
  const sheet = join(folder, 'rental.csv');
  writeFileSync(sheet, 'question,answer,owner\nDo you rent skis?,Ask at the mountain hut.,Amy\n幾天內可以退租雪橇？,三十天內可以退租。,Bob\npoles for rent,Yes.,Bob\n');
  const page = await open('/faqs/import');
  await page.locator('input[type=file]').setInputFiles(sheet);
  const rows = page.getByRole('region', { name: 'What each row does' });
  await rows.getByRole('heading', { name: '1 answers differently' }).waitFor();
  await rows.getByRole('heading', { name: '1 contradicts' }).waitFor();
  assert.equal(await rows.getByRole('heading', { name: '1 duplicate' }).locator('xpath=ancestor::details').getAttribute('open'), null, 'the same answer is folded away');
  for (const text of ['Yes, in winter.', 'Ask at the mountain hut.', '七天內可以退租。', '三十天內可以退租。']) await rows.getByRole('group').filter({ hasText: text }).first().waitFor();
  const choice = (row, name) => rows.getByRole('group', { name: `What becomes of row ${row}` }).getByRole('radio', { name });
  assert.equal(await choice(2, 'Keep the existing one').isChecked(), true, 'nothing is written without a choice');
  assert.equal(await rows.getByRole('group', { name: 'What becomes of row 3' }).getByRole('radio', { checked: true }).count(), 0, 'a contradiction has to be decided');
  assert.equal(await page.getByRole('button', { name: /^Import \d/ }).isDisabled(), true);

  await tabTo(page, choice(3, 'Keep the existing one'));
  await page.keyboard.press('Space');
  await rows.getByText('1 contradicts', { exact: true }).and(rows.locator('.badge')).waitFor({ state: 'detached' });
  await tabTo(page, choice(2, 'Keep the existing one'));
  await page.keyboard.press('ArrowRight');
  await rows.getByRole('heading', { name: '1 changed' }).waitFor();
  assert.match(await rows.innerText(), /Yes, in winter\.[\s\S]*Ask at the mountain hut\./);
  await page.keyboard.press('ArrowRight');
  await rows.getByRole('heading', { name: '1 new' }).waitFor();
  assert.equal(await choice(2, 'Keep both').evaluate((element) => element === document.activeElement), true, 'a dry run leaves the focus where it is');

  // Another mapping keeps what was decided.
  const taken = page.getByRole('combobox', { name: '“owner” is taken for' });
  await tabTo(page, taken);
  await taken.selectOption({ label: 'Tags' });
  await settle(page);
  await rows.getByRole('heading', { name: '1 new' }).waitFor();
  assert.deepEqual([await choice(2, 'Keep both').isChecked(), await choice(3, 'Keep the existing one').isChecked()], [true, true]);
  await tabTo(page, choice(2, 'Keep both'));
  await page.keyboard.press('ArrowLeft');
  await rows.getByRole('heading', { name: '1 changed' }).waitFor();
  assert.deepEqual(await findings(page), []);
  const apply = page.getByRole('button', { name: 'Import 1 FAQ' });
  await tabTo(page, apply);
  await page.keyboard.press('Enter');
  await page.getByText('Imported: 0 added, 1 changed.').waitFor();
  assert.deepEqual([(await faq('skis')).answer, (await faq('sleds')).answer, (await faq('poles')).answer], ['Ask at the mountain hut.', '七天內可以退租。', 'Yes.']);
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

test('one_choice_holds_for_all_rows_of_a_group', async () => {
  await put('tea', { question: 'Do you sell tea?', answer: 'Green tea.' });
  await put('juice', { question: 'Do you sell juice?', answer: 'Apple juice.' });
  const sheet = join(folder, 'drinks.csv');
  writeFileSync(sheet, 'question,answer\nDo you sell tea?,Oolong is on the shelf.\nDo you sell juice?,Look at the fridge.\nIs there water?,From the tap.\n');
  const page = await open('/faqs/import');
  await page.locator('input[type=file]').setInputFiles(sheet);
  const rows = page.getByRole('region', { name: 'What each row does' });
  await rows.getByRole('group', { name: 'For all 2 rows' }).getByRole('radio', { name: 'Replace it with this row' }).check();
  await rows.getByRole('heading', { name: '2 changed' }).waitFor();
  for (const row of [2, 3]) assert.equal(await rows.getByRole('group', { name: `What becomes of row ${row}` }).getByRole('radio', { name: 'Replace it with this row' }).isChecked(), true);

  // All rows are tried, the new one too.
  await page.getByRole('button', { name: 'See which answers change' }).click();
  const impact = page.getByRole('region', { name: 'Which answers change' });
  await impact.getByText(/^Tried: 3 wordings of its own/).waitFor();
  await impact.getByText('The FAQ’s own wordings').waitFor();
  await impact.getByText('Is there water?').waitFor();
  assert.equal((await faq('tea')).answer, 'Green tea.', 'nothing is written yet');
  assert.deepEqual(await findings(page), []);

  await page.getByRole('button', { name: 'Import 3 FAQs' }).click();
  await page.getByText('Imported: 1 added, 2 changed.').waitFor();
  assert.deepEqual([(await faq('tea')).answer, (await faq('juice')).answer], ['Oolong is on the shelf.', 'Look at the fridge.']);
  await page.context().close();
});

test('row_is_replaced_by_a_later_one_of_the_same_sheet', async () => {
  const sheet = join(folder, 'chain.csv');
  writeFileSync(sheet, 'question,answer,status,rank\nDo you mend tents?,Yes.,,\nDo you mend tents?,Only in May at the shop.,,\nDo you mend boots?,Yes.,soon,\nDo you mend hats?,Yes.,,many\n');
  const page = await open('/faqs/import', { language: 'zh-Hant' });
  await page.locator('input[type=file]').setInputFiles(sheet);
  const rows = page.getByRole('region', { name: '各列的結果' });
  // Faults are told in the reader's language, with the cell's value.
  await rows.getByText('soon', { exact: true }).waitFor();
  assert.match(await rows.innerText(), /狀態\s*soon 不是狀態。[\s\S]*優先順序\s*many 不是整數。/);
  assert.doesNotMatch(await rows.innerText(), /expected/);
  await rows.getByRole('group', { name: '第 3 列怎麼處理' }).getByRole('radio', { name: '以這列取代' }).check();
  await rows.getByRole('heading', { name: '1 列由別列取代' }).waitFor();
  await page.getByRole('radio', { name: '只匯入正確的 1 列' }).check();
  await page.getByRole('button', { name: '匯入 1 則問答' }).click();
  await page.getByText('已匯入：新增 1 則，變更 0 則。').waitFor();
  const { faqs } = await service.api('GET', '/v1/faqs?q=mend');
  assert.deepEqual(faqs.filter((one) => one.question === 'Do you mend tents?').map((one) => one.answer), ['Only in May at the shop.']);
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

test('nothing_tried_is_told_from_nothing_changed', async () => {
  await put('rope', { question: 'Do you sell rope?', answer: 'Yes, by the metre.' });
  const page = await open('/faqs/import');
  const sheet = join(folder, 'rope.csv');
  writeFileSync(sheet, 'id,question,answer,tags\nrope,Do you sell rope?,"Yes, by the metre.",cord\n');
  await page.locator('input[type=file]').setInputFiles(sheet);
  await page.getByRole('button', { name: 'See which answers change' }).click();
  const impact = page.getByRole('region', { name: 'Which answers change' });
  await impact.getByText(/and (its|no) answer (stays the same|changes)\./).waitFor();
  const empty = { n_judged: 0, n_logged: 0, n_own: 0, n_asked: 0, broken: [], changed: [], healed: [] };
  await page.route('**/v1/faqs:import?*', async (route) => {
    const reply = await route.fetch();
    await route.fulfill({ response: reply, json: { ...(await reply.json()), impact: empty } });
  });
  await page.getByRole('button', { name: 'See which answers change' }).click();
  await impact.getByText('There is no question to try.').waitFor();
  await page.context().close();
});

test('export_is_a_file_with_every_faq', async () => {
  const page = await open('/faqs');
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'CSV' }).click()]);
  assert.equal(download.suggestedFilename(), 'faqs.csv');
  assert.match(readFileSync(await download.path(), 'utf8'), /Gridwork question 4\?/);
  await page.context().close();
});

test('reader_sees_faqs_and_changes_none', async () => {
  const page = await newPage(browser, service);
  const info = { signed_in: true, needs_sign_in: true, methods: ['key'], name: 'reader', role: 'agent', workspace: 'default', rights: ['ask', 'read'] };
  await page.route('**/v1/session', (route) => route.fulfill({ contentType: 'application/json', body: JSON.stringify(info) }));
  await page.goto('/faqs?tag=gridwork');
  await row(page, 'Gridwork question 2?').waitFor();
  assert.equal(await page.getByRole('checkbox').count(), 0);
  assert.equal(await page.getByRole('button', { name: /^Edit/ }).count(), 0);
  assert.equal(await page.getByRole('link', { name: 'New FAQ' }).count(), 0);
  await row(page, 'Gridwork question 2?').getByRole('link').click();
  assert.equal(await page.getByRole('textbox', { name: 'Question' }).isDisabled(), true);
  assert.equal(await page.getByRole('button', { name: 'Check and save' }).count(), 0);
  await page.context().close();
});

test('hostile_text_is_shown_as_text', async () => {
  await put('hostile', { question: `${HOSTILE} q`, answer: `${HOSTILE} a`, variants: [`${HOSTILE} v`], tags: ['<b>tag'], uri: 'https://example.org/' });
  const page = await open('/faqs?q=constructor');
  await page.getByText(`${HOSTILE} a`).waitFor();
  await page.goto('/faqs/hostile');
  await page.getByRole('heading', { name: `${HOSTILE} q` }).waitFor();
  await page.goto(`/faqs/hostile?add=${encodeURIComponent(`${HOSTILE} add`)}`);
  await page.getByText(`Added the wording “${HOSTILE} add”`).waitFor();
  const sheet = join(folder, 'hostile.csv');
  writeFileSync(sheet, `question,answer,"${HOSTILE.replaceAll('"', '""')}"\n"${HOSTILE.replaceAll('"', '""')} s",${'x'.repeat(300)},1\n`);
  await page.goto('/faqs/import');
  await page.locator('input[type=file]').setInputFiles(sheet);
  await page.getByRole('rowheader', { name: HOSTILE }).waitFor();
  assert.deepEqual(await page.faults(), []);
  await page.context().close();
});

test('screen_is_accessible_in_all_languages_themes_and_widths', async () => {
  const sheet = join(folder, 'accessible.csv');
  writeFileSync(sheet, 'question,answer,owner\nA new one?,Yes.,Amy\n,Missing.,Bob\n');
  for (const [n, language] of LANGUAGES.entries()) {
    for (const theme of THEMES) {
      const width = WIDTHS[(n + THEMES.indexOf(theme)) % WIDTHS.length];
      const page = await open('/faqs', { language, theme, width });
      for (const address of ['/faqs', '/faqs/tents', '/faqs/tents?tab=versions', '/faqs/new', '/faqs/import']) {
        await page.goto(address);
        await settle(page);
        if (address.endsWith('import')) {
          await page.locator('input[type=file]').setInputFiles(sheet);
          await page.getByRole('table').first().waitFor();
          await settle(page);
        }
        assert.deepEqual(await findings(page), [], `${address} ${language} ${theme} ${width}`);
        assert.equal(await overflows(page), false, `${address} ${language} ${theme} ${width}`);
      }
      assert.deepEqual(await page.faults(), []);
      await page.context().close();
    }
  }
});
