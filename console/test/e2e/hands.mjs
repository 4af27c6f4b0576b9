// The two ways to use the console: with a mouse, and with the keys alone. Both do the same things by the same names, so that a
// story is written once.

import assert from 'node:assert/strict';

/** Clicks, fills fields in, and drops files onto the page. */
export class Mouse {
  constructor(page) {
    this.page = page;
  }

  /** Presses a button, follows a link, opens or closes what a summary hides. */
  async press(target) {
    await target.click();
  }

  /** Replaces a field's text. */
  async write(field, text) {
    await field.fill(text);
  }

  /** Replaces a part of a field's text. */
  async mend(field, from, to) {
    const text = await field.inputValue();
    assert.equal(text.split(from).length, 2, `${from} occurs once`);
    await field.fill(text.replace(from, to));
  }

  /** Chooses an option of a list by its text. */
  async choose(list, text) {
    await list.selectOption({ label: text });
  }

  /** Shows a part of the page by its tab. */
  async show(tab) {
    await tab.click();
  }

  /** Does an entry of a menu. */
  async pick(button, entry) {
    await button.click();
    await entry.click();
  }

  /** Whether it can go on from where it is. */
  async stands() {}

  /** Drops files beside the zone: the whole page takes them. */
  async give(button, files) {
    await button.waitFor();
    const input = await this.page.context().newCDPSession(this.page);
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop']) await input.send('Input.dispatchDragEvent', { type, x: 600, y: 30, data });
    await input.detach();
  }
}

/** Tab, Shift+Tab, arrows, Enter, Space and typing; nothing else. */
export class Keyboard {
  constructor(page) {
    this.page = page;
    // The browser catches file choosers from here on; otherwise a key can come before it does.
    page.on('filechooser', () => {});
  }

  async press(target) {
    await this.#reach(target);
    await this.#key('Enter');
  }

  async write(field, text) {
    await this.#reach(field);
    await this.#key('Control+A');
    await this.page.keyboard.type(text);
  }

  async mend(field, from, to) {
    await this.#reach(field);
    const before = await field.inputValue();
    const [start, ...others] = before.split(from);
    assert.equal(others.length, 1, `${from} occurs once`);
    await this.#key('Control+Home');
    await this.#key('ArrowRight', Array.from(start).length);
    await this.#key('Shift+ArrowRight', Array.from(from).length);
    await this.page.keyboard.type(to);
    assert.equal(await field.inputValue(), before.replace(from, to));
  }

  async choose(list, text) {
    await this.#reach(list);
    const [from, to] = await list.evaluate((element, wanted) => [element.selectedIndex, [...element.options].findIndex((option) => option.label === wanted)], text);
    assert.ok(to >= 0, `there is an option ${text}`);
    await this.#key(to > from ? 'ArrowDown' : 'ArrowUp', Math.abs(to - from));
    assert.equal(await list.evaluate((element) => element.selectedOptions[0]?.label), text);
  }

  async show(tab) {
    await tab.waitFor();
    const tabs = this.page.getByRole('tablist').filter({ has: tab }).getByRole('tab');
    await this.#reach(tabs.and(this.page.locator('[aria-selected="true"]')));
    await this.#until(tab, 'ArrowRight', await tabs.count());
  }

  async pick(button, entry) {
    await this.press(button);
    await entry.waitFor();
    await this.#until(entry, 'ArrowDown', await this.page.getByRole('menuitem').count());
    await this.#key('Enter');
  }

  async give(button, files) {
    await this.#reach(button);
    const [chooser] = await Promise.all([this.page.waitForEvent('filechooser'), this.#key('Enter')]);
    await chooser.setFiles(files);
  }

  /** The focus is not lost: after something is done or closed, one goes on from there and not from the top. */
  async stands() {
    assert.ok(await this.page.evaluate(() => document.activeElement !== document.body), 'the focus is lost');
  }

  async #key(key, times = 1) {
    for (let n = 0; n < times; n++) await this.page.keyboard.press(key);
  }

  /** Presses a key that moves the focus until it is where it should be. */
  async #until(target, key, most) {
    for (let presses = 0; presses <= most; presses++) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await this.#key(key);
    }
    throw new Error(`${key} does not reach ${target}`);
  }

  /** Tabs towards an element until it has the focus, which has to be seen there. */
  async #reach(target) {
    await target.waitFor();
    // A dialog takes the focus when it has opened.
    await target.evaluate((element) => new Promise((done) => {
      const dialog = element.closest('[role="dialog"]');
      const look = () => (!dialog || dialog.contains(document.activeElement) ? done() : requestAnimationFrame(look));
      look();
    }));
    const passed = [];
    for (let turns = 0, last = ''; turns < 4; ) {
      const { key, at } = await target.evaluate((element) => {
        const active = document.activeElement ?? document.body;
        const at = `${active.tagName.toLowerCase()} “${(active.getAttribute('aria-label') ?? active.textContent ?? '').trim().slice(0, 40)}”`;
        if (active === element) return { at };
        const follows = active !== document.body && (element.compareDocumentPosition(active) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
        return { key: follows ? 'Shift+Tab' : 'Tab', at };
      });
      if (!key) return this.#seen(target);
      // Between two that follow each other there is no third.
      if (last && key !== last) turns++;
      last = key;
      passed.push(at);
      if (passed.length > 250) break;
      await this.#key(key);
    }
    throw new Error(`Tab does not reach ${target}; it passed ${passed.slice(-6).join(', ')}`);
  }

  /** WCAG 2.2, 2.4.7 and 2.4.11: the focus is shown, and nothing covers it completely. */
  async #seen(target) {
    const fault = await target.evaluate((element) => new Promise((done) => requestAnimationFrame(() => {
      const { left, top, width, height } = element.getBoundingClientRect();
      const shares = [0.1, 0.3, 0.5, 0.7, 0.9];
      const isInFront = shares.some((x) => shares.some((y) => {
        const front = document.elementFromPoint(left + width * x, top + height * y);
        return front !== null && (element === front || element.contains(front) || front.contains(element));
      }));
      const { outlineStyle, boxShadow } = getComputedStyle(element);
      done(!isInFront ? 'is covered' : outlineStyle === 'none' && boxShadow === 'none' ? 'shows no focus' : '');
    })));
    assert.equal(fault, '', `${target} ${fault}`);
  }
}
