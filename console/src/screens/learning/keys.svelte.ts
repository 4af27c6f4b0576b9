/** Shortcuts of a single letter. They can be turned off, and never act while a field or a dialog has the focus
    (WCAG 2.1.4). */

const KEPT_AS = 'ken.shortcuts';

class Shortcuts {
  on = $state(localStorage.getItem(KEPT_AS) !== 'off');

  turn(on: boolean): void {
    this.on = on;
    localStorage.setItem(KEPT_AS, on ? 'on' : 'off');
  }
}

export const shortcuts = new Shortcuts();

const FIELDS = 'input:not([type="checkbox"], [type="radio"], [type="button"]), textarea, select, [contenteditable]';
const OVER = '[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]';

/** A listener that runs what belongs to the pressed letter. */
export function onLetter(actions: () => Partial<Record<string, () => void>>): (event: KeyboardEvent) => void {
  return (event) => {
    if (!shortcuts.on || event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest(`${FIELDS}, ${OVER}`)) return;
    if (document.querySelector(OVER)) return;
    const act = actions()[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  };
}
