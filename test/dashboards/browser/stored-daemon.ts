/**
 * The dashboard's own server over a stored run, in this process: what a page shows can be held against what the store
 * holds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startDashboard } from '../../../dashboards/server/server.ts';
import { openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { CLIENT_FOLDER } from './harness.ts';
import { storedSource, storeRun, type RunOptions, type StoredRun, type StoredSource } from './stored-run.ts';

export interface StoredDaemon extends AsyncDisposable {
  readonly url: string;
  readonly store: Store;
  readonly run: StoredRun;
  readonly source: StoredSource;
  /** What failed inside the server. */
  readonly failures: readonly unknown[];
}

export async function startStoredDaemon(options: RunOptions): Promise<StoredDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'quorum-test-'));
  const store = openStore(join(folder, 'quorum.db'), { retention: { maxGroups: 100_000 } });
  const run = storeRun(store, options);
  const source = storedSource(store, run);
  const failures: unknown[] = [];
  const server = await startDashboard(source, {
    port: 0,
    host: '127.0.0.1',
    allowedHosts: [],
    maxClients: 8,
    runFolder: folder,
    clientFolder: CLIENT_FOLDER,
    onError: (error) => failures.push(error),
  });
  const close = async () => {
    await server.close();
    store.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url: server.url, store, run, source, failures, [Symbol.asyncDispose]: close };
}

/** What a page shows a moment later, on a busy machine. */
export function expectSoon<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { timeout: 20_000 });
}
