// Four whole stories on a real service: a newcomer, an editor, a lead and an administrator. Each is written once and told with a
// mouse and with the keys alone, in every language, and in both themes; in short, each once.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Keyboard, Mouse } from './hands.mjs';
import { LANGUAGES, THEMES, findings, newPage, overflows, settle, startBrowser, startService } from './support.mjs';
import { textsOf } from './texts.mjs';
import { WORDS } from './words.mjs';

const SHORT = process.env.KEN_CONSOLE_EXTENT === 'short';
const HANDS = { mouse: Mouse, keyboard: Keyboard };
const FORMATS = fileURLToPath(new URL('../../../tests/fixtures/formats/', import.meta.url));

let browser, service, folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ken-scripts-'));
  [browser, service] = await Promise.all([startBrowser(), startService({ sample: false, keys: true })]);
});
after(async () => {
  await browser?.close();
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A person with a role in a workspace of their own, at a browser. */
async function person({ name, role, hand, language, theme }) {
  const workspace = `${name}-${hand}-${language}`.toLowerCase();
  /** A call of the API by the operator, past the console. */
  const api = async (method, path, body) => {
    const isForm = body instanceof FormData;
    const reply = await fetch(service.url + path, {
      method,
      headers: { Authorization: `Bearer ${service.keys.operator}`, 'X-Ken-Workspace': workspace, ...(body && !isForm && { 'Content-Type': 'application/json' }) },
      body: isForm ? body : body && JSON.stringify(body),
    });
    const text = await reply.text();
    assert.ok(reply.ok, `${method} ${path}: ${reply.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const page = await newPage(browser, service, { language, theme });
  const [t, { key }] = await Promise.all([textsOf(language), api('POST', '/v1/keys', { role, name: role })]);
  const one = {
    page,
    api,
    t,
    user: new HANDS[hand](page),
    words: WORDS[language],
    button: (text, within = page) => within.getByRole('button', { name: text, exact: true }),
    link: (text, within = page.getByRole('main')) => within.getByRole('link', { name: text, exact: true }),
    field: (text, within = page) => within.getByLabel(text, { exact: true }),
    /** A file with a text, to be uploaded. */
    file(fileName, text) {
      const path = join(folder, `${workspace}-${fileName}`);
      writeFileSync(path, text);
      return path;
    },
    /** Goes to a screen by the main menu. */
    async go(screen) {
      await one.user.press(one.link(t(`nav.${screen}`), page.getByRole('navigation', { name: t('nav.label') })));
      await page.getByRole('heading', { level: 1, name: t(`${screen}:title`), exact: true }).waitFor();
    },
    /** Looks closely at what is shown now. */
    async look() {
      await settle(page);
      await one.user.stands();
      assert.deepEqual(await findings(page), []);
      assert.equal(await overflows(page), false);
      assert.deepEqual(await page.faults(), []);
    },
    /** Asks in Ask and returns the answer when it has arrived. */
    async ask(question) {
      await one.user.write(one.field(t('ask:box.question')), question);
      await one.user.press(one.button(t('ask:box.submit')));
      await page.getByRole('heading', { level: 2, name: question }).waitFor();
      const answer = page.getByRole('article');
      await one.button(t('ask:why.show'), answer).waitFor();
      return answer;
    },
    async signIn() {
      await page.goto('/');
      await one.user.write(one.field(t('signIn.key')), key);
      await one.user.press(one.button(t('signIn.submit')));
      await page.getByRole('heading', { level: 1, name: t('home:title'), exact: true }).waitFor();
    },
  };
  return one;
}

const outcome = (one, name) => one.t(`labels:outcome.${name}`);

const STORIES = {
  /** Drops three files, asks, opens the passage, finds the answer wrong, mends it and asks again. */
  newcomer: {
    role: 'editor',
    async tell(one) {
      const { page, user, t, words, button, link, field } = one;
      await one.signIn();
      await page.getByRole('heading', { name: t('home:first.title') }).waitFor();
      const file = one.file('delivery.md', words.delivery.text);
      await user.give(button(t('upload:chooseFiles')), [join(FORMATS, 'manual-libreoffice.docx'), join(FORMATS, 'table.xlsx'), file]);
      await page.getByText(t('upload:ended', { state: t('labels:job.done'), done: '3', total: '3' }), { exact: true }).waitFor();
      await page.getByText(t('home:first.ready')).waitFor();
      await one.look();

      await user.press(link(t('home:first.askButton')));
      const answer = await one.ask(words.delivery.question);
      await answer.getByText(outcome(one, 'answered'), { exact: true }).waitFor();
      await answer.getByText(words.delivery.wrong).first().waitFor();
      await user.press(answer.getByRole('button', { name: t('ask:source.open', { number: 1, title: words.delivery.title }), exact: true }).first());
      const passage = page.getByRole('complementary', { name: words.delivery.title });
      await passage.locator('mark', { hasText: words.delivery.wrong }).waitFor();
      await one.look();

      await user.pick(button(t('ask:repair.open')), page.getByRole('menuitem', { name: t('ask:repair.edit', { number: 1, title: words.delivery.title }) }));
      await page.locator('mark', { hasText: words.delivery.wrong }).waitFor();
      await user.press(link(t('edit')));
      await user.mend(field(t('documents:text')), words.delivery.wrong, words.delivery.right);
      await one.look();
      await user.press(button(t('documents:checkAndSave')));
      const check = page.getByRole('dialog', { name: t('documents:beforeSaving') });
      await button(t('save'), check).waitFor();
      await one.look();
      await user.press(button(t('save'), check));
      const toast = page.locator('.toasts');
      await toast.getByText(t('documents:saved', { version: 2, effect: t('labels:effect.changed') })).waitFor();

      await user.press(link(t('documents:askAgain'), toast));
      await page.getByRole('heading', { level: 2, name: words.delivery.question }).waitFor();
      const second = page.getByRole('article');
      await button(t('ask:why.show'), second).waitFor();
      await second.getByText(words.delivery.right).first().waitFor();
      assert.equal(await second.getByText(words.delivery.wrong).count(), 0, 'the wrong answer is gone');
      await one.look();
    },
  },

  /** Imports a sheet with a contradiction and two broken rows, mends it, sees which answers change, publishes, restores. */
  editor: {
    role: 'editor',
    async tell(one) {
      const { page, user, t, words, button, link, api } = one;
      const { refund, lockers, wrap, hours } = words;
      for (const [id, [question, answer]] of Object.entries({ refund, lockers })) await api('PUT', `/v1/faqs/${id}?wait=indexed`, { question, answer });
      await api('POST', '/v1/answers', { question: refund[0] });
      const answerOf = async (id) => (await api('GET', `/v1/faqs/${id}`)).answer;

      await one.signIn();
      await one.go('faqs');
      await user.press(link(t('faqs:importSheet')));
      const sheet = (rows) => one.file('faqs.csv', ['id,question,what we say,status', ...rows].join('\n'));
      const good = `refund,${refund[0]},${refund[2]},`;
      await user.give(button(t('faqs:chooseFile')), [sheet([good, `,${lockers[0]},${lockers[2]},`, `wrap,,${wrap[1]},`, `hours,${hours[0]},${hours[1]},soon`])]);
      await page.getByText(t('faqs:needsColumns')).waitFor();
      await user.choose(page.getByRole('combobox', { name: t('faqs:takenForOf', { column: 'what we say' }) }), t('faqs:fields.answer'));
      const rows = page.getByRole('region', { name: t('faqs:rows') });
      const group = (effect, count) => rows.getByRole('heading', { name: t(`faqs:n.${effect}`, { count, n: count }), exact: true });
      await group('invalid', 2).waitFor();
      await group('conflicting', 1).waitFor();
      await group('changed', 1).waitFor();
      for (const text of [t('faqs:remedies.missing_value'), t('faqs:remedies.invalid_status'), lockers[1], lockers[2]]) await rows.getByText(text).first().waitFor();
      assert.ok(await button(t('faqs:applyN', { count: 1, n: 1 })).isDisabled(), 'all rows or none');
      await one.look();

      // The contradicting row holds from now on: it gets the id of the FAQ that it contradicts.
      const mended = sheet([good, `lockers,${lockers[0]},${lockers[2]},`, `wrap,${wrap[0]},${wrap[1]},`, `hours,${hours[0]},${hours[1]},published`]);
      await user.give(button(t('faqs:chooseAnother')), [mended]);
      await group('changed', 2).waitFor();
      await group('new', 2).waitFor();
      assert.equal(await group('invalid', 2).count() + await group('conflicting', 1).count(), 0);
      await user.press(button(t('faqs:seeImpact')));
      const impact = page.getByRole('region', { name: t('impact:title') });
      // All rows are tried by their own wordings, the new ones too.
      await impact.getByText(t('impact:is.changed', { count: 4 }), { exact: true }).waitFor();
      for (const [question] of [wrap, hours]) await impact.getByText(question, { exact: true }).waitFor();
      await user.press(impact.locator('summary', { hasText: refund[0] }));
      const side = (name, text) => impact.getByRole('group', { name: t(`impact:${name}`, { outcome: outcome(one, 'answered') }) }).getByText(text);
      await side('before', refund[1]).waitFor();
      await side('after', refund[2]).waitFor();
      assert.equal(await answerOf('refund'), refund[1], 'nothing is written yet');
      await one.look();

      await user.press(button(t('faqs:applyN', { count: 4, n: 4 })));
      const done = page.getByRole('region', { name: t('faqs:done') });
      await done.getByText(t('faqs:imported', { added: 2, changed: 2 })).waitFor();
      assert.deepEqual([await answerOf('refund'), await answerOf('lockers'), await answerOf('wrap')], [refund[2], lockers[2], wrap[1]]);
      await one.look();

      await user.press(button(t('faqs:undo'), done));
      const dialog = page.getByRole('dialog', { name: t('faqs:undoTitle') });
      await user.press(button(t('faqs:undo'), dialog));
      await done.getByText(t('faqs:isUndone')).waitFor();
      assert.deepEqual([await answerOf('refund'), await answerOf('lockers')], [refund[1], lockers[1]]);
      await assert.rejects(answerOf('wrap'), /404/);
      await one.look();
    },
  },

  /** Finds the week's costliest gap, turns it into an approved FAQ, and a judged question proves it. */
  lead: {
    role: 'editor',
    async tell(one) {
      const { page, user, t, words, button, link, field, api } = one;
      const { asked, settled, once } = words.gap;
      await api('PUT', '/v1/documents/delivery?wait=indexed', { title: words.delivery.title, text: words.delivery.text });
      await api('POST', '/v1/answers', { question: once, customer_id: 'c0' });
      for (const [n, question] of asked.entries()) assert.equal((await api('POST', '/v1/answers', { question, customer_id: `c${n}` })).outcome, 'refused');
      const turns = [{ role: 'customer', text: asked[0] }, { role: 'agent', text: settled }];
      await api('POST', '/v1/cases?wait=distilled', { id: 'engraving', outcome: 'resolved', agent: 'Amy', turns });

      await one.signIn();
      await user.press(page.getByRole('region', { name: t('home:needs.title') }).getByRole('link', { name: t('home:needs.gaps', { count: 2 }) }));
      await user.choose(field(t('learning:gaps.period')), t('learning:gaps.days', { count: 7 }));
      await page.waitForURL(/days=7/);
      await settle(page);
      const gaps = page.getByRole('article');
      assert.equal(await gaps.count(), 2);
      const gap = gaps.first();
      await user.press(gap.getByText(t('learning:gaps.wordings', { count: asked.length - 1 })));
      for (const question of asked) await gap.getByText(question, { exact: true }).waitFor();
      await one.look();

      await user.press(link(t('learning:gaps.openDraft'), gap));
      await page.getByRole('heading', { level: 1, name: asked[0] }).waitFor();
      await page.getByText(settled).first().waitFor();
      await one.look();
      await user.press(button(t('learning:draft.approve')));
      const dialog = page.getByRole('dialog', { name: t('learning:approve.title') });
      await dialog.waitFor();
      await one.look();
      await user.press(button(t('learning:approve.publish'), dialog));
      await page.getByText(t('learning:draft.publishedAs')).waitFor();
      await user.press(button(t('learning:draft.judge')));
      await page.getByText(t('learning:draft.judged')).waitFor();

      await one.go('quality');
      await page.getByRole('list', { name: t('quality:tabs.judged') }).getByRole('listitem').filter({ hasText: asked[0] }).waitFor();
      await user.show(page.getByRole('tab', { name: t('quality:tabs.runs'), exact: true }));
      await user.press(button(t('quality:runs.start')));
      await page.getByText(t('quality:runs.met', { met: 1, total: 1 }), { exact: true }).waitFor();
      await one.look();
      const reply = await api('POST', '/v1/answers', { question: asked[0] });
      assert.equal(reply.outcome, 'answered', 'the next customer gets an answer');
    },
  },

  /** Finds why an upload failed, mends the cause, and runs it again. */
  administrator: {
    role: 'admin',
    async tell(one) {
      const { page, user, t, words, button, link, field, api } = one;
      const { title, text, question } = words.opening;
      const upload = (files) => {
        const form = new FormData();
        for (const [name, content] of Object.entries(files)) form.append('file', new Blob([content]), name);
        return api('POST', '/v1/documents:upload?wait=done', form);
      };
      await upload({ 'opening.md': text('10:00') });
      await api('PUT', '/v1/judged-questions/opening', { question, contains: '10:00' });
      // The check asks what is indexed.
      while (!(await api('POST', '/v1/answers', { question })).text.includes('10:00')) await new Promise((done) => setTimeout(done, 50));
      const job = await upload({ 'opening.md': text('11:00'), 'delivery.md': words.delivery.text });
      assert.deepEqual([job.n_done, job.n_failed], [1, 1], JSON.stringify(job));

      await one.signIn();
      await one.go('admin');
      await page.getByText(t('admin:jobs.failedOf', { failed: 1, all: 2 }), { exact: true }).waitFor();
      const name = t('admin:jobs.name', { kind: t('labels:jobKind.upload'), count: 2, items: 2 });
      await user.press(link(name));
      await page.getByText(t('upload:reasons.judged')).waitFor();
      await page.getByText('opening.md', { exact: true }).waitFor();
      assert.equal(await page.getByText('delivery.md').count(), 0, 'what succeeded is not among the failures');
      await one.look();

      // The judged question is out of date, so it is updated first.
      await one.go('quality');
      await user.press(button(t('quality:judged.editThis', { question })));
      const dialog = page.getByRole('dialog', { name: t('quality:judged.edit') });
      await user.write(field(t('quality:judged.contains'), dialog), '11:00');
      await one.look();
      await user.press(button(t('save'), dialog));
      await page.getByText(t('quality:judged.saved')).waitFor();

      await one.go('admin');
      await user.press(link(name));
      await user.press(button(t('admin:job.retry')));
      await user.press(button(t('admin:job.retry'), page.getByRole('dialog', { name: t('admin:job.retryTitle') })));
      await page.getByText(t('admin:job.counts', { done: 2, failed: 0, waiting: 0 })).waitFor();
      await one.look();
      assert.match((await api('GET', '/v1/documents/opening.md')).text, /11:00/, title);
    },
  },
};

/** How each story is told: in full by each hand in each language, the themes alternating; in short once. */
const tellings = Object.keys(STORIES).flatMap((name, n) =>
  SHORT
    ? [{ name, hand: Object.keys(HANDS)[(n + 1) % 2], language: LANGUAGES[n % 3], theme: THEMES[n >> 1] }]
    : Object.keys(HANDS).flatMap((hand, m) => LANGUAGES.map((language, k) => ({ name, hand, language, theme: THEMES[(n + m + k) % 2] }))),
);

for (const telling of tellings) {
  const { role, tell } = STORIES[telling.name];
  test(`${telling.name} by ${telling.hand} in ${telling.language}, ${telling.theme}`, async () => {
    const one = await person({ role, ...telling });
    try {
      await tell(one);
    } catch (error) {
      if (process.env.SHOT) await one.page.screenshot({ path: `${process.env.SHOT}/${telling.name}-${telling.hand}-${telling.language}.png` });
      throw error;
    }
    await one.page.context().close();
  });
}
