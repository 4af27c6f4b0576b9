/** The text of a document as it can be edited: what was sent, if that was text; else Markdown is made of what was read. */

import { api, data, type Schemas } from '$lib/api';
import { markdownFor } from './markdown';

export interface Source {
  text: string;
  format: Schemas['TextFormat'];
  /** The file it was read from is no text, as a PDF: a new file replaces it, or what was read from it is edited. */
  fromFile: boolean;
  /** Its headings are not known, so saving it makes them lines of text. */
  losesHeadings: boolean;
}

/** The source of a document's version. */
export async function sourceOf(document: Schemas['DocumentResponse'], signal: AbortSignal): Promise<Source> {
  const { id, version } = document;
  const source = await data(api.GET('/v1/documents/{id}/source', { params: { path: { id }, query: { version } }, signal }));
  if (!source.is_extracted) return { text: source.text, format: source.format, fromFile: false, losesHeadings: false };
  const markdown = await markdownFor(document, signal);
  if (markdown !== undefined) return { text: markdown, format: 'markdown', fromFile: true, losesHeadings: false };
  return { text: source.text, format: source.format, fromFile: true, losesHeadings: true };
}
