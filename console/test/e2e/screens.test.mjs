// Every screen, with texts that attack in every field that is shown: nothing runs, the content security policy is not
// broken, axe-core has no serious finding, nothing is wider than the window. In full, in every language, theme and
// width.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LANGUAGES, THEMES, WIDTHS, findings, newPage, overflows, settle, startBrowser, startService } from './support.mjs';

const FULL = process.env.KEN_CONSOLE_EXTENT === 'full';

/** Texts that would run, break out of an attribute, or load something, if any of them became markup. */
const ATTACKS = [
  '<img src=x onerror="alert(1)">',
  '"><script>alert(2)</script>',
  '<svg/onload=alert(3)>',
  '[click](javascript:alert(4))',
  '{{constructor.constructor("alert(5)")()}}',
  '<iframe srcdoc="<script>parent.alert(6)</script>"></iframe>',
  '</textarea><img src=https://attacker.example/x.png onerror=alert(7)>',
];
const attack = ATTACKS.join(' ');

/** The screens by name. */
const SCREENS = {
  home: '/',
  ask: '/ask?q=DoorMate+K1+%E5%94%AE%E5%83%B9%E5%A4%9A%E5%B0%91%EF%BC%9F',
  documents: '/documents',
  folders: '/documents?view=tree',
  document: '/documents/doormate-k1.zh-Hant',
  'document-attack': '/documents/attack',
  'document-original': '/documents/attack?tab=original',
  'document-versions': '/documents/attack?tab=versions&from=1&to=2',
  'document-properties': '/documents/attack?tab=properties',
  'document-editor': '/documents/attack/edit',
  faqs: '/faqs',
  faq: '/faqs/faq-attack',
  'faqs-import': '/faqs/import',
  learning: '/learning',
  drafts: '/learning?tab=drafts',
  contradictions: '/learning?tab=contradictions',
  quality: '/quality',
  runs: '/quality?tab=runs',
  levels: '/quality?tab=levels',
  questions: '/quality?tab=questions',
  insights: '/quality?tab=insights',
  experiments: '/quality?tab=experiments',
  admin: '/admin',
  keys: '/admin?tab=keys',
  settings: '/admin?tab=settings',
  audit: '/admin?tab=audit',
  health: '/admin?tab=health',
  api: '/admin?tab=api',
};

describe('every screen', () => {
  let service;
  let browser;

  before(async () => {
    service = await startService();
    browser = await startBrowser();
    const document = { title: attack, text: `# ${attack}\n\n${ATTACKS.join('\n\n')}\n`, tags: [attack.slice(0, 60)], audience: [ATTACKS[0]], uri: 'https://example.com/"onmouseover="alert(8)' };
    await service.api('PUT', '/v1/documents/attack?wait=indexed', { ...document, text: 'before' });
    await service.api('PUT', '/v1/documents/attack?wait=indexed', document);
    await service.api('PUT', '/v1/faqs/faq-attack?wait=indexed', { question: attack, answer: attack, variants: ATTACKS, tags: [ATTACKS[0]], negatives: [ATTACKS[2]] });
    await service.api('PUT', '/v1/judged-questions/attack', { question: attack, contains: attack });
    const asked = await service.api('POST', '/v1/answers', { question: attack, channel: ATTACKS[0].slice(0, 30), conversation_id: 'attack' });
    await service.api('POST', '/v1/feedback', { answer_id: asked.id, helpful: false, comment: attack });
    await service.api('POST', '/v1/cases?wait=distilled', { id: 'attack', outcome: 'resolved', turns: [{ role: 'customer', text: attack }, { role: 'agent', text: `${attack} 保固是 24 個月。` }] });
    await service.api('PUT', '/v1/synonyms', { groups: [['attack', ATTACKS[0]]] });
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

  /** Languages, themes and widths: all in full, else two, each with half of the screens. */
  const views = FULL
    ? LANGUAGES.flatMap((language) => THEMES.flatMap((theme) => WIDTHS.map((width) => ({ language, theme, width }))))
    : [
        { language: 'zh-Hant', theme: 'light', width: 1440 },
        { language: 'en', theme: 'dark', width: 390 },
      ];

  for (const [turn, view] of views.entries()) {
    const screens = Object.entries(SCREENS).filter((_, n) => FULL || n % views.length === turn);
    test(`is_accessible_and_runs_nothing in ${view.language}, ${view.theme}, ${view.width} px`, async () => {
      const page = await newPage(browser, service, view);
      const faults = [];
      // The tour opens by itself on the first visit.
      await page.addInitScript(() => localStorage.setItem('ken.tour', 'done'));
      for (const [name, path] of screens) {
        await page.goto(path);
        await page.locator('h1').first().waitFor();
        await settle(page);
        const said = [...(await findings(page)), ...(await page.faults()), ...((await overflows(page)) ? ['wider than its window'] : [])];
        faults.push(...said.map((one) => `${name}: ${one}`));
      }
      await page.context().close();
      assert.deepEqual(faults, []);
    });
  }

  test('the_palette_goes_to_a_document_by_keyboard_alone', async () => {
    const page = await newPage(browser, service);
    await page.goto('/documents');
    await settle(page);
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('combobox').waitFor();
    await page.keyboard.type('DoorMate');
    const list = page.getByRole('dialog').getByRole('listbox');
    await list.getByRole('option', { name: /DoorMate K1 電子鎖：安裝/ }).first().waitFor();
    const options = await list.getByRole('option').allTextContents();
    const wanted = options.findIndex((text) => text.includes('DoorMate K1 電子鎖：安裝'));
    for (let n = 0; n < wanted; n++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/documents\/doormate-k1/);
    assert.deepEqual(await page.faults(), []);
    await page.context().close();
  });

  test('the_palette_goes_to_the_parts_of_the_screens', async () => {
    const page = await newPage(browser, service);
    await page.goto('/');
    await settle(page);
    const found = page.getByRole('dialog').getByRole('option');
    /** Types and returns what is offered. */
    const offered = async (text) => {
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.keyboard.press('Control+k');
      const box = page.getByRole('dialog').getByRole('combobox');
      await box.waitFor();
      await box.fill(text);
      await found.filter({ hasText: text }).first().waitFor();
      return (await found.allInnerTexts()).map((one) => one.replace(/\s+/g, ' ').trim());
    };
    // Each tab of each screen is offered, by its name.
    for (const screen of ['Learning', 'Quality', 'Administration']) {
      await page.goto(`/${screen === 'Administration' ? 'admin' : screen.toLowerCase()}`);
      await settle(page);
      const tabs = await page.getByRole('tab').evaluateAll((all) => all.map((tab) => tab.firstChild.textContent.trim()));
      const texts = await offered(screen);
      for (const tab of tabs) assert.ok(texts.includes(`${tab}${screen}`) || texts.includes(`${tab} ${screen}`), `${tab} of ${screen}: ${texts}`);
      await page.keyboard.press('Escape');
    }
    await offered('Audit');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/admin?tab=audit');
    await page.getByRole('tab', { name: 'Audit log', selected: true }).waitFor();
    await offered('Import a sheet');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/faqs/import');
    assert.deepEqual(await page.faults(), []);
    await page.context().close();
  });

  test('the_page_is_sent_with_its_protections_and_its_files_for_ever', async () => {
    const page = await fetch(`${service.url}/documents/some%2Fid`);
    assert.equal(page.status, 200);
    const policy = page.headers.get('content-security-policy');
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]) {
      assert.ok(policy.includes(part), part);
    }
    assert.ok(!policy.includes('unsafe'), policy);
    assert.equal(page.headers.get('x-frame-options'), 'DENY');
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    const html = await page.text();
    assert.ok(!/<script(?![^>]*src=)|<style|\son\w+=/.test(html), 'no inline code');
    const [script] = html.match(/\/console\/assets\/[^"]+\.js/);
    const file = await fetch(service.url + script, { headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(file.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(file.headers.get('content-encoding'), 'gzip');
    const again = await fetch(service.url + script, { headers: { 'If-None-Match': file.headers.get('etag') } });
    assert.equal(again.status, 304);
    assert.equal((await fetch(`${service.url}/console/assets/none.js`)).status, 404);
    assert.equal((await fetch(`${service.url}/console/..%2F..%2FCargo.toml`)).status, 404);
  });
});

describe('signing in', () => {
  let service;
  let browser;

  before(async () => {
    service = await startService({ sample: false, keys: true });
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  test('by_key_shows_what_the_role_may_do_and_signs_out_everywhere', async () => {
    const page = await newPage(browser, service);
    await page.goto('/documents');
    await page.getByLabel('Key').fill('ken_0000000000000000_00');
    await page.keyboard.press('Enter');
    await page.getByText('This key is unknown, revoked, expired').waitFor();
    await page.getByLabel('Key').fill(service.keys.editor);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Documents' }).waitFor();
    const menu = page.getByRole('navigation', { name: 'Main menu' });
    assert.equal(await menu.getByRole('link', { name: 'Administration' }).count(), 0, 'an editor does not administrate');
    // The key is kept nowhere that a script can read.
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
    assert.ok(!kept.includes(service.keys.editor.slice(-20)), 'the key is not kept');

    const other = await newPage(browser, service);
    await other.goto('/documents');
    await other.getByLabel('Key').fill(service.keys.editor);
    await other.keyboard.press('Enter');
    await other.getByRole('heading', { level: 1, name: 'Documents' }).waitFor();
    await other.getByRole('button', { name: /Account and appearance/ }).click();
    await other.getByRole('button', { name: 'Sign out everywhere' }).click();
    await other.getByRole('dialog', { name: 'Sign out everywhere' }).getByRole('button', { name: 'Sign out' }).click();
    await other.getByRole('heading', { name: 'Sign in to Ken' }).waitFor();
    // The first browser is signed out too: its next call asks to sign in again, over what is shown.
    await page.getByRole('searchbox').first().fill('anything');
    await page.getByRole('dialog', { name: 'Please sign in again' }).waitFor();
    assert.deepEqual(await page.faults(), []);
    for (const one of [page, other]) await one.context().close();
  });

  test('a_page_of_another_site_can_do_nothing_with_the_cookie', async () => {
    const page = await newPage(browser, service);
    await page.goto('/');
    await page.getByLabel('Key').fill(service.keys.admin);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
    const status = await page.evaluate(async () => (await fetch('/v1/synonyms', { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: '{"groups":[]}' })).status);
    assert.equal(status, 403, 'without the header that only the console sends');
    await page.context().close();
  });
});
