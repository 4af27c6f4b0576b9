/** The tour through the console: which step is shown. It opens by itself once per browser. */

/** Remembers that this browser has seen it. */
const SEEN_AS = 'ken.tour';
/** Remembers the step while the page is loaded again. */
const STEP_AS = 'ken.tour.step';

export const STEPS = ['home', 'ask', 'passage', 'faq', 'gaps'] as const;

class Tour {
  /** The position in `STEPS`; undefined if the tour is closed. */
  step = $state<number | undefined>(kept());

  get wasSeen(): boolean {
    return localStorage.getItem(SEEN_AS) !== null;
  }

  show(step: number): void {
    localStorage.setItem(SEEN_AS, 'seen');
    sessionStorage.setItem(STEP_AS, String(step));
    this.step = step;
  }

  close(): void {
    localStorage.setItem(SEEN_AS, 'seen');
    sessionStorage.removeItem(STEP_AS);
    this.step = undefined;
  }
}

function kept(): number | undefined {
  const step = Number(sessionStorage.getItem(STEP_AS) ?? NaN);
  return Number.isInteger(step) && step in STEPS ? step : undefined;
}

export const tour = new Tour();
