/** Ready calls of the API in three languages, made from the examples of the OpenAPI document. */

export const CALL_LANGUAGES = ['curl', 'python', 'javascript'] as const;
export type CallLanguage = (typeof CALL_LANGUAGES)[number];

export interface Call {
  path: string;
  /** A JSON body, or the file to be uploaded. */
  body?: unknown;
  file?: string;
}

export interface Caller {
  origin: string;
  workspace: string;
  /** Whether the service asks for keys. The key itself comes from the environment: it does not belong into a program. */
  hasKeys: boolean;
}

/** The variable of the environment that has the key. */
export const KEY_VARIABLE = 'KEN_KEY';

/** The calls that are shown, by the name of their texts. */
export const CALLS = { ask: '/v1/answers', upload: '/v1/documents:upload', search: '/v1/search', case: '/v1/cases' } as const;

interface Media {
  examples?: Record<string, { value?: unknown }>;
}
interface Operation {
  requestBody?: { content?: Record<string, Media> };
  responses?: Record<string, { content?: Record<string, Media> }>;
}
export interface ApiDocument {
  paths: Record<string, { post?: Operation }>;
}

const first = (media: Media | undefined): unknown => Object.values(media?.examples ?? {})[0]?.value;

/** A call of a path with the document's example, and the example of its reply; `undefined` if the document has none. */
export function callOf(document: ApiDocument, path: string): { call: Call; reply: unknown } | undefined {
  const operation = document.paths[path]?.post;
  const replies = Object.values(operation?.responses ?? {});
  const reply = replies.map((one) => first(one.content?.['application/json'])).find((one) => one !== undefined);
  const content = operation?.requestBody?.content ?? {};
  const body = first(content['application/json']);
  if (body !== undefined) return { call: { path, body }, reply };
  if (!content['multipart/form-data']) return undefined;
  const items = (reply as { items?: { name: string }[] } | undefined)?.items;
  return { call: { path, file: items?.[0]?.name ?? 'document.md' }, reply };
}

/** The call as a program in a language. */
export function codeOf(language: CallLanguage, call: Call, caller: Caller): string {
  return { curl, python, javascript }[language](call, caller);
}

const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function curl({ path, body, file }: Call, { origin, workspace, hasKeys }: Caller): string {
  const parts = [`curl -sS ${shell(origin + path)}`];
  if (hasKeys) parts.push(`-H "Authorization: Bearer $${KEY_VARIABLE}"`);
  parts.push(`-H ${shell(`X-Ken-Workspace: ${workspace}`)}`);
  if (file) parts.push(`-F ${shell(`file=@${file}`)}`);
  else parts.push(`-H 'Content-Type: application/json'`, `-d ${shell(JSON.stringify(body, null, 2))}`);
  return parts.join(' \\\n  ');
}

/** A JSON value as Python writes it. */
function literal(value: unknown, indent: string): string {
  const inner = `${indent}    `;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return value.length ? `[\n${value.map((one) => `${inner}${literal(one, inner)},\n`).join('')}${indent}]` : '[]';
  if (typeof value === 'object') {
    const fields = Object.entries(value).map(([name, one]) => `${inner}${JSON.stringify(name)}: ${literal(one, inner)},\n`);
    return fields.length ? `{\n${fields.join('')}${indent}}` : '{}';
  }
  return JSON.stringify(value);
}

function python({ path, body, file }: Call, { origin, workspace, hasKeys }: Caller): string {
  const key = hasKeys ? `        "Authorization": f"Bearer {os.environ['${KEY_VARIABLE}']}",\n` : '';
  const content = file ? `    files={"file": open(${JSON.stringify(file)}, "rb")},\n` : `    json=${literal(body, '    ')},\n`;
  return `${hasKeys ? 'import os\n\n' : ''}import requests

reply = requests.post(
    ${JSON.stringify(origin + path)},
    headers={
${key}        "X-Ken-Workspace": ${JSON.stringify(workspace)},
    },
${content}    timeout=30,
)
reply.raise_for_status()
print(reply.json())`;
}

function javascript({ path, body, file }: Call, { origin, workspace, hasKeys }: Caller): string {
  const key = hasKeys ? `    'Authorization': \`Bearer \${process.env.${KEY_VARIABLE}}\`,\n` : '';
  const type = file ? '' : `    'Content-Type': 'application/json',\n`;
  const before = file
    ? `import { openAsBlob } from 'node:fs';\n\nconst form = new FormData();\nform.append('file', await openAsBlob(${JSON.stringify(file)}), ${JSON.stringify(file)});\n`
    : '';
  const content = file ? 'form' : `JSON.stringify(${JSON.stringify(body, null, 2).replaceAll('\n', '\n  ')})`;
  return `${before}const reply = await fetch(${JSON.stringify(origin + path)}, {
  method: 'POST',
  headers: {
${key}    'X-Ken-Workspace': ${JSON.stringify(workspace)},
${type}  },
  body: ${content},
});
if (!reply.ok) throw new Error(await reply.text());
console.log(await reply.json());`;
}
