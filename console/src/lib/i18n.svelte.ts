/** The console's texts in its languages. The texts are in `src/i18n/LANGUAGE/SCREEN.json`; keys are checked by the compiler. */

import i18next from 'i18next';
import type zhHant from '../i18n/zh-Hant';

export const LANGUAGES = ['zh-Hant', 'zh-Hans', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each language by its own name, as it is offered. */
export const LANGUAGE_NAMES: Record<Language, string> = { 'zh-Hant': '繁體中文', 'zh-Hans': '简体中文', en: 'English' };

const KEPT_AS = 'ken.language';

type Texts = typeof zhHant;

/** The paths to the texts of an object, as `nav.home`; of `x_other`, the plural of a text with a count, `x`. */
type Paths<T> = {
  [K in keyof T & string]: T[K] extends string ? (K extends `${infer Name}_other` ? Name : K) : `${K}.${Paths<T[K]>}`;
}[keyof T & string];

/** The key of a text: `SCREEN:path`, or the path alone for the common ones. */
export type Key = Paths<Texts['common']> | { [S in keyof Texts & string]: `${S}:${Paths<Texts[S]>}` }[keyof Texts & string];

/** What is put into a text at `{{name}}`. */
export type Values = Record<string, string | number>;

const LOADERS: Record<Language, () => Promise<{ default: object }>> = {
  'zh-Hant': () => import('../i18n/zh-Hant'),
  'zh-Hans': () => import('../i18n/zh-Hans'),
  en: () => import('../i18n/en'),
};

/** The language in use. A template that shows a text or a figure is drawn again when it changes. */
class Current {
  language = $state<Language>('zh-Hant');
}
export const current = new Current();

/** The language chosen before, else the first of the browser's that there is. */
export function preferred(chosen: string | null, wanted: readonly string[]): Language {
  if (LANGUAGES.includes(chosen as Language)) return chosen as Language;
  for (const tag of wanted) {
    const { language, script, region } = new Intl.Locale(tag).maximize();
    if (language === 'en') return 'en';
    if (language === 'zh' || language === 'yue') return script === 'Hans' && region !== 'HK' ? 'zh-Hans' : 'zh-Hant';
  }
  return 'en';
}

/** Loads the language to begin with. */
export async function startLanguage(): Promise<void> {
  await i18next.init({ lng: 'none', fallbackLng: false, defaultNS: 'common', interpolation: { escapeValue: false } });
  await use(preferred(localStorage.getItem(KEPT_AS), navigator.languages));
}

async function use(language: Language): Promise<void> {
  const texts = (await LOADERS[language]()).default as Record<string, object>;
  for (const [screen, values] of Object.entries(texts)) i18next.addResourceBundle(language, screen, values);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  current.language = language;
}

/** Changes the language and remembers it. */
export async function setLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEPT_AS, language);
  await use(language);
}

/** A text in the current language. `count` chooses between singular and plural. */
export function t(key: Key, values: Values = {}): string {
  void current.language;
  return i18next.t(key, values);
}

/** A text for a value of the API, as `outcome` and `refused`; the value itself if there is no text for it. */
export function label(group: keyof Texts['labels'], value: string): string {
  void current.language;
  const key = `labels:${group}.${value}`;
  return i18next.exists(key) ? i18next.t(key) : value;
}

/** A number with the separators of the language. */
export function number(value: number, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(current.language, options).format(value);
}

/** A share from 0 to 1 in per cent. */
export function percent(share: number, digits = 0): string {
  return number(share, { style: 'percent', maximumFractionDigits: digits });
}

/** A point in time, in the reader's time zone. */
export function dateTime(at: string | Date): string {
  return new Intl.DateTimeFormat(current.language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));
}

export function date(at: string | Date): string {
  return new Intl.DateTimeFormat(current.language, { dateStyle: 'medium' }).format(new Date(at));
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** A point in time as its distance from now: "3 minutes ago". */
export function ago(at: string | Date, now = Date.now()): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(current.language, { numeric: 'auto' });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit);
  }
  return t('justNow');
}

/** A size in bytes, in the unit that fits. */
export function bytes(size: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return number(size / 1000 ** power, { style: 'unit', unit: units[power], unitDisplay: 'narrow', maximumFractionDigits: 1 });
}
