/** The parts of the screens that have an address of their own, as the palette offers them. */

import { t } from './i18n.svelte';
import { path } from './router.svelte';
import { session, type Right } from './session.svelte';

export const QUALITY_TABS = [
  { id: 'judged', right: 'read' },
  { id: 'runs', right: 'read' },
  { id: 'levels', right: 'read' },
  { id: 'questions', right: 'read' },
  { id: 'insights', right: 'read' },
  { id: 'experiments', right: 'manage' },
] as const satisfies Tab[];

export const ADMIN_TABS = [
  { id: 'jobs', right: 'manage' },
  { id: 'keys', right: 'manage' },
  { id: 'workspaces', right: 'operate' },
  { id: 'settings', right: 'manage' },
  { id: 'audit', right: 'manage' },
  { id: 'health', right: 'manage' },
  { id: 'api', right: 'manage' },
] as const satisfies Tab[];

const LEARNING_TABS = [
  { id: 'gaps', right: 'read' },
  { id: 'drafts', right: 'read' },
  { id: 'contradictions', right: 'read' },
  { id: 'upkeep', right: 'write' },
  { id: 'cases', right: 'cases' },
] as const satisfies Tab[];

interface Tab {
  id: string;
  right: Right;
}

/** The tabs that the reader's role may see. */
export function allowed<T extends Tab>(tabs: readonly T[]): T[] {
  return tabs.filter((tab) => session.may(tab.right));
}

export interface Place {
  text: string;
  /** The screen that it is a part of. */
  about: string;
  href: string;
}

/** Where the reader may go within the screens. */
export function places(): Place[] {
  if (!session.may('read')) return [];
  const mayWrite = session.may('write');
  const documents = [
    { text: t('documents:asTree'), href: path(['documents'], { view: 'tree' }) },
    ...(mayWrite ? [{ text: t('documents:new'), href: path(['documents', 'new']) }] : []),
  ];
  const faqs = mayWrite
    ? [
        { text: t('faqs:new'), href: path(['faqs', 'new']) },
        { text: t('faqs:importSheet'), href: path(['faqs', 'import']) },
      ]
    : [];
  const of = (about: string, all: { text: string; href: string }[]): Place[] => all.map((one) => ({ ...one, about }));
  return [
    ...of(t('nav.documents'), documents),
    ...of(t('nav.faqs'), faqs),
    ...of(t('nav.learning'), allowed(LEARNING_TABS).map(({ id }) => ({ text: t(`learning:tabs.${id}`), href: path(['learning'], { tab: id }) }))),
    ...of(t('nav.quality'), allowed(QUALITY_TABS).map(({ id }) => ({ text: t(`quality:tabs.${id}`), href: path(['quality'], { tab: id }) }))),
    ...of(t('nav.admin'), allowed(ADMIN_TABS).map(({ id }) => ({ text: t(`admin:tabs.${id}`), href: path(['admin'], { tab: id }) }))),
  ];
}
