/** Files and folders that are sent to Ken: what was dropped or chosen, in batches, each of which becomes a job. */

import { failure, headers, type ApiError, type Schemas } from './api';

export type Job = Schemas['JobResponse'];
export type JobItem = Schemas['JobItemBody'];

/** A file to send. Its name is its path within what was dropped, as `handbook/returns.md`; it becomes the document's id. */
export interface UploadItem {
  name: string;
  file: File;
}

/** Why a file is not sent. */
export type SkipReason = 'hidden' | 'media' | 'tooLarge' | 'unreadable' | 'refused';

/** A file that was not sent. `detail` is what the service or the browser says. */
export interface Skipped {
  name: string;
  reason: SkipReason;
  detail?: string;
}

/** What was found in a drop or a choice. */
export interface Found {
  items: UploadItem[];
  skipped: Skipped[];
}

/** How far the sending is. */
export interface Sending {
  nSent: number;
  nFiles: number;
  /** Bytes, of the files alone. */
  sent: number;
  total: number;
}

/** The service's default of `ingest.max_file_bytes`. A lower limit of the service itself shows as its refusal. */
export const MAX_FILE_BYTES = 128 * 1024 * 1024;
/** Files and bytes of one batch. Smaller than the service allows, so that the first job begins soon. */
const BATCH_FILES = 500;
const BATCH_BYTES = 32 * 1024 * 1024;

/** Files that systems leave in folders. */
const SYSTEM_FILES = new Set(['thumbs.db', 'desktop.ini', '__macosx']);
/** Types without text, as an archive's pictures, which the service skips too. */
const MEDIA = /^(image|audio|video|font)\//;

/** The files of a drop, folders with all that is in them. Call it within the event: the browser empties the drop afterwards. */
export function droppedFiles(transfer: DataTransfer): Promise<Found> {
  const entries: FileSystemEntry[] = [];
  const files: File[] = [];
  for (const item of transfer.items) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry();
    const file = entry ? null : item.getAsFile();
    if (entry) entries.push(entry);
    else if (file) files.push(file);
  }
  return walk(entries, checked(files.map((file) => ({ name: file.name, file }))));
}

/** The files of a file field; of a folder, with their paths in it. */
export function chosenFiles(files: FileList): Found {
  return checked(Array.from(files, (file) => ({ name: file.webkitRelativePath || file.name, file })));
}

async function walk(entries: FileSystemEntry[], found: Found): Promise<Found> {
  for (const entry of entries) {
    const name = nameOf(entry.fullPath);
    if (isHidden(name)) {
      found.skipped.push({ name, reason: 'hidden' });
      continue;
    }
    try {
      if (isFolder(entry)) await walk(await entriesOf(entry), found);
      else if (isFile(entry)) add(found, { name, file: await fileOf(entry) });
    } catch (error) {
      found.skipped.push({ name, reason: 'unreadable', detail: error instanceof Error ? error.message : String(error) });
    }
  }
  return found;
}

const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const fileOf = (entry: FileSystemFileEntry): Promise<File> => new Promise((done, fail) => entry.file(done, fail));

/** The entries of a folder. The browser gives them in portions, at last an empty one. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (some.length === 0) return all.sort((a, b) => (a.name < b.name ? -1 : 1));
    all.push(...some);
  }
}

function checked(items: UploadItem[]): Found {
  const found: Found = { items: [], skipped: [] };
  for (const { name, file } of items) add(found, { name: nameOf(name), file });
  return found;
}

function add(found: Found, item: UploadItem): void {
  const reason = skipReason(item);
  if (reason) found.skipped.push({ name: item.name, reason });
  else found.items.push(item);
}

function skipReason({ name, file }: UploadItem): SkipReason | undefined {
  if (isHidden(name)) return 'hidden';
  if (MEDIA.test(file.type)) return 'media';
  return file.size > MAX_FILE_BYTES ? 'tooLarge' : undefined;
}

/** A path as a document's id: without a leading `/`, composed, as some systems write `é` as two characters. */
function nameOf(path: string): string {
  return path.replace(/^\/+/, '').normalize('NFC');
}

function isHidden(name: string): boolean {
  return name.split('/').some((part) => part.startsWith('.') || SYSTEM_FILES.has(part.toLowerCase()));
}

/** The files in batches of a limited number and size; a file above the size is a batch of its own. */
export function batches(items: readonly UploadItem[]): UploadItem[][] {
  const all: UploadItem[][] = [];
  let size = 0;
  for (const item of items) {
    const last = all.at(-1);
    if (last && last.length < BATCH_FILES && size + item.file.size <= BATCH_BYTES) {
      last.push(item);
      size += item.file.size;
    } else {
      all.push([item]);
      size = item.file.size;
    }
  }
  return all;
}

interface UploadOptions {
  /** A folder that the names are put below, as `handbook/`. */
  prefix?: string;
  signal: AbortSignal;
  /** A batch is stored, and a job reads it. */
  onjob: (id: string) => void;
  onprogress: (sending: Sending) => void;
}

/**
 * Sends files. Returns those that the service refused as too large; throws an `ApiError` for any other failure, and an
 * `AbortError` when cancelled. Batches that were sent before stay sent.
 */
export async function upload(items: readonly UploadItem[], { prefix = '', signal, onjob, onprogress }: UploadOptions): Promise<Skipped[]> {
  const total = items.reduce((sum, item) => sum + item.file.size, 0);
  const skipped: Skipped[] = [];
  let [nSent, sent] = [0, 0];
  const waiting = batches(items);
  for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
    const size = batch.reduce((sum, item) => sum + item.file.size, 0);
    const before = { nSent, nFiles: items.length, sent, total };
    onprogress(before);
    try {
      const job = await send(batch, prefix, signal, (bytes) => onprogress({ ...before, sent: before.sent + Math.min(bytes, size) }));
      onjob(job.id);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      if (batch.length > 1) {
        // The service stores a batch completely or not at all. In halves, it refuses only what is too large.
        const middle = Math.ceil(batch.length / 2);
        waiting.unshift(batch.slice(0, middle), batch.slice(middle));
        continue;
      }
      skipped.push({ name: batch[0]!.name, reason: 'refused', detail: error.problem?.detail ?? error.message });
    }
    nSent += batch.length;
    sent += size;
  }
  onprogress({ nSent, nFiles: items.length, sent, total });
  return skipped;
}

function isTooLarge(error: unknown): error is ApiError {
  return error instanceof Error && 'status' in error && error.status === 413;
}

/** One request. Not `fetch`, which does not tell how far the sending is. */
function send(batch: UploadItem[], prefix: string, signal: AbortSignal, onbytes: (bytes: number) => void): Promise<Job> {
  const form = new FormData();
  for (const { name, file } of batch) form.append('file', file, prefix + name);
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    request.open('POST', '/v1/documents:upload');
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onbytes(event.loaded);
    request.onload = () => {
      const body = json(request.responseText);
      if (request.status >= 200 && request.status < 300) done(body as Job);
      else fail(failure(request.status, body));
    };
    request.onerror = () => fail(failure(0, undefined));
    request.onabort = () => fail(new DOMException('', 'AbortError'));
    request.onloadend = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort);
    if (signal.aborted) fail(new DOMException('', 'AbortError'));
    else request.send(form);
  });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a job has ended. */
export function hasEnded(job: Pick<Job, 'state'>): boolean {
  return job.state === 'done' || job.state === 'failed' || job.state === 'cancelled';
}

/** What became of a file. */
export interface ItemResult {
  nWritten: number;
  nUnchanged: number;
  nNotFound: number;
  /** Parts that were not read and why, as the service says it; '' if there are none. */
  problems: string;
}

const COUNTS = /^(\d+) written, (\d+) unchanged(?:, (\d+) not found)?(?:; ([\s\S]*))?$/;

/** The figures in the detail of a read file, which the service gives as a sentence; undefined if it is another sentence. */
export function itemResult(detail: string): ItemResult | undefined {
  const found = COUNTS.exec(detail);
  if (!found) return undefined;
  return { nWritten: Number(found[1]), nUnchanged: Number(found[2]), nNotFound: Number(found[3] ?? 0), problems: found[4] ?? '' };
}
