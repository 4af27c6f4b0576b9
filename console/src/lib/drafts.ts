/** What was typed and is not saved yet, kept in the browser until it is, or until the person signs out. */

const PREFIX = 'ken.draft.';

/** A kept draft: the values, when they were typed, and the version of the document that they began from. */
export interface KeptDraft<T> {
  value: T;
  at: string;
  base?: number;
}

export const drafts = {
  /** Keeps a draft under a name, as `faq/ID`. */
  keep<T>(workspace: string, name: string, value: T, base?: number): void {
    const kept: KeptDraft<T> = { value, at: new Date().toISOString(), ...(base !== undefined && { base }) };
    localStorage.setItem(`${PREFIX}${workspace}/${name}`, JSON.stringify(kept));
  },

  find<T>(workspace: string, name: string): KeptDraft<T> | undefined {
    const text = localStorage.getItem(`${PREFIX}${workspace}/${name}`);
    if (text === null) return undefined;
    try {
      return JSON.parse(text) as KeptDraft<T>;
    } catch {
      return undefined;
    }
  },

  remove(workspace: string, name: string): void {
    localStorage.removeItem(`${PREFIX}${workspace}/${name}`);
  },

  /** The names of a workspace's drafts that begin with `start`. */
  names(workspace: string, start = ''): string[] {
    const prefix = `${PREFIX}${workspace}/`;
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix + start));
    return keys.map((key) => key.slice(prefix.length));
  },

  removeAll(): void {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  },
};
