/** Whether an address from a document may become a link: it is text that somebody else wrote. */
export function isLink(uri: string): boolean {
  return URL.canParse(uri) && ['http:', 'https:', 'mailto:', 'tel:'].includes(new URL(uri).protocol);
}
