// The examples of the README: compiled with the package's own settings, and run on the service.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { expected, keys, url } from './service.js'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)

/** Compiles files as `tsconfig.test.json` says; returns what is wrong with them. */
function compile(files: string[]): string[] {
  const settings = ts.readConfigFile('tsconfig.test.json', (path) => ts.sys.readFile(path)).config as object
  const { options } = ts.parseJsonConfigFileContent(settings, ts.sys, process.cwd())
  const program = ts.createProgram(files, { ...options, rootDir: 'dist-test', skipLibCheck: true })
  program.emit()
  return ts.getPreEmitDiagnostics(program).map((one) => ts.flattenDiagnosticMessageText(one.messageText, '\n'))
}

test('examples of the README run', async (context) => {
  assert.equal(examples.length, 3)
  const [first = ''] = examples
  const client = first.split('\n').slice(0, 3).join('\n')
  const files = examples.map((example, n) => {
    // The second example goes on with the client of the first one.
    const code = n === 1 ? `${client}\n${example}` : example
    writeFileSync(`dist-test/readme-${n}.ts`, code.replaceAll('https://ken.example.com', url).replaceAll('ken_…', keys.bot))
    return `dist-test/readme-${n}.ts`
  })
  assert.deepEqual(compile(files), [])
  for (const [n, file] of files.entries()) {
    const log = context.mock.method(console, 'log', () => undefined)
    await import(pathToFileURL(file.replace('.ts', '.js')).href)
    const shown = log.mock.calls.flatMap((call) => call.arguments as unknown[]).join('\n')
    log.mock.restore()
    // The last example only declares a function.
    if (n < 2) assert.match(shown, expected)
  }
})
