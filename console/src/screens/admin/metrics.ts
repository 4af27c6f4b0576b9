/** Reads the Prometheus text format, as far as `/metrics` uses it. */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const match = line.startsWith('#') ? null : LINE.exec(line);
    if (!match) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(LABEL)) {
      labels[name!] = value!.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    }
    samples.push({ name: match[1]!, labels, value: numberOf(match[3]!) });
  }
  return samples;
}

function numberOf(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}

type Filter = (labels: Record<string, string>) => boolean;

/** The sum of a metric's samples; 0 if there are none. */
export function sum(samples: readonly Sample[], name: string, filter: Filter = () => true): number {
  return samples.filter((one) => one.name === name && filter(one.labels)).reduce((all, one) => all + one.value, 0);
}

/** The largest of a metric's samples; 0 if there are none. */
export function most(samples: readonly Sample[], name: string): number {
  return Math.max(0, ...samples.filter((one) => one.name === name).map((one) => one.value));
}

/** A quantile of a histogram, 0 to 1, interpolated within its bucket; `undefined` if nothing was counted. The largest
 *  finite bound if it lies beyond. */
export function quantile(samples: readonly Sample[], name: string, share: number, filter: Filter = () => true): number | undefined {
  const counts = new Map<number, number>();
  for (const one of samples) {
    if (one.name !== `${name}_bucket` || !filter(one.labels)) continue;
    const bound = numberOf(one.labels.le ?? '');
    counts.set(bound, (counts.get(bound) ?? 0) + one.value);
  }
  const buckets = [...counts].sort(([a], [b]) => a - b);
  const all = buckets.at(-1)?.[1] ?? 0;
  if (all === 0) return undefined;
  let [below, counted] = [0, 0];
  for (const [bound, upTo] of buckets) {
    if (upTo >= share * all) {
      if (bound === Infinity) return below;
      return below + ((bound - below) * (share * all - counted)) / Math.max(1, upTo - counted);
    }
    [below, counted] = [bound, upTo];
  }
  return below;
}
