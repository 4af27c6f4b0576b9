/** Addresses: every state of the console is a path and a query, so that it can be linked, opened again and gone back to. */

/** The current address. */
class Route {
  #at = $state.raw(new URL(location.href));

  constructor() {
    addEventListener('popstate', () => this.#read());
    addEventListener('click', (event) => this.#follow(event));
  }

  #read(): void {
    this.#at = new URL(location.href);
  }

  /** The parts of the path, decoded: `/documents/a%2Fb` is `['documents', 'a/b']`. */
  get segments(): string[] {
    return this.#at.pathname.split('/').filter(Boolean).map(decoded);
  }

  get path(): string {
    return this.#at.pathname;
  }

  /** A value of the query; '' if it has none. */
  query(name: string): string {
    return this.#at.searchParams.get(name) ?? '';
  }

  queries(name: string): string[] {
    return this.#at.searchParams.getAll(name);
  }

  /** Path and query, as to return to. */
  get href(): string {
    return this.#at.pathname + this.#at.search;
  }

  /** Goes to an address of the console. */
  go(href: string, options: { replace?: boolean; keepFocus?: boolean } = {}): void {
    if (options.replace) history.replaceState(null, '', href);
    else history.pushState(null, '', href);
    const before = this.#at.pathname;
    this.#read();
    if (before !== this.#at.pathname && !options.keepFocus) this.onnavigate?.();
  }

  /** Changes values of the query and keeps the others; '' removes one. By default the history gets no new entry. */
  set(values: Record<string, string | number | boolean | undefined>, options: { push?: boolean } = {}): void {
    const url = new URL(this.#at);
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined || value === '' || value === false) url.searchParams.delete(name);
      else url.searchParams.set(name, String(value));
    }
    this.go(url.pathname + url.search, { replace: !options.push });
  }

  /** What happens when another page is shown: the frame moves the focus to it. */
  onnavigate: (() => void) | undefined;

  /** Follows links within the console without loading the page again. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (!SCREENS.includes(link.pathname.split('/')[1] ?? '')) return;
    if (link.pathname === location.pathname && link.hash) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

/** The first parts of the console's paths. `src/http/console.rs` serves the page at the same ones. */
export const SCREENS = ['', 'ask', 'documents', 'faqs', 'learning', 'quality', 'admin'];

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A path of the console from its parts and values of the query. */
export function path(parts: string[], query: Record<string, string | number | boolean | undefined> = {}): string {
  const values = Object.entries(query).filter(([, value]) => value !== undefined && value !== '' && value !== false);
  const search = new URLSearchParams(values.map(([name, value]) => [name, String(value)])).toString();
  return `/${parts.map(encodeURIComponent).join('/')}${search && `?${search}`}`;
}

export const route = new Route();
