/** The check of all knowledge. It can take long, so it runs on while other pages are looked at, and its result is kept
    as long as the console is open. */

import { api, data, type Schemas } from '$lib/api';

export type Finding = Schemas['LintFinding'];
export type FindingKind = Finding['finding'];

/** What can be found, the most urgent first. */
export const FINDINGS: readonly FindingKind[] = ['conflict', 'duplicate', 'expired', 'review_due', 'dead_reference'];

class Lint {
  workspace = $state('');
  startedAt = $state(0);
  finishedAt = $state(0);
  isRunning = $state(false);
  findings = $state.raw<Finding[]>();
  error = $state.raw<unknown>();
  #abort: AbortController | undefined;

  /** Forgets the result of another workspace. */
  enter(workspace: string): void {
    if (this.workspace === workspace) return;
    this.cancel();
    this.workspace = workspace;
    this.findings = undefined;
    this.error = undefined;
  }

  async run(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    this.isRunning = true;
    this.startedAt = Date.now();
    this.error = undefined;
    try {
      const { findings } = await data(api.POST('/v1/documents:lint', { signal: abort.signal }));
      if (abort.signal.aborted) return;
      this.findings = findings;
      this.finishedAt = Date.now();
    } catch (error) {
      if (!abort.signal.aborted) this.error = error;
    } finally {
      if (this.#abort === abort) this.isRunning = false;
    }
  }

  cancel(): void {
    this.#abort?.abort();
    this.isRunning = false;
  }

  /** Leaves out what an archived document was about. */
  forget(documentId: string): void {
    this.findings = this.findings?.filter((finding) => !finding.document_ids.includes(documentId));
  }
}

export const checks = new Lint();
