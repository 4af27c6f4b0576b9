/** Something that is being edited: what was typed is kept in the browser until it is saved or discarded. */

import { drafts } from './drafts';

export class Edited<T extends object> {
  /** The values as they are typed. */
  value: T = $state()!;
  /** The version that the editing began from; `undefined` for something new. */
  base = $state<number>();
  /** When the restored values were typed; `undefined` if nothing was restored. */
  restoredFrom = $state<string>();
  #saved: T = $state.raw()!;
  readonly #workspace: string;
  readonly #name: string;

  /** Begins with the saved values of a version, or with what was typed before and not saved. To be made while a component
   *  starts: it keeps each change. */
  constructor(workspace: string, name: string, saved: T, base?: number) {
    this.#workspace = workspace;
    this.#name = name;
    this.#saved = saved;
    const kept = drafts.find<T>(workspace, name);
    this.value = structuredClone(kept?.value ?? saved);
    this.base = kept ? kept.base : base;
    this.restoredFrom = kept?.at;
    $effect(() => {
      const value = $state.snapshot(this.value) as T;
      if (this.isChanged) drafts.keep(workspace, name, value, this.base);
    });
  }

  get isChanged(): boolean {
    return JSON.stringify(this.value) !== JSON.stringify(this.#saved);
  }

  /** The values were saved as this version. */
  saved(base?: number): void {
    this.#saved = $state.snapshot(this.value) as T;
    this.base = base;
    this.restoredFrom = undefined;
    drafts.remove(this.#workspace, this.#name);
  }

  /** Returns to the saved values. */
  discard(): void {
    drafts.remove(this.#workspace, this.#name);
    this.restoredFrom = undefined;
    this.value = structuredClone(this.#saved);
  }

  /** Takes what somebody else saved meanwhile as the base; keeps what is typed, or replaces it by theirs. */
  rebase(theirs: T, version: number, keepMine: boolean): void {
    const mine = $state.snapshot(this.value) as T;
    this.#saved = theirs;
    this.base = version;
    if (keepMine) this.value = mine;
    else this.discard();
  }
}
