/** Server-sent events of a reply that is read with `fetch`: `EventSource` can only send GET requests. */

export interface ServerEvent {
  name: string;
  data: string;
}

/** The events of a reply's body, in order. Ends with the body; throws if the connection breaks. */
export async function* events(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? '';
      yield* blocks.map(parsed).filter((event) => event.data !== '');
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** One event. Comments (a line that begins with a colon) keep the connection open and say nothing. */
export function parsed(block: string): ServerEvent {
  let name = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const value = line.slice(line.indexOf(':') + 1).replace(/^ /, '');
    if (line.startsWith('event:')) name = value;
    if (line.startsWith('data:')) data.push(value);
  }
  return { name, data: data.join('\n') };
}
