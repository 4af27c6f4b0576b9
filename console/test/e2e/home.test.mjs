// Home, the first run and the tour, with a real service and a real browser.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LANGUAGES, THEMES, WIDTHS, findings, newPage, overflows, settle, startBrowser, startService, tabTo } from './support.mjs';

let browser;
let folder;
before(async () => {
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), 'ken-home-'));
  mkdirSync(join(folder, 'handbook/returns'), { recursive: true });
  writeFileSync(join(folder, 'handbook/returns/time.md'), '# Returns\n\nYou can return an item within 14 days.\n');
  writeFileSync(join(folder, 'handbook/shipping.md'), '# Shipping\n\nShipping costs 5 euros.\n');
  writeFileSync(join(folder, 'handbook/broken.pdf'), 'this is not a PDF');
  writeFileSync(join(folder, 'handbook/.hidden.md'), 'nobody reads this');
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const job = (page) => page.getByRole('region', { name: /^Upload, / });
/** Waits until the end of the job is announced with its figures. */
const ended = (page, figures) => job(page).getByRole('status').filter({ hasText: figures }).waitFor();

describe('an empty workspace', () => {
  let service;
  let documents;
  before(async () => {
    service = await startService({ sample: false });
    documents = async () => (await service.api('GET', '/v1/documents')).documents.map((one) => one.id);
  });
  after(() => service?.stop());

  const empty = async () => {
    for (const id of await documents()) await service.api('DELETE', `/v1/documents/${encodeURIComponent(id)}`);
  };

  test('takes_a_dropped_folder_with_its_paths', async () => {
    await empty();
    const page = await newPage(browser, service);
    await page.goto('/');
    await page.getByRole('heading', { name: 'Start in three steps' }).waitFor();
    assert.equal(await page.getByRole('region', { name: 'Tour' }).count(), 0, 'no tour without the sample shop');

    const input = await page.context().newCDPSession(page);
    const data = { items: [], files: [join(folder, 'handbook')], dragOperationsMask: 1 };
    // Beside the zone: the whole page takes it.
    for (const type of ['dragEnter', 'dragOver', 'drop']) await input.send('Input.dispatchDragEvent', { type, x: 400, y: 60, data });

    await page.getByText('Uploaded 3 files.').waitFor();
    await page.getByText('1 file was skipped').click();
    await page.getByText('handbook/.hidden.md').waitFor();
    await ended(page, '2 of 3 done');
    const rows = await job(page).getByRole('listitem').allInnerTexts();
    assert.match(rows[0], /handbook\/broken\.pdf\s+Failed · .*PDF/, 'what failed comes first, with the reason');
    assert.deepEqual((await documents()).sort(), ['handbook/returns/time.md', 'handbook/shipping.md']);
    assert.deepEqual(await findings(page), []);

    // The job has an address, also after the page is loaded again.
    await page.reload();
    const link = await job(page).getByRole('link', { name: 'Link to this job' }).getAttribute('href');
    assert.match(link, /^\/documents\?job=job_[0-9a-f]+$/);
    await page.getByRole('link', { name: 'See the overview' }).click();
    await page.getByRole('heading', { name: 'What needs you' }).waitFor();
    assert.deepEqual(await page.faults(), []);
    await page.context().close();
  });

  test('takes_a_chosen_folder', async () => {
    await empty();
    const page = await newPage(browser, service);
    await page.goto('/');
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Choose a folder' }).click()]);
    await chooser.setFiles(join(folder, 'handbook'));
    await ended(page, '2 of 3 done');
    assert.deepEqual((await documents()).sort(), ['handbook/returns/time.md', 'handbook/shipping.md']);
    await page.context().close();
  });

  test('tour_speaks_of_no_sample', async () => {
    const page = await newPage(browser, service);
    await page.goto('/');
    await settle(page);
    const tour = page.getByRole('region', { name: 'Tour' });
    assert.equal(await tour.count(), 0, 'it opens by itself only on the sample');
    await page.getByRole('button', { name: 'Take the tour' }).click();
    await tour.getByText('Home lists what needs you').waitFor();
    const told = [];
    for (const address of [/\/ask$/, /\/documents$/, /\/faqs$/, /\/learning\?tab=gaps$/]) {
      told.push(await tour.innerText());
      await tour.getByRole('button', { name: 'Next' }).click();
      await page.waitForURL(address);
    }
    told.push(await tour.innerText());
    assert.doesNotMatch(told.join(), /sample|filled in for you|This is such/i);
    await tour.getByRole('button', { name: 'End the tour' }).click();
    await page.context().close();
  });

  test('leads_to_a_question_by_keyboard_alone', async () => {
    await empty();
    const page = await newPage(browser, service);
    // The browser catches file choosers from here on; otherwise a key can come before it does.
    page.on('filechooser', () => {});
    await page.goto('/');
    await settle(page);
    await page.getByRole('heading', { name: 'Start in three steps' }).waitFor();
    await tabTo(page, page.getByRole('button', { name: 'Choose files' }));
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')]);
    await chooser.setFiles(join(folder, 'handbook/shipping.md'));
    await ended(page, '1 of 1 done');
    assert.deepEqual(await documents(), ['shipping.md']);
    const ask = page.getByRole('link', { name: 'Ask a question' });
    await tabTo(page, ask);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/ask');
    await page.context().close();
  });

  test('cancels_an_upload_while_it_is_sent', async () => {
    await empty();
    const page = await newPage(browser, service);
    await page.goto('/');
    // The request stays open until it is cancelled.
    await page.route('**/v1/documents:upload', () => {});
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Choose files' }).click()]);
    await chooser.setFiles(join(folder, 'handbook/shipping.md'));
    await page.getByText('Uploading: 0 of 1 files').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled. 0 files were uploaded before.').waitFor();
    assert.deepEqual(await documents(), []);
    await page.context().close();
  });

  test('halves_a_refused_batch_and_sends_the_rest', async () => {
    await empty();
    const page = await newPage(browser, service);
    await page.goto('/');
    let nRequests = 0;
    await page.route('**/v1/documents:upload', async (route) => {
      // Both files, then the first alone; the second alone is taken.
      if (++nRequests > 2) return route.continue();
      const problem = { type: '/problems/too-large', title: 'Too large', status: 413, detail: 'expected at most 10 bytes per file', errors: [] };
      await route.fulfill({ status: 413, contentType: 'application/problem+json', body: JSON.stringify(problem) });
    });
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Choose files' }).click()]);
    await chooser.setFiles([join(folder, 'handbook/returns/time.md'), join(folder, 'handbook/shipping.md')]);
    await page.getByText('Uploaded 1 file.').waitFor();
    await page.getByText('1 file was skipped').click();
    await page.getByText('expected at most 10 bytes per file').waitFor();
    await ended(page, '1 of 1 done');
    assert.deepEqual(await documents(), ['shipping.md']);
    assert.equal(nRequests, 3);
    await page.context().close();
  });
});

describe('the sample shop', () => {
  let service;
  let rated;
  before(async () => {
    service = await startService();
    rated = await service.api('POST', '/v1/answers', { question: '可以寄到國外嗎？' });
    await service.api('POST', '/v1/answers', { question: '你們的咖啡豆是哪裡烘的？' });
    await service.api('POST', '/v1/feedback', { answer_id: rated.id, helpful: true });
  });
  after(() => service?.stop());

  const tour = (page) => page.getByRole('region', { name: 'Tour' });

  test('tour_opens_once_and_leads_by_addresses', async () => {
    const page = await newPage(browser, service);
    await page.goto('/');
    await tour(page).getByText('Step 1 of 5').waitFor();
    // By keyboard alone: the focus stays on the button that leads on.
    await tabTo(page, tour(page).getByRole('button', { name: 'Next' }));
    for (const address of [/\/ask\?q=/, /\/documents\/overseas-orders\.en$/, /\/faqs\/faq-voltcard-flight\.en$/, /\/learning\?tab=gaps$/]) {
      await page.keyboard.press('Enter');
      await page.waitForURL(address);
    }
    await tour(page).getByText('Step 5 of 5').waitFor();
    await page.keyboard.press('Enter');
    await tour(page).waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'page-title');

    await page.goto('/');
    await page.getByRole('heading', { name: 'What needs you' }).waitFor();
    await settle(page);
    assert.equal(await tour(page).count(), 0, 'it does not open by itself again');

    await page.getByRole('button', { name: 'Account and appearance' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take the tour' }).click();
    await tour(page).getByText('Step 1 of 5').waitFor();
    await tour(page).getByRole('button', { name: 'Close the tour' }).click();
    await page.getByRole('button', { name: 'Take the tour' }).click();
    await tour(page).getByText('Step 1 of 5').waitFor();
    assert.deepEqual(await page.faults(), []);
    await page.context().close();
  });

  test('the_sample_has_what_the_tour_shows_in_each_language', async () => {
    for (const suffix of ['', '.zh-Hans', '.en']) await service.api('GET', `/v1/faqs/faq-voltcard-flight${suffix}`);
    for (const language of LANGUAGES) await service.api('GET', `/v1/documents/overseas-orders.${language}`);
    assert.deepEqual([rated.outcome, rated.citations[0].document_id], ['answered', 'overseas-orders.zh-Hant']);
  });

  test('figures_lead_to_the_questions_behind_them', async () => {
    const page = await newPage(browser, service);
    await page.goto('/');
    await settle(page);
    const figure = (name) => page.getByRole('region', { name: 'How Ken does' }).getByRole('link', { name: new RegExp(`^${name}`) });
    assert.match(await figure('Answered').innerText(), /50%\s*1 question/);
    assert.match(await figure('Thumbs up').innerText(), /1/);
    const address = new URL(await figure('Refused').getAttribute('href'), service.url);
    assert.equal(address.pathname, '/quality');
    assert.deepEqual([address.searchParams.get('tab'), address.searchParams.get('outcome')], ['questions', 'refused']);
    const [from, to] = ['from', 'to'].map((name) => Date.parse(address.searchParams.get(name)));
    const { total } = await service.api('GET', `/v1/insights/summary?from=${address.searchParams.get('from')}&to=${address.searchParams.get('to')}`);
    assert.equal(total.refused, 1, 'the address covers what the figure counts');

    await page.getByRole('link', { name: '7 days' }).click();
    await page.waitForURL('**/?days=7');
    await page.waitForFunction(() => document.querySelector('.periods [aria-current]')?.textContent === '7 days');
    await settle(page);
    const week = new URL(await figure('Refused').getAttribute('href'), service.url);
    assert.ok(Date.parse(week.searchParams.get('from')) > from && Date.parse(week.searchParams.get('to')) >= to);
    await page.context().close();
  });

  test('what_needs_a_person_has_an_example_and_its_list', async () => {
    const page = await newPage(browser, service);
    await page.goto('/');
    await settle(page);
    const needs = page.getByRole('region', { name: 'What needs you' });
    const gap = needs.getByRole('link', { name: /question without a good answer/ });
    assert.match(await gap.innerText(), /1\s+question without a good answer\s+Costliest: “你們的咖啡豆是哪裡烘的？” \(1 person in 30 days\)/);
    assert.equal(await gap.getAttribute('href'), '/learning?tab=gaps');
    await needs.getByText('Checked, nothing open: drafts, second reviews, contradictions, failing sources, expiring documents, failed jobs').waitFor();
    await page.context().close();
  });

  test('failed_job_says_what_to_do_in_the_readers_language', async () => {
    const page = await newPage(browser, service, { language: 'zh-Hant' });
    const at = new Date().toISOString();
    const letter = { id: 'l', kind: 'upload', payload: {}, attempts: 1, error: 'a.docx: not a valid DOCX file: it cannot be opened', created_at: at, died_at: at, cursor: 'c' };
    await page.route('**/v1/dead-letters?*', (route) => route.fulfill({ contentType: 'application/json', body: JSON.stringify([letter]) }));
    await page.goto('/');
    const failed = page.getByRole('link', { name: /檔案已損壞/ });
    await failed.waitFor();
    assert.doesNotMatch(await failed.innerText(), /not a valid/);
    await page.context().close();
  });

  test('health_says_what_is_missing_and_what_to_do', async () => {
    const page = await newPage(browser, service);
    await page.route('**/readyz', (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/json',
        body: JSON.stringify({ ready: false, degraded: ['encoder_unavailable'], leads: true, encoder: 'e', reader: null, workspaces: [{ workspace: 'default', revision: 9, indexed: 7, words: 9 }], error: null }),
      }),
    );
    await page.goto('/');
    await page.getByText('2 changes are not searchable yet.').waitFor();
    await page.getByText('Ask an administrator to check the model files').waitFor();
    await page.context().close();
  });

  test('home_is_accessible_in_all_languages_themes_and_widths', async () => {
    for (const [n, language] of LANGUAGES.entries()) {
      for (const theme of THEMES) {
        const width = WIDTHS[(n + THEMES.indexOf(theme)) % WIDTHS.length];
        const page = await newPage(browser, service, { language, theme, width });
        await page.goto('/');
        await settle(page);
        assert.deepEqual(await findings(page), [], `${language} ${theme} ${width}`);
        assert.equal(await overflows(page), false, `${language} ${theme} ${width}`);
        assert.deepEqual(await page.faults(), []);
        await page.context().close();
      }
    }
  });
});
