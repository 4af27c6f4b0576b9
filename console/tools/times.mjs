// How long the console takes on a service with many documents: node tools/times.mjs URL [ROUNDS]
// First paint, first row, and from a key to the changed list, each as the median and the worst of ROUNDS (7 by default) fresh
// profiles; and over all of them the longest handling of an event (Event Timing) and the longest task of the main thread.
// `cargo bench --bench lists -- 100000 serve` is such a service.
import { newPage, startBrowser } from '../test/e2e/support.mjs';

const [url, rounds = 7] = process.argv.slice(2);
const LISTS = [
  ['documents', '/documents', 'refund 977'],
  ['tree', '/documents?view=tree', undefined],
  ['FAQs', '/faqs', '977'],
];

const browser = await startBrowser();
const times = new Map();
const note = (name, ms) => times.set(name, [...(times.get(name) ?? []), ms]);

/** Milliseconds since the page's beginning when its first row, other than `old`, was drawn. */
function drawn(page, old) {
  return page.evaluate(
    (old) =>
      new Promise((done) => {
        const look = () => {
          const text = document.querySelector('main [role="listitem"], main [role="row"]:not(:has([role="columnheader"])), main [role="treeitem"]')?.innerText;
          if (text && text !== old && !document.querySelector('main [aria-busy="true"]')) done([performance.now(), text]);
          else requestAnimationFrame(look);
        };
        look();
      }),
    old,
  );
}

for (let round = 0; round < Number(rounds); round++) {
  for (const [name, address, words] of LISTS) {
    const page = await newPage(browser, { url });
    await page.addInitScript(() => {
      window.longest = { event: 0, task: 0 };
      const watch = (type, key, options) =>
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.longest[key] = Math.max(window.longest[key], entry.duration);
        }).observe({ type, buffered: true, ...options });
      watch('event', 'event', { durationThreshold: 16 });
      watch('longtask', 'task', {});
    });
    await page.goto(url + address);
    const [row, text] = await drawn(page, '');
    note(`${name}: first paint`, await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
    note(`${name}: first row`, row);
    for (let turn = 0; turn < 20; turn++) {
      await page.mouse.wheel(0, 2_000);
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    }
    if (words) {
      await page.evaluate(() => scrollTo(0, 0));
      const [, before] = await drawn(page, '');
      const box = page.getByRole('searchbox').first();
      const begun = await page.evaluate(() => performance.now());
      await box.fill(words);
      note(`${name}: words to list`, (await drawn(page, before))[0] - begun);
    }
    const { event, task } = await page.evaluate(() => window.longest);
    note(`${name}: longest event`, event);
    note(`${name}: longest task`, task);
    if (!text) throw new Error(`${address} shows no row`);
    await page.context().close();
  }
}
await browser.close();
for (const [name, all] of times) {
  const sorted = all.toSorted((a, b) => a - b);
  console.log(`${name.padEnd(28)} median ${sorted[sorted.length >> 1].toFixed(0).padStart(5)} ms   worst ${sorted.at(-1).toFixed(0).padStart(5)} ms`);
}
