/** What the fields of the editor are called. */

import { t } from '$lib/i18n.svelte';
import type { DocumentForm } from './form';

const NAMES: Record<keyof DocumentForm, () => string> = {
  id: () => t('documents:id'),
  title: () => t('documents:titleColumn'),
  text: () => t('documents:text'),
  format: () => t('documents:format'),
  status: () => t('documents:status'),
  language: () => t('documents:language'),
  audience: () => t('documents:audience'),
  channels: () => t('documents:channels'),
  tags: () => t('documents:tags'),
  related: () => t('documents:related'),
  uri: () => t('documents:uri'),
  rank: () => t('documents:rank'),
  validFrom: () => t('documents:validFromLabel'),
  validUntil: () => t('documents:validUntilLabel'),
  reviewBy: () => t('documents:reviewByLabel'),
  publishAt: () => t('documents:publishAt'),
};

export function fieldName(field: keyof DocumentForm): string {
  return NAMES[field]();
}
