/** The service's API, typed by its OpenAPI document. */

import createClient, { type Middleware } from 'openapi-fetch';
import type { components, paths } from '../api/schema';

export type Schemas = components['schemas'];
export type Problem = Schemas['Problem'];

/** A call that failed, with what the service says about it. `status` is 0 if the service did not reply. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem | undefined;

  constructor(status: number, problem: Problem | undefined, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.problem = problem;
  }

  /** The kind of problem without its path, as `not-found`; '' if unknown. */
  get type(): string {
    return this.problem?.type.split('/').pop() ?? '';
  }
}

/** The workspace that is worked on, and what to do when the service no longer knows who is asking. */
export const connection = {
  workspace: 'default',
  onunauthorized: (): void => {},
};

/** Headers of every call. A request with a cookie is refused without the first: no foreign page can send it. */
export function headers(): Record<string, string> {
  return { 'X-Ken-Console': '1', 'X-Ken-Workspace': connection.workspace };
}

const own: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(headers())) request.headers.set(name, value);
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: '' });
api.use(own);

interface Result<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The reply's data; throws an `ApiError` if there is none. */
export async function data<T>(call: Promise<Result<T>>): Promise<T> {
  let result: Result<T>;
  try {
    result = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, undefined, error instanceof Error ? error.message : String(error));
  }
  if (result.response.ok) return result.data as T;
  throw failure(result.response.status, result.error);
}

/** The error of a reply's status and body. A 401 also asks to sign in again. */
export function failure(status: number, body: unknown): ApiError {
  if (status === 401) connection.onunauthorized();
  return errorOf(status, body);
}

/** As `failure`, but asks nothing. */
export function errorOf(status: number, body: unknown): ApiError {
  const problem = isProblem(body) ? body : undefined;
  return new ApiError(status, problem, problem?.detail || problem?.title || `HTTP ${status}`);
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'title' in body && 'status' in body;
}
