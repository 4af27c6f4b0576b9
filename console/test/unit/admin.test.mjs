// The plain functions of the administration screen, as Vite compiles them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { createServer } from 'vite';

let vite;
before(async () => {
  vite = await createServer({ root: new URL('../..', import.meta.url).pathname, server: { middlewareMode: true, ws: false, watch: null }, appType: 'custom', logLevel: 'error' });
});
after(() => vite.close());
const load = (name) => vite.ssrLoadModule(`/src/screens/admin/${name}`);

test('metrics are read with labels, escapes and infinities', async () => {
  const { parseMetrics, sum, most, quantile } = await load('metrics.ts');
  const samples = parseMetrics(
    [
      '# HELP a text',
      '# TYPE a counter',
      'a{route="/v1/answers",status="200"} 3',
      'a{route="odd \\"name\\", with } and \\\\",status="503"} 1',
      'b 2.5e-1',
      't_bucket{le="0.1"} 5',
      't_bucket{le="0.2"} 10',
      't_bucket{le="+Inf"} 10',
      'no number here at all',
    ].join('\n'),
  );
  assert.equal(sum(samples, 'a'), 4);
  assert.equal(sum(samples, 'a', (labels) => labels.status.startsWith('5')), 1);
  assert.equal(samples[1].labels.route, 'odd "name", with } and \\');
  assert.equal(most(samples, 'b'), 0.25);
  assert.equal(most(samples, 'absent'), 0);
  assert.ok(Math.abs(quantile(samples, 't', 0.75) - 0.15) < 1e-9);
  assert.ok(Math.abs(quantile(samples, 't', 0.5) - 0.1) < 1e-9);
  assert.equal(quantile(samples, 'absent', 0.5), undefined);
  assert.equal(quantile(parseMetrics('t_bucket{le="1"} 0\nt_bucket{le="+Inf"} 4'), 't', 0.95), 1);
});

test('calls survive quotes and carry address, workspace and key', async () => {
  const { codeOf } = await load('calls.ts');
  const call = { path: '/v1/answers', body: { question: `it's "so" $HOME \`x\` \\n 退款`, explain: true, audience: null, tags: [] } };
  const caller = { origin: 'https://ken.example', workspace: 'shop', hasKeys: true };
  const curl = codeOf('curl', call, caller);
  // The shell gives curl the very same JSON.
  const words = execFileSync('bash', ['-c', `curl() { printf '%s\\0' "$@"; }\n${curl}`], { env: { ...process.env, KEN_KEY: 'ken_x' } }).toString().split('\0');
  assert.deepEqual(JSON.parse(words[words.indexOf('-d') + 1]), call.body);
  assert.ok(words.includes('https://ken.example/v1/answers'));
  assert.ok(words.includes('Authorization: Bearer ken_x'));
  assert.ok(words.includes('X-Ken-Workspace: shop'));
  const python = codeOf('python', call, caller);
  const read = 'import ast, json, sys\nfor node in ast.walk(ast.parse(sys.argv[1])):\n    if isinstance(node, ast.keyword) and node.arg == "json": print(json.dumps(ast.literal_eval(node.value)))';
  assert.deepEqual(JSON.parse(execFileSync('python3', ['-c', read, python]).toString()), call.body);
  assert.match(codeOf('javascript', call, caller), /Bearer \$\{process\.env\.KEN_KEY\}/);
  assert.doesNotMatch(codeOf('javascript', call, { ...caller, hasKeys: false }), /Authorization/);
});

test('shown calls have examples in the API document', async () => {
  const { CALLS, callOf } = await load('calls.ts');
  const document = JSON.parse(readFileSync(new URL('../../../docs/reference/openapi.json', import.meta.url), 'utf8'));
  for (const path of Object.values(CALLS)) {
    const example = callOf(document, path);
    assert.ok(example?.call.body ?? example?.call.file, path);
    assert.ok(example.reply, path);
  }
});

test('failures get the remedy of their reason', async () => {
  const { needsNewFile, reasonOf } = await vite.ssrLoadModule('/src/lib/reasons.ts');
  const reasons = {
    '0 written, 0 unchanged; a: would break 1 judged question(s); set force to write anyway: x': 'judged',
    'the file is password-protected; remove the password and send it again': 'password',
    'no text on 3 pages: the file is scanned, drawn or empty; run OCR on it first': 'scanned',
    'the file contains no text': 'empty',
    'unsupported format "exe"; supported formats: md': 'format',
    'binary file, expected text (NUL byte at offset 0); supported formats: md': 'format',
    'parsing exceeded ingest.timeout_ms (30000 ms); the file is too large or damaged': 'slow',
    'too large: expected at most 3 bytes, found 4': 'large',
    'not a valid PDF file: it cannot be opened': 'damaged',
    'a/b.pdf: the parser crashed on this file: x': 'damaged',
    'a.md was changed concurrently; retry': 'concurrent',
    '1 written, 0 unchanged': undefined,
  };
  for (const [detail, reason] of Object.entries(reasons)) assert.equal(reasonOf(detail), reason, detail);
  assert.equal(needsNewFile('not a valid PDF file: it cannot be opened'), true);
  assert.equal(needsNewFile('a.md was changed concurrently; retry'), false, 'another try may succeed');
  assert.equal(needsNewFile('the store is locked'), false, 'what is not known may pass');
});

test('only changed settings are sent', async () => {
  const { changesOf, formOf } = await load('settings.ts');
  const settings = { level: 'strict', learning: { four_eyes: true, auto_publish: [{ class: 'update', min_sources: 3 }], auto_promote: false }, redaction: [] };
  const [form, from] = [formOf(settings), formOf(settings)];
  assert.deepEqual(changesOf(form, from), {});
  form.level = '';
  assert.deepEqual(changesOf(form, from), { level: null });
  form.rules.new.isOn = true;
  assert.deepEqual(changesOf(form, from).learning.auto_publish, [{ class: 'new', min_sources: 5 }, { class: 'update', min_sources: 3 }]);
});

test('corrected file takes the name of the one that failed', async () => {
  const { correctedName } = await load('jobs.ts');
  assert.equal(correctedName('returns (2).pdf', ['shop/returns.pdf']), 'shop/returns.pdf');
  assert.equal(correctedName('returns.docx', ['shop/returns.pdf']), 'shop/returns.docx');
  assert.equal(correctedName('b.pdf', ['shop/a.pdf', 'shop/b.pdf']), 'shop/b.pdf');
  assert.equal(correctedName('c.pdf', ['shop/a.pdf', 'shop/b.pdf']), 'c.pdf');
});
