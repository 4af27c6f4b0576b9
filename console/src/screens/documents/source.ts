/** The text of a document as it can be edited. What Ken stores is read from it: plain text in which headings are lines
 *  like others. So what was sent is edited, where it was kept and is text; else Markdown is made of what is stored. */

import { failure, headers, type Schemas } from '$lib/api';
import { markdownFor } from './markdown';

export interface Source {
  text: string;
  format: Schemas['FormatName'];
  /** The file it was read from is no text, as a PDF: a new file replaces it, or its stored text is edited as plain text. */
  fromFile: boolean;
  /** Its headings are not known, so saving it makes them lines of text. */
  losesHeadings: boolean;
}

const FORMATS: [RegExp, Schemas['FormatName']][] = [
  [/^text\/(x-)?markdown/, 'markdown'],
  [/^text\/html/, 'html'],
  [/^text\/plain/, 'plain'],
];

/** Front matter, whose fields the service returns by themselves. */
const FRONT_MATTER = /^---\r?\n[\s\S]*?\r?\n---\r?\n\s*/;

/** The source of a document's version. */
export async function sourceOf(document: Schemas['DocumentResponse'], signal: AbortSignal): Promise<Source> {
  const address = `/v1/documents/${encodeURIComponent(document.id)}/original?version=${document.version}`;
  const response = await fetch(address, { headers: headers(), signal });
  if (response.status === 404) return { ...(await stored(document, signal)), fromFile: false };
  if (!response.ok) throw failure(response.status, await response.json().catch(() => undefined));
  const type = response.headers.get('content-type') ?? '';
  const format = FORMATS.find(([pattern]) => pattern.test(type))?.[1];
  if (!format) return { ...(await stored(document, signal)), fromFile: true };
  const text = await response.text();
  return { text: format === 'markdown' ? text.replace(FRONT_MATTER, '') : text, format, fromFile: false, losesHeadings: false };
}

async function stored(document: Schemas['DocumentResponse'], signal: AbortSignal): Promise<Omit<Source, 'fromFile'>> {
  const markdown = await markdownFor(document, signal);
  if (markdown !== undefined) return { text: markdown, format: 'markdown', losesHeadings: false };
  return { text: document.text, format: 'plain', losesHeadings: true };
}
