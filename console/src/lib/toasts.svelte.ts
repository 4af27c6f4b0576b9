/** Short messages about what was just done, announced to screen readers. */

export interface Toast {
  id: number;
  text: string;
  tone: 'good' | 'bad';
  /** A link to what the message is about. */
  href?: string;
  linkText?: string;
}

/** How long a message stays; WCAG 2.2.1 asks for 20 s where one has to act, these only inform. */
const SHOWN_MS = 8_000;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 0;

  add(text: string, options: Partial<Omit<Toast, 'id' | 'text'>> = {}): void {
    const toast: Toast = { id: this.#next++, text, tone: 'good', ...options };
    this.list.push(toast);
    setTimeout(() => this.remove(toast.id), SHOWN_MS);
  }

  remove(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
