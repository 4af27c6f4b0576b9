/** One question to the service, with its answer as it arrives. */

import { ApiError, failure, headers } from '$lib/api';
import { t } from '$lib/i18n.svelte';
import { events } from './events';
import type { Answer, AnswerRequest } from './types';

export type Phase = 'asking' | 'done' | 'stopped' | 'failed';

interface StreamedSentence {
  text: string;
  citations?: number[];
}

export class Asking {
  phase = $state<Phase>('asking');
  /** How many passages are being read by a language model or cited; undefined while they are searched for. */
  nPassages = $state<number>();
  /** The sentences that have arrived. */
  sentences = $state<StreamedSentence[]>([]);
  /** The whole answer; it replaces the sentences. */
  answer = $state.raw<Answer>();
  error = $state.raw<unknown>();
  readonly request: AnswerRequest;
  #stopping = new AbortController();

  private constructor(request: AnswerRequest) {
    this.request = request;
  }

  static start(request: AnswerRequest): Asking {
    const asking = new Asking(request);
    void asking.again();
    return asking;
  }

  /** A question that was answered earlier. */
  static done(question: string, answer: Answer): Asking {
    const asking = new Asking({ question });
    asking.answer = answer;
    asking.phase = 'done';
    return asking;
  }

  /** What is known of the text: the answer's, or the sentences that have arrived. */
  get text(): string {
    return this.answer?.text ?? this.sentences.reduce((text, sentence) => text + gap(text, sentence.text) + sentence.text, '');
  }

  stop(): void {
    if (this.phase !== 'asking') return;
    this.phase = 'stopped';
    this.#stopping.abort();
  }

  /** Asks, or asks again. */
  async again(): Promise<void> {
    this.#stopping.abort();
    const stopping = new AbortController();
    this.#stopping = stopping;
    this.phase = 'asking';
    [this.answer, this.error, this.nPassages, this.sentences] = [undefined, undefined, undefined, []];
    try {
      await this.#read(stopping.signal);
      if (!stopping.signal.aborted) this.phase = 'done';
    } catch (error) {
      if (stopping.signal.aborted) return;
      this.error = error instanceof TypeError ? new ApiError(0, undefined, error.message) : error;
      this.phase = 'failed';
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const response = await fetch('/v1/answers', {
      method: 'POST',
      headers: { ...headers(), 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify({ ...this.request, stream: true }),
      signal,
    });
    if (!response.ok || !response.body) throw failure(response.status, await response.json().catch(() => undefined));
    for await (const { name, data } of events(response.body)) {
      const value = JSON.parse(data);
      if (signal.aborted) return;
      if (name === 'evidence') this.nPassages = (value.passages ?? value.citations).length;
      else if (name === 'delta') this.sentences.push(value);
      else if (name === 'restart') this.sentences = [];
      else if (name === 'error') throw failure(value.status, value);
      else if (name === 'done') {
        this.answer = value as Answer;
        return;
      }
    }
    throw new Error(t('ask:cutShort'));
  }
}

/** What stands between two sentences while they arrive: rows and items begin a line; Chinese has no spaces. */
function gap(before: string, next: string): string {
  if (before === '') return '';
  if (/^[|\-*]/.test(next)) return '\n';
  return /[!-~]$/.test(before) ? ' ' : '';
}
