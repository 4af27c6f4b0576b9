/** Documents that a person must look at soon: their validity ends, or their review is due. */

const DAY_MS = 86_400_000;

/** How many days ahead a list of them may look; 0: what is due already. */
export const DUE_DAYS = [0, 14, 30, 90] as const;
/** How many days ahead Home looks. */
export const DUE_SOON = 14;

/** The time `days` from now for `due_before`, rounded up to the minute, so that a list is not asked for again at each look. */
export function dueBefore(days: number, now = Date.now()): string {
  const minute = 60_000;
  return new Date(Math.ceil(now / minute) * minute + days * DAY_MS).toISOString();
}

/** The days of an address; undefined if it names none that may be chosen. */
export function dueDays(text: string): number | undefined {
  return DUE_DAYS.find((days) => String(days) === text);
}
