/** Who is signed in, and what they may do. */

import { connection, data, failure, headers } from './api';
import { drafts } from './drafts';

export type Right = 'ask' | 'read' | 'write' | 'cases' | 'review' | 'manage' | 'operate';

/** What `GET /v1/session` says. */
export interface SessionInfo {
  signed_in: boolean;
  needs_sign_in: boolean;
  methods: string[];
  name?: string | null;
  role?: string | null;
  workspace?: string | null;
  rights: string[];
}

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
    this.info = await data(request('GET', '/v1/session'));
    this.hasEnded = false;
    this.#enter(this.info.workspace ?? localStorage.getItem(WORKSPACE_KEPT_AS) ?? 'default');
  }

  async signIn(key: string): Promise<void> {
    await data(request('POST', '/v1/session', { key }));
    await this.load();
  }

  /** Ends this session, or all of the same person. Drafts are removed: the next at this browser may be somebody else. */
  async signOut(everywhere: boolean): Promise<void> {
    await data(request('DELETE', everywhere ? '/v1/session?everywhere=true' : '/v1/session'));
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

/** Calls of the session itself go without the typed client: a refused sign-in must not ask to sign in. */
async function request(method: string, url: string, body?: object): Promise<{ data?: SessionInfo; error?: unknown; response: Response }> {
  const response = await fetch(url, {
    method,
    headers: { ...headers(), ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const value: unknown = text ? JSON.parse(text) : undefined;
  return response.ok ? { data: value as SessionInfo, response } : { error: value, response };
}

export const session = new Session();
export { failure };
