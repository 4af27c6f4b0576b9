import { KenProblem, type ProblemBody } from './problem.js'
import type { components } from './schema.js'

type Schemas = components['schemas']

/** A passage that a language model received. */
export type Passage = Pick<Schemas['CitationBody'], 'document_id' | 'title' | 'uri' | 'chunk_id'>

/** An event of a streamed answer. */
export type StreamEvent =
  /** The evidence: the citations, or the passages that a language model received. */
  | { event: 'evidence'; citations?: Schemas['CitationBody'][]; passages?: Passage[] }
  /** A sentence. `citations` are numbers; `sources` are the citations that a generated sentence uses first. */
  | { event: 'delta'; text: string; citations?: number[]; sources?: Schemas['CitationBody'][] }
  /** Discard all earlier deltas: the generated text was incomplete. */
  | { event: 'restart' }
  /** The whole answer. It is the last event. */
  | { event: 'done'; answer: Schemas['AnswerResponse'] }

/** Parses server-sent events out of bytes that arrive in any pieces. Lines end with CR, LF or both. */
export async function* parseEvents(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ name: string; data: string }, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  let name = ''
  let data: string[] = []
  for await (const piece of pieces) {
    rest += decoder.decode(piece, { stream: true })
    // A CR at the end may be the first half of a line break.
    const held = rest.endsWith('\r') ? '\r' : ''
    const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\r|\n/)
    rest = (lines.pop() ?? '') + held
    for (const line of lines) {
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
      if (line === '') {
        if (data.length > 0) yield { name: name || 'message', data: data.join('\n') }
        name = ''
        data = []
      } else if (field === 'event') name = value
      else if (field === 'data') data.push(value)
    }
  }
}

/** The event of a streamed answer; `undefined` for one that this version does not know. Throws the event `error`. */
export function eventOf(name: string, data: string): StreamEvent | undefined {
  const body: unknown = JSON.parse(data)
  switch (name) {
    case 'evidence':
    case 'delta':
    case 'restart':
      return { ...(body as object), event: name } as StreamEvent
    case 'done':
      return { event: 'done', answer: body as Schemas['AnswerResponse'] }
    case 'error': {
      const problem = body as ProblemBody
      throw new KenProblem(problem.status, problem)
    }
    default:
      return undefined
  }
}
