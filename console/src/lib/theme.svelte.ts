/** Light or dark: as the system has it, unless the reader chose. */

export const THEMES = ['system', 'light', 'dark'] as const;
export type ThemeName = (typeof THEMES)[number];

const KEPT_AS = 'ken.theme';

class Theme {
  name = $state<ThemeName>('system');

  start(): void {
    const kept = localStorage.getItem(KEPT_AS);
    this.#show(THEMES.includes(kept as ThemeName) ? (kept as ThemeName) : 'system');
  }

  choose(name: ThemeName): void {
    localStorage.setItem(KEPT_AS, name);
    this.#show(name);
  }

  #show(name: ThemeName): void {
    this.name = name;
    if (name === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
  }
}

export const theme = new Theme();
