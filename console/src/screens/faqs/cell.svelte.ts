/** A cell of the grid that is being edited. What is typed stays in this browser until it is saved or discarded. */

import type { QueryClient } from '@tanstack/svelte-query';
import { ApiError, api, data } from '$lib/api';
import { drafts } from '$lib/drafts';
import { t } from '$lib/i18n.svelte';
import { session } from '$lib/session.svelte';
import { toasts } from '$lib/toasts.svelte';
import { path } from '$lib/router.svelte';
import { names } from '../documents/form';
import { fieldsOf, type Faq, type ListedFaq } from './faq';
import { emptyAnswer, formOf, type FaqForm } from './form';

export type CellField = 'question' | 'answer' | 'tags' | 'status';

/** What is typed, and the value that the editing began from. */
interface Kept {
  value: string;
  from: string;
}

/** A field's value as a text to type. */
export function shown(faq: Faq, field: CellField): string {
  if (field === 'tags') return (faq.tags ?? []).join(', ');
  if (field === 'status') return faq.status ?? 'published';
  return faq[field] ?? '';
}

function changed(faq: Faq, field: CellField, value: string): Faq {
  if (field === 'tags') return { ...faq, tags: names(value) };
  return { ...faq, [field]: value.trim() };
}

export class Cell {
  /** The text as it is typed; undefined while nothing is. */
  typed = $state<string>();
  isOpen = $state(false);
  isSaving = $state(false);
  error = $state<unknown>();
  /** What somebody else made of the field since the editing began. */
  theirs = $state<string>();
  #from = '';
  readonly #name: string;
  readonly #faq: () => ListedFaq;
  readonly #field: CellField;
  readonly #client: QueryClient;

  /** Begins with what was typed before and not saved, if there is any. */
  constructor(faq: () => ListedFaq, field: CellField, client: QueryClient) {
    [this.#faq, this.#field, this.#client] = [faq, field, client];
    this.#name = `faq-cell/${faq().id}/${field}`;
    const kept = drafts.find<Kept>(session.workspace, this.#name)?.value;
    if (kept) [this.typed, this.#from] = [kept.value, kept.from];
  }

  get breaks(): boolean {
    return this.error instanceof ApiError && this.error.type === 'breaks-judged-questions';
  }

  open(): void {
    if (this.typed === undefined) this.#from = this.typed = shown(this.#faq(), this.#field);
    this.isOpen = true;
  }

  /** Leaves the cell; what was changed stays as a draft. */
  leave(): void {
    this.isOpen = false;
    if (this.typed === this.#from) this.discard();
  }

  type(value: string): void {
    this.typed = value;
    const kept: Kept = { value, from: this.#from };
    drafts.keep(session.workspace, this.#name, kept);
  }

  discard(): void {
    drafts.remove(session.workspace, this.#name);
    [this.typed, this.isOpen, this.error, this.theirs] = [undefined, false, undefined, undefined];
  }

  /** Saves the field into the live version, with what others changed in other fields meanwhile. Returns whether it is saved. */
  async save({ force = false, overTheirs = false } = {}): Promise<boolean> {
    if (this.typed === undefined || this.isSaving) return false;
    const id = this.#faq().id!;
    [this.isSaving, this.error] = [true, undefined];
    try {
      const live = await data(api.GET('/v1/faqs/{id}', { params: { path: { id } } }));
      const now = shown(live, this.#field);
      if (now !== this.#from && now !== this.typed && !overTheirs) {
        this.theirs = now;
        return false;
      }
      const fields = changed(fieldsOf(live), this.#field, this.typed);
      const reply = await data(
        api.PUT('/v1/faqs/{id}', { params: { path: { id }, query: { force } }, body: fields, headers: { 'If-Match': `"${live.version}"` } }),
      );
      if ('items' in reply) toasts.add(t('faqs:savesInJob'), { href: path(['documents'], { job: reply.id }) });
      else this.#show({ ...fields, version: reply.version, updated_at: new Date().toISOString() });
      this.discard();
      return true;
    } catch (error) {
      this.error = error;
      return false;
    } finally {
      this.isSaving = false;
    }
  }

  /** Moves what is typed into the draft of the FAQ's editor, on top of what is kept there already. */
  async toEditor(): Promise<void> {
    if (this.typed === undefined) return;
    const id = this.#faq().id!;
    const name = `faq/${id}`;
    const kept = drafts.find<FaqForm>(session.workspace, name);
    const live = kept ? undefined : await data(api.GET('/v1/faqs/{id}', { params: { path: { id } } }));
    const form = kept?.value ?? formOf(live!);
    if (this.#field === 'answer') form.answers = [{ ...(form.answers[0] ?? emptyAnswer()), text: this.typed }, ...form.answers.slice(1)];
    else if (this.#field === 'status') form.status = this.typed as FaqForm['status'];
    else form[this.#field] = this.typed;
    drafts.keep(session.workspace, name, form, kept ? kept.base : live?.version);
    this.discard();
  }

  /** Puts the saved FAQ into the lists that are loaded, without loading them all again. */
  #show(saved: ListedFaq): void {
    type Pages = { pages: { faqs: ListedFaq[] }[] };
    this.#client.setQueriesData<Pages>({ queryKey: ['faqs', session.workspace] }, (all) =>
      all && { ...all, pages: all.pages.map((page) => ({ ...page, faqs: page.faqs.map((one) => (one.id === saved.id ? saved : one)) })) },
    );
    void this.#client.invalidateQueries({ queryKey: ['faq', session.workspace, saved.id] });
  }
}
