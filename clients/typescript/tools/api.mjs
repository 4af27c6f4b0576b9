// Writes src/schema.d.ts, the types of the service's API, from its OpenAPI document. With --check it only compares, and
// ends with 1 if the file is out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'

const description = new URL('../../../docs/reference/openapi.json', import.meta.url)
const file = new URL('../src/schema.d.ts', import.meta.url)
const types = astToString(await openapiTS(JSON.parse(readFileSync(description, 'utf8')), { defaultNonNullable: false }))
const text = `// Written by \`npm run api\` from docs/reference/openapi.json.\n${types}`

if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('src/schema.d.ts is not what docs/reference/openapi.json describes: run `npm run api`')
  process.exit(1)
}
