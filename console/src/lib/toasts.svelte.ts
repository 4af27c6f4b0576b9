/** Short messages about what was just done, announced to screen readers. */

export interface Toast {
  id: number;
  text: string;
  tone: 'good' | 'bad';
  /** A link to what the message is about. */
  href?: string;
  linkText?: string;
  /** Something to do about it, as to undo it. */
  action?: { text: string; run: () => void };
}

/** How long a message stays that only informs, and one with something to do or to open (WCAG 2.2.1: at least 20 s). */
const SHOWN_MS = 8_000;
const ACTION_SHOWN_MS = 30_000;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 0;

  add(text: string, options: Partial<Omit<Toast, 'id' | 'text'>> = {}): void {
    const toast: Toast = { id: this.#next++, text, tone: 'good', ...options };
    this.list.push(toast);
    setTimeout(() => this.remove(toast.id), toast.action || toast.href ? ACTION_SHOWN_MS : SHOWN_MS);
  }

  remove(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
