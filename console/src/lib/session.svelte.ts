/** Who is signed in, and what they may do. */

import { ApiError, connection, errorOf, headers } from './api';
import type { Schemas } from './api';
import { drafts } from './drafts';

export type Right = Schemas['Right'];

export type SessionInfo = Schemas['SessionResponse'];

const WORKSPACE_KEPT_AS = 'ken.workspace';

class Session {
  info = $state<SessionInfo>();
  workspace = $state('default');
  /** The session ended while the console was open: a dialog asks to sign in again, over what was being done. */
  hasEnded = $state(false);

  async start(): Promise<void> {
    connection.onunauthorized = () => {
      this.hasEnded = true;
    };
    await this.load();
  }

  async load(): Promise<void> {
    this.info = await request<SessionInfo>('GET', '/v1/session');
    this.hasEnded = false;
    this.#enter(this.info.workspace ?? localStorage.getItem(WORKSPACE_KEPT_AS) ?? 'default');
  }

  async signIn(key: string): Promise<void> {
    await request('POST', '/v1/session', { key });
    await this.load();
  }

  /** Ends this session, or all of the same person. Drafts are removed: the next at this browser may be somebody else. */
  async signOut(everywhere: boolean): Promise<void> {
    await request('DELETE', everywhere ? '/v1/session?everywhere=true' : '/v1/session');
    drafts.removeAll();
    location.assign('/');
  }

  may(right: Right): boolean {
    return this.info?.rights.includes(right) ?? false;
  }

  /** Works on another workspace from now on; for operators. */
  choose(workspace: string): void {
    localStorage.setItem(WORKSPACE_KEPT_AS, workspace);
    this.#enter(workspace);
  }

  #enter(workspace: string): void {
    this.workspace = workspace;
    connection.workspace = workspace;
  }
}

/** A call of the session itself. A key that is refused here is no reason to ask for another over the page. */
async function request<T>(method: string, url: string, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: { ...headers(), ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw new ApiError(0, undefined, error instanceof Error ? error.message : String(error));
  }
  const value: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw errorOf(response.status, value);
  return value as T;
}

export const session = new Session();
