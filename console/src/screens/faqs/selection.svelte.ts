/** Which FAQs are selected for a bulk change. */

import { SvelteSet } from 'svelte/reactivity';

/** The most that one change takes. */
export const MOST = 1_000;

export class Selection {
  readonly ids = new SvelteSet<string>();
  /** Where a range begins: the row that was changed last. */
  #from: string | undefined;

  /** Selects a row or not; with `isRange` also all between it and the one before. `order` is the rows as they are shown. */
  set(id: string, selected: boolean, isRange: boolean, order: readonly string[]): void {
    const from = isRange && this.#from !== undefined ? order.indexOf(this.#from) : -1;
    const to = order.indexOf(id);
    const range = from < 0 || to < 0 ? [id] : order.slice(Math.min(from, to), Math.max(from, to) + 1);
    for (const one of range) {
      if (!selected) this.ids.delete(one);
      else if (this.ids.size < MOST) this.ids.add(one);
    }
    this.#from = id;
  }

  /** Selects these and no others. */
  replace(ids: readonly string[]): void {
    this.clear();
    for (const id of ids.slice(0, MOST)) this.ids.add(id);
  }

  clear(): void {
    this.ids.clear();
    this.#from = undefined;
  }
}
