/** The settings of a workspace as a form has them. */

import type { Schemas } from '$lib/api';

export const LEVELS = ['very_strict', 'strict', 'balanced', 'lenient', 'very_lenient'] as const satisfies Schemas['Level'][];
/** The classes of drafts that a rule may publish. */
export const CLASSES = ['new', 'variant', 'update', 'negative'] as const satisfies Schemas['PublishableClass'][];
type Class = (typeof CLASSES)[number];

/** How many sources a rule asks for at first; the service takes 2 and more. */
const SOURCES = 5;

export interface SettingsForm {
  /** '' for the service's own. */
  level: '' | Schemas['Level'];
  fourEyes: boolean;
  autoPromote: boolean;
  rules: Record<Class, { isOn: boolean; sources: number }>;
  patterns: { kind: string; pattern: string }[];
}

export function formOf(settings: Schemas['Settings']): SettingsForm {
  const rule = (name: Class) => {
    const found = settings.learning?.auto_publish?.find((one) => one.class === name);
    return { isOn: found !== undefined, sources: found?.min_sources ?? SOURCES };
  };
  return {
    level: settings.level ?? '',
    fourEyes: settings.learning?.four_eyes ?? false,
    autoPromote: settings.learning?.auto_promote ?? false,
    rules: { new: rule('new'), variant: rule('variant'), update: rule('update'), negative: rule('negative') },
    patterns: (settings.redaction ?? []).map(({ kind, pattern }) => ({ kind, pattern })),
  };
}

/** The settings of a form. */
export function settingsOf(form: SettingsForm): Required<Schemas['Settings']> {
  const rules = CLASSES.filter((name) => form.rules[name].isOn);
  return {
    level: form.level || null,
    learning: {
      four_eyes: form.fourEyes,
      auto_publish: rules.map((name) => ({ class: name, min_sources: form.rules[name].sources })),
      auto_promote: form.autoPromote,
    },
    redaction: form.patterns.map(({ kind, pattern }) => ({ kind: kind.trim(), pattern })),
  };
}

/** Only what differs: what somebody else changed elsewhere is left alone. */
export function changesOf(form: SettingsForm, from: SettingsForm): Schemas['Settings'] {
  const [to, before] = [settingsOf(form), settingsOf(from)];
  const differs = (name: keyof Schemas['Settings']): boolean => JSON.stringify(to[name]) !== JSON.stringify(before[name]);
  return {
    ...(differs('level') && { level: to.level }),
    ...(differs('learning') && { learning: to.learning }),
    ...(differs('redaction') && { redaction: to.redaction }),
  };
}
