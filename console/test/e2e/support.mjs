// A real service with a browser on it: starts `ken serve` on a store of its own, and Debian's Chromium by playwright-core.

import { spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = resolve(fileURLToPath(import.meta.url), '../../../..');
const KEN = process.env.KEN ?? join(root, 'target/debug/ken');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const axeSource = readFileSync(join(root, 'console/node_modules/axe-core/axe.min.js'), 'utf8');

export const SAMPLE = join(root, 'corpus/shop/knowledge');
export const LANGUAGES = ['zh-Hant', 'zh-Hans', 'en'];
export const THEMES = ['light', 'dark'];
/** Widths of a desktop, a small laptop or tablet, and a telephone, in CSS pixels. */
export const WIDTHS = [1440, 1024, 390];

async function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Runs `ken` with arguments to its end; rejects with its output if it fails. */
export function ken(environment, ...args) {
  return new Promise((done, fail) => {
    const child = spawn(KEN, args, { cwd: root, env: { ...process.env, ...environment } });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', fail);
    child.on('exit', (code) => (code === 0 ? done(output) : fail(new Error(`ken ${args.join(' ')}: ${code}\n${output}`))));
  });
}

/** A running service. `keys` maps roles to a key of each; without `keys` everyone is an operator. */
export async function startService({ sample = true, keys = false, environment = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ken-console-'));
  mkdirSync(join(folder, 'data'));
  const port = await freePort();
  const env = {
    KEN_STORE__URL: `sqlite:${join(folder, 'data/ken.db')}`,
    KEN_INDEX__DIR: join(folder, 'indexes'),
    KEN_HTTP__LISTEN: `127.0.0.1:${port}`,
    // A busy machine answers as an idle one, only later: what is tested is the console.
    KEN_READER__BUDGET_MS: '20000',
    KEN_ENCODER__MAX_WAIT_MS: '20000',
    KEN_HTTP__MAX_WAIT_MS: '20000',
    ...environment,
  };
  if (sample) await ken(env, 'ingest', SAMPLE);
  const made = {};
  if (keys) {
    for (const role of ['operator', 'admin', 'editor', 'agent', 'bot']) {
      const output = await ken(env, 'keys', '-w', 'default', 'create', '--role', role, '--name', role);
      made[role] = /ken_[0-9a-f]+_[0-9a-f]+/.exec(output)[0];
    }
  }
  const child = spawn(KEN, ['serve'], { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', (data) => (log += data));
  child.stderr.on('data', (data) => (log += data));
  const url = `http://127.0.0.1:${port}`;
  const ended = new Promise((done) => child.on('exit', done));
  const isReady = async () => {
    try {
      return (await fetch(`${url}/readyz`)).ok;
    } catch {
      return false;
    }
  };
  const deadline = Date.now() + 120_000;
  while (!(await isReady())) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`ken serve is not ready:\n${log}`);
    await new Promise((done) => setTimeout(done, 200));
  }
  return {
    url,
    keys: made,
    env,
    log: () => log,
    /** A call of the API as an operator or with a key, past the console. */
    async api(method, path, body, { key } = {}) {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...((key ?? made.operator) && { Authorization: `Bearer ${key ?? made.operator}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text ? JSON.parse(text) : undefined;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A browser without a network of its own. */
export async function startBrowser() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** A page of a fresh profile, which remembers what a console must never do: run foreign code, break its policy, throw. */
export async function newPage(browser, service, { language = 'en', theme = 'light', width = 1440, height = 900 } = {}) {
  const context = await browser.newContext({
    baseURL: service.url,
    locale: language,
    colorScheme: theme,
    viewport: { width, height },
    reducedMotion: 'reduce',
    acceptDownloads: true,
  });
  await context.addInitScript(() => {
    window.ran = [];
    addEventListener('securitypolicyviolation', (event) => window.ran.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    for (const name of ['alert', 'confirm', 'prompt']) window[name] = (text) => window.ran.push(`${name}: ${text}`);
  });
  // While one works on the console: the build in KEN_DIST in place of the one in the binary, with the service's own headers.
  if (process.env.KEN_DIST) {
    const build = (name) => join(process.env.KEN_DIST, name);
    await context.route(/\/console\//, (route) => route.fulfill({ path: build(new URL(route.request().url()).pathname.slice('/console/'.length)) }));
    await context.route(
      (url) => !/^\/(v1|docs|console|openapi|healthz|readyz|metrics)/.test(url.pathname),
      async (route) => {
        if (!route.request().isNavigationRequest()) return route.continue();
        const sent = await route.fetch();
        return route.fulfill({ response: sent, path: build('index.html') });
      },
    );
  }
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // The browser reports each reply of 4xx and 5xx; what the console makes of one is checked where it is expected.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(service.url) && !/^(data|blob|about):/.test(request.url())) faults.push(`foreign: ${request.url()}`);
  });
  page.faults = async () => [...faults, ...(await page.evaluate(() => window.ran))];
  return page;
}

/** Waits until nothing is loading any more. */
export async function settle(page) {
  // Not the quiet of the network: some screens ask again while work is under way.
  await page.locator('h1, h2').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('.loading, [aria-busy="true"]'));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.waitForFunction(() => !document.querySelector('.loading, [aria-busy="true"]'));
}

/** The serious and critical findings of axe-core on a page, as lines; none is what is wanted. */
export async function findings(page) {
  // Not a script tag: the page's policy would refuse it.
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
    const severe = violations.filter((one) => one.impact === 'serious' || one.impact === 'critical');
    return severe.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(' ')} – ${node.failureSummary}`));
  });
}

/** Whether the page is wider than its window: something would have to be scrolled sideways. */
export async function overflows(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1);
}

/** Presses Tab until an element has the focus; fails if it cannot be reached so. */
export async function tabTo(page, locator, most = 200) {
  for (let presses = 0; presses < most; presses++) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${locator}`);
}
