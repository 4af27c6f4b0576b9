/** The key that saves: Ctrl+S, or Command+S. */

/** As `aria-keyshortcuts` of the button that it presses. */
export const SAVE_KEYS = 'Control+S Meta+S';

/** Attached to a form: the key presses the form's main button. While a dialog is open, it does nothing. */
export function savesByKey(form: HTMLFormElement): () => void {
  const onkeydown = (event: KeyboardEvent): void => {
    const { ctrlKey, metaKey, altKey, shiftKey } = event;
    if (event.key.toLowerCase() !== 's' || ctrlKey === metaKey || altKey || shiftKey) return;
    // The browser would offer to save the page.
    event.preventDefault();
    if (event.repeat || document.querySelector('[role="dialog"], [role="alertdialog"]')) return;
    form.querySelector<HTMLButtonElement>('button[type="submit"]')?.click();
  };
  addEventListener('keydown', onkeydown);
  return () => removeEventListener('keydown', onkeydown);
}
