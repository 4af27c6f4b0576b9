// Writes src/api/schema.d.ts, the types of the service's API, from its OpenAPI document.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const document = JSON.parse(readFileSync(new URL('../../docs/reference/openapi.json', import.meta.url), 'utf8'));
const types = astToString(await openapiTS(document, { defaultNonNullable: false }));
writeFileSync(new URL('../src/api/schema.d.ts', import.meta.url), `// Written by \`npm run api\` from docs/reference/openapi.json.\n${types}`);
