// What the browser loads before the first screen can be used, compressed as the service sends it, and whether it is within
// its limit. Counts the page, the scripts and styles that it names, what these import at once, one language and Home.
import { readFileSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** In bytes; the issue that asked for the console allows 250 kB. */
const LIMIT = 250_000;

const dist = new URL('../dist/', import.meta.url);
const read = (name) => readFileSync(new URL(name, dist), 'utf8');
const assets = readdirSync(new URL('assets/', dist));
const wanted = new Set(['index.html']);
const page = read('index.html');
for (const [, name] of page.matchAll(/\/console\/(assets\/[^"]+)"/g)) wanted.add(name);
for (const start of ['Home-', 'zh-Hant-']) for (const name of assets) if (name.startsWith(start)) wanted.add(`assets/${name}`);
for (const name of wanted) {
  if (!name.endsWith('.js')) continue;
  for (const [, other] of read(name).matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+)["'`]/g)) wanted.add(`assets/${other}`);
}
const sizes = [...wanted].map((name) => [name, gzipSync(read(name), { level: 6 }).length]);
const total = sizes.reduce((sum, [, size]) => sum + size, 0);
console.log(`first screen: ${(total / 1000).toFixed(1)} kB compressed of ${LIMIT / 1000} kB, ${sizes.length} files`);
if (total > LIMIT) {
  for (const [name, size] of sizes) console.error(`  ${(size / 1000).toFixed(1)} kB ${name}`);
  process.exit(1);
}
