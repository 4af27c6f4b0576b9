/** How a question is asked: level, time, audience, channel and language. They are in the address, those of the columns
 *  to compare with too. */

import type { Schemas } from '$lib/api';
import { dateTime, label, t } from '$lib/i18n.svelte';
import type { AnswerRequest } from './types';

export const LEVELS = ['very_strict', 'strict', 'balanced', 'lenient', 'very_lenient'] as const;
export const NAMES = ['level', 'as_of', 'audience', 'channel', 'language'] as const;

/** The most columns side by side. */
export const MAX_COLUMNS = 4;

/** '' means: as the workspace has it. `audience` holds names with commas between them. */
export type Options = Record<(typeof NAMES)[number], string>;

export function optionsFrom(get: (name: string) => string): Options {
  return Object.fromEntries(NAMES.map((name) => [name, get(name)])) as Options;
}

/** The options of a column, from their value in the address. */
export function optionsAt(value: string): Options {
  const search = new URLSearchParams(value);
  return optionsFrom((name) => search.get(name) ?? '');
}

/** Options as a value of the address: `level=strict&channel=sms`. */
export function optionsAddress(options: Options): string {
  return new URLSearchParams(NAMES.filter((name) => options[name]).map((name) => [name, options[name]])).toString();
}

export function audienceOf(options: Options): string[] {
  return options.audience.split(/[,，、]/).map((name) => name.trim()).filter(Boolean);
}

/** The part of a request that options decide. */
export function requestOf({ level, as_of, channel, language, ...rest }: Options): Omit<AnswerRequest, 'question'> {
  const audience = audienceOf({ level, as_of, channel, language, ...rest });
  return {
    ...(level && { level: level as Schemas['Level'] }),
    ...(as_of && { as_of }),
    ...(channel && { channel }),
    ...(language && { language }),
    ...(audience.length > 0 && { audience }),
  };
}

/** Options in words; '' if there are none. */
export function inWords(options: Options): string {
  const words = [
    options.level && t('ask:options.levelIs', { level: label('level', options.level) }),
    options.as_of && t('ask:options.asOfIs', { at: isTime(options.as_of) ? dateTime(options.as_of) : options.as_of }),
    options.audience && t('ask:options.audienceIs', { audience: audienceOf(options).join(t('ask:comma')) }),
    options.channel && t('ask:options.channelIs', { channel: options.channel }),
    options.language && t('ask:options.languageIs', { language: options.language }),
  ];
  return words.filter(Boolean).join(t('ask:separator'));
}

function isTime(value: string): boolean {
  return !Number.isNaN(Date.parse(value));
}

/** A time of the address as the value of a local date and time control. */
export function toLocal(value: string): string {
  if (!isTime(value)) return '';
  const at = new Date(value);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function fromLocal(value: string): string {
  return isTime(value) ? new Date(value).toISOString() : '';
}
