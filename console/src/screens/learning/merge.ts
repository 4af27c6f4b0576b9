import { api, data } from '$lib/api';

/** Adds wordings to an FAQ. The service refuses if judged questions would break, unless `force`. */
export async function addWordings(id: string, wordings: readonly string[], force: boolean): Promise<void> {
  const { follow_ups: _, revision: __, version: ___, ...faq } = await data(api.GET('/v1/faqs/{id}', { params: { path: { id } } }));
  const known = new Set([faq.question, ...(faq.variants ?? [])].map((one) => one.trim()));
  const added = wordings.map((one) => one.trim()).filter((one) => one && !known.has(one));
  if (added.length === 0) return;
  const body = { ...faq, variants: [...(faq.variants ?? []), ...new Set(added)] };
  await data(api.PUT('/v1/faqs/{id}', { params: { path: { id }, query: { wait: 'indexed', force } }, body }));
}
