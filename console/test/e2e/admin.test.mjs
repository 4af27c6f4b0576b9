// The administration screen on a real service: why an upload failed and running it again, keys, workspaces, settings, the audit
// log, and calls that run as they are copied.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { LANGUAGES, THEMES, findings, newPage, overflows, settle, startBrowser, startService, tabTo } from './support.mjs';

const run = promisify(execFile);
let browser, service, folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ken-admin-'));
  [browser, service] = await Promise.all([startBrowser(), startService({ sample: false })]);
});
after(async () => {
  await browser?.close();
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A page in English that ends with the test; nothing foreign may have run on it. */
async function open(t, address, options = {}) {
  const page = await newPage(browser, options.of ?? service, options);
  t.after(async () => {
    const faults = await page.faults();
    await page.context().close();
    assert.deepEqual(faults, []);
  });
  await page.goto(address);
  await settle(page);
  return page;
}

/** Uploads texts by their names and waits for the job. */
async function upload(files) {
  const form = new FormData();
  for (const [name, text] of Object.entries(files)) form.append('file', new Blob([text]), name);
  const reply = await fetch(`${service.url}/v1/documents:upload?wait=done`, { method: 'POST', body: form });
  assert.equal(reply.status, 202);
  return reply.json();
}

const hours = (opens, branch) => `# Opening hours of the ${branch} branch\n\nThe ${branch} branch opens at ${opens} and closes at 21:30.\n`;

/** A job of which one file failed: it would break a judged question. */
async function failedUpload(branch) {
  const id = `admin-${branch.toLowerCase()}`;
  await upload({ [`${id}.md`]: hours('10:00', branch) });
  await service.api('PUT', `/v1/judged-questions/${id}`, { question: `When does the ${branch} branch open?`, contains: '10:00' });
  const job = await upload({ [`${id}.md`]: hours('11:00', branch), [`${id}-parking.md`]: `# Parking in ${branch}\n\nParking is free for two hours.\n` });
  assert.deepEqual([job.n_done, job.n_failed], [1, 1], JSON.stringify(job));
  return { id, job: job.id };
}
const textOf = async (id) => (await service.api('GET', `/v1/documents/${id}.md`)).text;

test('failed upload is explained and runs again by mouse', async (t) => {
  const { id, job } = await failedUpload('Taichung');
  const page = await open(t, '/admin');
  await page.getByText('1 of 2 failed').waitFor();
  await page.locator(`a[href="/admin/jobs/${job}"]`).click();
  await page.getByText(/would break 1 judged question/).waitFor();
  await page.getByText(/update it first and run this again/).waitFor();
  assert.equal(await page.getByText(`${id}-parking.md`).count(), 0, 'what succeeded is not among the failures');
  await page.getByRole('button', { name: 'Run failed items again' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('checkbox').check();
  await dialog.getByRole('button', { name: 'Run failed items again' }).click();
  await page.getByText('2 done, 0 failed, 0 waiting').waitFor();
  assert.match(await textOf(id), /opens at 11:00/);
});

test('failed upload runs again by keyboard alone', async (t) => {
  const { id, job } = await failedUpload('Tainan');
  const page = await open(t, '/admin');
  await page.getByText('1 of 2 failed').waitFor();
  await tabTo(page, page.locator(`a[href="/admin/jobs/${job}"]`));
  await page.keyboard.press('Enter');
  await page.getByText(/would break 1 judged question/).waitFor();
  const retry = page.getByRole('button', { name: 'Run failed items again' });
  await tabTo(page, retry);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  // Escape leaves it without doing anything, and the focus is where it was.
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.ok(await retry.evaluate((element) => element === document.activeElement));
  await page.keyboard.press('Enter');
  await tabTo(page, dialog.getByRole('checkbox'));
  await page.keyboard.press('Space');
  await tabTo(page, dialog.getByRole('button', { name: 'Run failed items again' }));
  await page.keyboard.press('Enter');
  await page.getByText('2 done, 0 failed, 0 waiting').waitFor();
  assert.match(await textOf(id), /opens at 11:00/);
});

test('job list is filtered by state in the address', async (t) => {
  const job = await upload({ 'admin-broken.pdf': 'no PDF' });
  assert.equal(job.state, 'failed');
  const page = await open(t, '/admin?state=failed');
  await page.locator(`a[href="/admin/jobs/${job.id}"]`).waitFor();
  await page.getByRole('combobox', { name: 'State' }).selectOption('cancelled');
  await page.getByText('No job matches').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('state'), 'cancelled');
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.locator(`a[href="/admin/jobs/${job.id}"]`).click();
  await page.getByText(/The file is damaged/).waitFor();
});

test('broken file is replaced by a corrected one', async (t) => {
  const job = await upload({ 'admin/torn.docx': 'no document' });
  assert.equal(job.state, 'failed');
  const page = await open(t, `/documents?job=${job.id}`);
  // The panel says the same as the job's page, and leads there.
  const items = page.getByRole('list', { name: 'Result of each file' });
  await items.getByText(/The file is damaged/).waitFor();
  await items.getByRole('link', { name: 'Open the job: admin/torn.docx' }).click();
  await page.getByText(/these files would fail again/).waitFor();
  const correct = page.getByRole('button', { name: 'Upload the corrected file' });
  assert.match(await correct.getAttribute('class'), /\bmain\b/);
  assert.doesNotMatch(await page.getByRole('button', { name: 'Run failed items again' }).getAttribute('class'), /\bmain\b/, 'it would fail again');
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), correct.click()]);
  await chooser.setFiles({ name: 'mended.md', mimeType: 'text/markdown', buffer: Buffer.from('# Lockers\n\nLockers are free.') });
  await page.waitForURL((url) => url.pathname.startsWith('/admin/jobs/') && !url.pathname.endsWith(job.id));
  await page.getByText('1 done, 0 failed, 0 waiting').waitFor();
  assert.match(await textOf(encodeURIComponent('admin/mended')), /Lockers are free/);
});

test('key is shown once and revoked with a question', async (t) => {
  const guarded = await startService({ sample: false, keys: true });
  t.after(() => guarded.stop());
  const page = await open(t, '/', { of: guarded });
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByLabel('Key').fill(guarded.keys.admin);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('link', { name: 'Administration' }).click();
  await page.getByRole('tab', { name: 'Keys' }).click();
  await page.getByRole('button', { name: 'Create a key' }).click();
  const dialog = page.getByRole('dialog');
  // Who administers a workspace creates no operators.
  assert.deepEqual(await dialog.getByLabel('Role').locator('option').allTextContents(), ['bot', 'editor', 'agent', 'administrator']);
  await dialog.getByLabel('Name').fill('<img src=x onerror=alert(1)>');
  await dialog.getByLabel('Networks').fill('not a network');
  await dialog.getByRole('button', { name: 'Create a key' }).click();
  await dialog.locator('textarea[aria-invalid]').waitFor();
  await dialog.getByLabel('Networks').fill('127.0.0.0/8');
  await dialog.getByRole('button', { name: 'Create a key' }).click();
  const secret = await dialog.getByLabel('Key').inputValue();
  assert.match(secret, /^ken_/);

  await page.keyboard.press('Escape');
  await dialog.getByText(/It was not copied/).waitFor();
  await dialog.getByRole('button', { name: /^Copy/ }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await dialog.waitFor({ state: 'detached' });
  const kept = await page.evaluate(() => document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert.ok(!kept.includes(secret), 'the secret is nowhere in the page');

  await guarded.api('POST', '/v1/search', { question: 'x' }, { key: secret });
  await page.getByRole('button', { name: 'Revoke <img' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await dialog.waitFor({ state: 'detached' });
  // A process may go by keys that it read within the last second.
  const deadline = Date.now() + 5_000;
  const isRefused = () => guarded.api('POST', '/v1/search', { question: 'x' }, { key: secret }).then(() => false, (error) => /401/.test(error.message));
  while (!(await isRefused())) assert.ok(Date.now() < deadline, 'the revoked key is refused');
  assert.equal(await page.getByRole('tab', { name: 'Workspaces' }).count(), 0, 'only operators see the workspaces');
});

test('workspace is created, entered, and deleted by its name', async (t) => {
  const page = await open(t, '/admin?tab=workspaces');
  await page.getByRole('button', { name: 'Create a workspace' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Not a name');
  await dialog.getByRole('button', { name: 'Create a workspace' }).click();
  await dialog.getByText('Use 1 to 64').waitFor();
  await dialog.getByLabel('Name').fill('admin-new');
  await dialog.getByRole('button', { name: 'Create a workspace' }).click();
  await page.getByText('Created admin-new').waitFor();
  const names = async () => (await service.api('GET', '/v1/workspaces')).workspaces.map((one) => one.name);
  assert.ok((await names()).includes('admin-new'));
  assert.equal(await page.evaluate(() => localStorage.getItem('ken.workspace')), 'admin-new');

  await page.goto('/admin?tab=workspaces');
  await page.getByRole('button', { name: 'Delete admin-new' }).click();
  const confirm = dialog.getByRole('button', { name: 'Delete the workspace' });
  await dialog.getByRole('textbox').fill('admin-ne');
  assert.ok(await confirm.isDisabled());
  await dialog.getByRole('textbox').fill('admin-new');
  await confirm.click();
  await page.getByText(/Deleted admin-new/).waitFor();
  assert.ok(!(await names()).includes('admin-new'));
});

test('settings show errors at their field and are saved', async (t) => {
  const page = await open(t, '/admin?tab=settings');
  await page.getByRole('radio', { name: /^Strict/ }).check();
  await page.getByRole('checkbox', { name: /^Two people/ }).check();
  await page.getByRole('button', { name: 'Add a pattern' }).click();
  await page.getByLabel('Kind (in the placeholder)').fill('loyalty');
  const pattern = page.getByLabel('Regular expression');
  await pattern.fill('(');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('input[aria-invalid]').waitFor();
  // What was typed is still there after the page was loaded again.
  await page.reload();
  await page.getByText(/Restored what you had typed/).waitFor();
  assert.equal(await pattern.inputValue(), '(');
  await pattern.fill('LY-\\d+');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/in effect from the next question/).waitFor();
  const settings = await service.api('GET', '/v1/settings');
  assert.equal(settings.level, 'strict');
  assert.equal(settings.learning.four_eyes, true);
  assert.deepEqual(settings.redaction, [{ kind: 'loyalty', pattern: 'LY-\\d+' }]);
});

test('synonyms of two editors meet before they are saved', async (t) => {
  await service.api('PUT', '/v1/synonyms', { groups: [['refund', 'money back']] });
  const page = await open(t, '/admin?tab=settings&of=synonyms');
  await page.getByRole('button', { name: 'Add a group' }).click();
  await page.getByLabel('Words that mean the same').fill('delivery\nshipping\n');
  await service.api('PUT', '/v1/synonyms', { groups: [['refund', 'money back'], ['shop', 'store']] });
  await page.getByRole('button', { name: 'Save' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('shop = store').first().waitFor();
  await dialog.getByRole('button', { name: 'Take theirs' }).click();
  await page.getByRole('button', { name: 'Add a group' }).click();
  await page.getByLabel('Words that mean the same').fill('delivery\nshipping\n');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The synonyms are saved').waitFor();
  assert.deepEqual((await service.api('GET', '/v1/synonyms')).groups, [['delivery', 'shipping'], ['refund', 'money back'], ['shop', 'store']]);
});

test('audit log is filtered, shows a change and is exported', async (t) => {
  await service.api('PUT', '/v1/synonyms', { groups: [['audit one', 'audit two']] });
  await service.api('PUT', '/v1/synonyms', { groups: [['audit one', 'audit three']] });
  const page = await open(t, '/admin?tab=audit');
  await page.getByLabel('Action').fill('synonyms.put');
  const entries = page.getByRole('list', { name: 'Audit log' }).getByRole('listitem');
  await entries.filter({ hasNotText: 'synonyms.put' }).first().waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'synonyms.put' }).first().click();
  const dialog = page.getByRole('dialog');
  assert.match(await dialog.locator('del').first().innerText(), /two/);
  assert.match(await dialog.locator('ins').first().innerText(), /three/);
  assert.match(page.url(), /entry=\d+/);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.getByLabel('Action').fill('nothing like this');
  await page.getByText('No entry matches').waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export all' }).click()]);
  const lines = readFileSync(await download.path(), 'utf8').trim().split('\n').map(JSON.parse);
  assert.equal(lines[0].number, 1);
  assert.ok(lines.some((line) => line.action === 'synonyms.put'));
});

test('calls run as they are shown', async (t) => {
  const page = await open(t, '/admin?tab=api');
  writeFileSync(join(folder, 'store-hours.md'), '# Store hours\n\nThe store opens at 10:00.\n');
  const shown = async () => page.locator('figure pre').allInnerTexts();
  const curls = await shown();
  assert.equal(curls.length, 4);
  for (const code of curls) {
    const { stdout } = await run('bash', ['-c', code.replace('curl ', 'curl --fail-with-body ')], { cwd: folder });
    assert.ok(JSON.parse(stdout), code);
  }
  await page.getByRole('button', { name: 'JavaScript' }).click();
  await page.getByText('await fetch').first().waitFor();
  for (const code of await shown()) {
    const { stdout } = await run(process.execPath, ['--no-warnings', '--input-type=module', '-e', code], { cwd: folder });
    assert.match(stdout, /\w/, code);
  }
  await page.getByRole('button', { name: 'Python' }).click();
  await page.getByText('import requests').first().waitFor();
  for (const code of await shown()) await run('python3', ['-c', 'import ast, sys; ast.parse(sys.argv[1])', code]);
});

test('every part is accessible in every language and theme', { timeout: 600_000 }, async (t) => {
  const job = await upload({ 'admin-look.pdf': 'no PDF' });
  const parts = ['/admin', `/admin/jobs/${job.id}`, ...['keys', 'workspaces', 'settings', 'settings&of=synonyms', 'settings&of=server', 'audit', 'audit&entry=1', 'health', 'api'].map((tab) => `/admin?tab=${tab}`)];
  for (const language of LANGUAGES) {
    for (const theme of THEMES) {
      const width = theme === 'dark' ? 390 : 1440;
      const page = await newPage(browser, service, { language, theme, width });
      for (const address of parts) {
        await page.goto(address);
        await settle(page);
        const where = `${address} ${language} ${theme} ${width}`;
        // The frame is tested with the frame.
        const own = (await findings(page)).filter((one) => !/button\[aria-label="[^"]*"\]/.test(one));
        assert.deepEqual(own, [], where);
        assert.equal(await overflows(page), false, where);
        assert.equal(await page.locator('.failure').count(), 0, where);
      }
      assert.deepEqual(await page.faults(), [], `${language} ${theme}`);
      await page.context().close();
    }
  }
});
