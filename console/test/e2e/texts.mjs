// The console's texts as the console shows them: by their keys, in one language, from src/i18n.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import i18next from 'i18next';

const FOLDER = fileURLToPath(new URL('../../src/i18n/', import.meta.url));

/** The function that returns the text of a key in a language; it throws for a key that there is none of. */
export async function textsOf(language) {
  const names = readdirSync(FOLDER + language).filter((name) => name.endsWith('.json'));
  const texts = Object.fromEntries(names.map((name) => [name.slice(0, -'.json'.length), JSON.parse(readFileSync(`${FOLDER}${language}/${name}`, 'utf8'))]));
  const i18n = i18next.createInstance();
  await i18n.init({ lng: language, fallbackLng: false, defaultNS: 'common', resources: { [language]: texts }, interpolation: { escapeValue: false }, showSupportNotice: false });
  return (key, values = {}) => {
    if (!i18n.exists(key, values)) throw new Error(`no text ${key} in ${language}`);
    return i18n.t(key, values);
  };
}
