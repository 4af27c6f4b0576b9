export {
  Ken,
  type Answer,
  type AnswerOptions,
  type Citation,
  type Document,
  type Feedback,
  type FeedbackResult,
  type Gap,
  type Gaps,
  type Hit,
  type KenOptions,
  type Outcome,
  type SearchOptions,
  type SearchResult,
} from './client.js'
export { KenProblem, type Fault, type ProblemBody } from './problem.js'
export type { components, operations, paths } from './schema.js'
export { type Passage, type StreamEvent } from './streaming.js'
export { TOLERANCE_S, verifyWebhook, WebhookError, type WebhookBody, type WebhookHeaders } from './webhooks.js'
