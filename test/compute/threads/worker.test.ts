import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModelFolder } from '../../../src/compute/models/folder.ts';
import { WorkerPool } from '../../../src/compute/threads/pool.ts';
import { share } from '../../../src/compute/threads/versions.ts';
import { onProgress } from '../../../src/lib/progress.ts';
import { openFigures, TRAIN_POOL } from '../../../src/data/figures/dataset.ts';
import type { SampleCall } from '../../../src/protocol/worker.ts';
import { ThreadFaults } from '../../support/thread-faults.ts';
import { temporaryFolder, writeTinyFolder, type TemporaryFolder } from '../../support/tiny-folder.ts';

let folder: TemporaryFolder;
let call: SampleCall;

beforeAll(async () => {
  folder = await temporaryFolder();
  await writeTinyFolder(folder.path, 1);
  const weights = share((await loadModelFolder(folder.path)).params);
  const { dataset } = openFigures(TRAIN_POOL);
  const questions = Array.from({ length: 4 }, (_, i) => dataset.question(i));
  call = {
    type: 'sample',
    weights,
    base: weights,
    request: {
      questions,
      seed: 1,
      version: 0,
      params: { samples: 2, temperature: 1, topP: 1, topK: 0, maxNewTokens: 8 },
    },
  };
});

afterAll(() => folder[Symbol.asyncDispose]());

function rolloutPool(threads: number, baseFolder = folder.path): WorkerPool {
  const setup = { role: 'rollout', baseFolder, engine: 'cpu', threads: 1, maxRows: 16, pass: { groups: 2 } } as const;
  return new WorkerPool({ setup, threads, maxQueue: 4, startSeconds: 60 });
}

/** A deadline that a slow thread is past before it is done. */
const SHORT = 2;
const endless: SampleCall['request']['params'] = { samples: 8, temperature: 1, topP: 1, topK: 0, maxNewTokens: 400 };

describe('WorkerPool', { timeout: 120_000 }, () => {
  it('ends a thread without progress, names the wait, and continues with a new thread', async () => {
    using faults = new ThreadFaults();
    await using pool = rolloutPool(1);
    await pool.ready();
    const before = await pool.run(call, { doing: 'sampling', seconds: 60 });
    faults.order('evaluate', 'hang');
    await expect(pool.run(call, { doing: 'sampling 4 questions', seconds: 0.01 })).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'sampling 4 questions showed no progress in 0.01 s; its thread was ended',
    });
    const after = await pool.run(call, { doing: 'sampling', seconds: 60 });
    expect(after.groups).toEqual(before.groups);
  });

  it('a job that takes longer than its deadline is finished while it shows progress, and so is what waits behind it', async () => {
    using faults = new ThreadFaults();
    await using pool = rolloutPool(1);
    await pool.ready();
    const before = await pool.run(call, { doing: 'sampling', seconds: 60 });
    const { signal } = new AbortController();
    let signs = 0;
    onProgress(signal, () => (signs += 1));
    faults.order('evaluate', 'slow');
    const started = performance.now();
    const replies = await Promise.all([1, 2].map(() => pool.run(call, { doing: 'sampling', seconds: SHORT, signal })));
    expect(replies.map(({ groups }) => groups)).toEqual([before.groups, before.groups]);
    expect(performance.now() - started).toBeGreaterThan(1000 * SHORT);
    expect(signs).toBeGreaterThan(2);
  });

  it('abandons a thread that does not return from native code, reports it to the waiting tasks, and continues with another', async () => {
    using faults = new ThreadFaults();
    await using pool = rolloutPool(1);
    await pool.ready();
    faults.order('evaluate', 'stuck', 2);
    const stuck = pool.run(call, { doing: 'sampling 4 questions', seconds: 0.5 });
    const behind = pool.run(call, { doing: 'sampling 5 questions', seconds: 60 }).catch((error: unknown) => error);
    await expect(stuck).rejects.toMatchObject({
      name: 'TimeoutError',
      message:
        'sampling 4 questions showed no progress in 0.5 s; its thread does not come back from native code and is left behind',
    });
    expect(await behind).toMatchObject({ name: 'WorkerError' });
    faults.order('evaluate', 'none');
    expect((await pool.run(call, { doing: 'sampling', seconds: 60 })).groups).toHaveLength(4);
    faults.order('evaluate', 'stuck');
    await expect(pool.run(call, { doing: 'sampling', seconds: 0.5 })).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(pool.run(call, { doing: 'sampling', seconds: 0.5 })).rejects.toThrow(
      '2 rollout threads do not come back from native code',
    );
  });

  it('replaces a thread that dies during its start, and rejects the calls that wait for it', async () => {
    await using pool = rolloutPool(1);
    using faults = new ThreadFaults();
    faults.order('start', 'exit');
    await expect(pool.ready()).rejects.toMatchObject({ name: 'WorkerError' });
    await pool.ready();
    expect(faults.taken('start')).toBe(1);
  });

  it('gives the same samples from every thread, and several at once', async () => {
    await using pool = rolloutPool(2);
    await pool.ready();
    const replies = await Promise.all([1, 2, 3, 4].map(() => pool.run(call, { doing: 'sampling', seconds: 60 })));
    for (const { groups } of replies) expect(groups).toEqual(replies[0]!.groups);
  });

  it('refuses what does not fit its queue, and everything once it is closed', async () => {
    const pool = rolloutPool(1);
    await pool.ready();
    const many = await Promise.allSettled(
      Array.from({ length: 8 }, () => pool.run(call, { doing: 'sampling', seconds: 60 })),
    );
    // One runs, four wait.
    expect(many.map(({ status }) => status)).toEqual([
      ...Array<string>(5).fill('fulfilled'),
      ...Array<string>(3).fill('rejected'),
    ]);
    await pool[Symbol.asyncDispose]();
    await pool[Symbol.asyncDispose]();
    await expect(pool.run(call, { doing: 'sampling', seconds: 1 })).rejects.toMatchObject({ name: 'WorkerError' });
  });

  it('rejects what was in flight when it closes', async () => {
    const pool = rolloutPool(1);
    await pool.ready();
    const flying = pool.run(
      { ...call, request: { ...call.request, params: endless } },
      { doing: 'sampling', seconds: 60 },
    );
    const [settled] = await Promise.all([Promise.allSettled([flying]), pool[Symbol.asyncDispose]()]);
    expect(settled[0]).toMatchObject({ status: 'rejected', reason: { name: 'WorkerError' } });
  });

  it('does not begin what is cancelled already', async () => {
    await using pool = rolloutPool(1);
    await expect(pool.run(call, { doing: 'sampling', seconds: 1, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'CancelledError',
    });
  });

  it('passes on why a thread could not start', async () => {
    await using pool = rolloutPool(1, join(folder.path, 'nowhere'));
    await expect(pool.ready()).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringContaining('nowhere'),
    });
  });
});
