/**
 * What becomes of a run whose compute threads end, hang, run out of memory, or compute with numbers that are none. `npm
 * run test:all` has five of them; CI and `npm run chaos` have each at every stage where it can be.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { configSchema, type ConfigInput } from '../../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import { localPolicy } from '../../src/policy/local/open.ts';
import type { Batch } from '../../src/protocol/messages.ts';
import { openStore } from '../../src/store/open-store.ts';
import { LONG } from '../support/chaos.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ThreadFaults, type Fault, type Stage } from '../support/thread-faults.ts';

const ALL = 10_000;
/** Of every task of a thread; what hangs is waited for as long. */
const DEADLINE = 12;

/** By stage, one after the other. */
const EACH: Readonly<Partial<Record<Stage, readonly Fault[]>>> = {
  sample: ['exit', 'kill', 'hang', 'memory', 'weights', 'program'], // no moments there
  evaluate: ['exit', 'kill', 'hang', 'memory', 'weights', 'program'],
  learn: ['exit', 'kill', 'hang', 'memory', 'weights', 'moments', 'program'],
  save: ['exit', 'kill', 'hang', 'memory', 'weights', 'moments'], // no program there
};
const SOME: typeof EACH = {
  sample: ['hang'],
  evaluate: ['weights'],
  learn: ['memory', 'program'],
  save: ['kill'],
};
const FAULTS = LONG ? EACH : SOME;

const input = (runFolder: string, more: ConfigInput = {}): ConfigInput => ({
  model: 'models/mini',
  runFolder,
  seed: 3,
  dashboard: { port: null },
  sampling: { samples: 4 },
  loop: { steps: null, batchGroups: 4, jobQuestions: 2, maxStaleness: 2 },
  learner: { learningRate: 1e-3, minibatches: 1 },
  evaluation: { questions: 1, fullQuestions: 1, k: 2, everySteps: 1, fullEverySteps: ALL },
  guardian: { mode: 'off' },
  checkpoints: { everySteps: 1, keepLast: 1 },
  supervision: { maxRestarts: 20, backoffMilliseconds: 1, maxBackoffMilliseconds: 4 },
  timeouts: { sampleSeconds: DEADLINE, learnSeconds: DEADLINE, saveSeconds: DEADLINE, evaluateSeconds: DEADLINE },
  ...more,
});

/** Orders a stage's faults, each once the loop has got over the one before. @throws when the daemon ends first */
async function getOver(daemon: DaemonHandle, faults: ThreadFaults, stage: Stage): Promise<void> {
  const ended = daemon.closed().then(({ error }) => Promise.reject(new Error(`${stage}: the daemon ended: ${error}`)));
  ended.catch(() => undefined);
  for (const fault of FAULTS[stage]!) {
    faults.order(stage, fault);
    await Promise.race([ended, firstValueFrom(daemon.status$().pipe(filter(() => faults.taken(stage) > 0)))]);
    const { version } = daemon.status();
    await Promise.race([ended, firstValueFrom(daemon.status$().pipe(filter((status) => status.version > version)))]);
  }
}

/** The model's file after these batches, learnt from the base on by threads that nothing befalls. */
async function relearnt(batches: readonly Batch[]): Promise<Buffer> {
  const folder = temporaryFolder();
  await using learner = localPolicy(configSchema.parse(input(folder))).learner;
  await learner.open();
  for (const batch of batches) await learner.step(batch);
  await learner.save(learner.current, join(folder, 'saved'));
  return readFileSync(join(folder, 'saved', 'model.safetensors'));
}

test(
  'after any fault of a thread the loop continues: no group is lost or learnt twice, and the weights equal those of a run without faults',
  async () => {
    using faults = new ThreadFaults();
    const run = join(temporaryFolder(), 'run');
    const daemon = await startDaemon(configSchema.parse(input(run)));
    await Promise.all((Object.keys(FAULTS) as Stage[]).map((stage) => getOver(daemon, faults, stage)));
    const report = await daemon.stop();
    expect(report).toMatchObject({ end: 'stopped' });

    using store = openStore(join(run, 'quorum.db'));
    const restarted = store.events(ALL, 'actor.restarted').map(({ data }) => (data as { actor: string }).actor);
    for (const [stage, actor] of [
      ['sample', 'sampler-1'],
      ['evaluate', 'evaluator'],
      ['learn', 'learner'],
    ] as const) {
      // More where one waited too long behind another that hung.
      expect([actor, restarted.filter((each) => each === actor).length >= FAULTS[stage]!.length]).toEqual([
        actor,
        true,
      ]);
    }
    expect(store.events(ALL, 'save.repeated').length).toBeGreaterThanOrEqual(FAULTS.save!.length);

    const versions = store.versions(ALL).toReversed();
    expect(versions.map(({ n, parent }) => [n, parent])).toEqual(versions.map((_, n) => [n, n === 0 ? null : n - 1]));
    const batches = store.batchesSince(0);
    const learnt = batches.flatMap(({ groups }) => groups.map(({ group }) => group.id));
    expect(new Set(learnt).size).toBe(learnt.length);
    const kept = store.judgedGroups(ALL).filter(({ verdict }) => verdict.kept);
    const { unbatched } = store.unfinished();
    expect(kept.map(({ group }) => group.id).toSorted()).toEqual(
      [...learnt, ...unbatched.map(({ group }) => group.id)].toSorted(),
    );
    const samples = store.judgedGroups(ALL).flatMap(({ group }) => group.samples);
    expect(samples.flatMap(({ logprobs, refLogprobs }) => [...logprobs, ...refLogprobs!]).every(Number.isFinite)).toBe(
      true,
    );
    expect(readFileSync(join(report.folder, 'model.safetensors')).equals(await relearnt(batches))).toBe(true);
  },
  LONG ? 3_000_000 : 600_000,
);

test('a step that gives no numbers every time is not taken: its batch is set aside, the run pauses, and continues after a resume', async () => {
  using faults = new ThreadFaults();
  const run = join(temporaryFolder(), 'run');
  const config = configSchema.parse(
    input(run, {
      timeouts: {},
      supervision: { maxRestarts: 1, backoffMilliseconds: 1 },
      evaluation: { ...input(run).evaluation, everySteps: ALL },
      loop: { ...input(run).loop, steps: 3, maxStaleness: 0 },
    }),
  );
  const start = () => startDaemon(config);

  const first = await start();
  await firstValueFrom(first.status$().pipe(filter(({ version }) => version === 1)));
  faults.order('learn', 'moments', ALL);
  const paused = await firstValueFrom(first.status$().pipe(filter(({ phase }) => phase === 'paused')));
  const stuck = paused.version;
  expect(paused.held).toMatch(
    new RegExp(
      `^batch \\d .* at version ${stuck}: version \\d was not made: .* not finite; a lower learner.learningRate`,
    ),
  );
  const report = await first.stop();
  expect(report).toMatchObject({ end: 'stopped', steps: stuck });
  expect(readFileSync(join(report.folder, 'trainer_state.json'), 'utf8')).toContain(`"version": ${stuck}`);

  faults.order('learn', 'none');
  const second = await start();
  await firstValueFrom(second.status$().pipe(filter(({ phase }) => phase === 'paused')));
  await second.resume();
  expect(await second.closed()).toMatchObject({ end: 'steps', steps: 3 });
  using store = openStore(join(run, 'quorum.db'));
  const [aside] = store.batchesSetAside(9);
  expect(aside).toMatchObject({ parent: stuck, cause: expect.stringContaining('not finite') });
  const learnt = store.batchesSince(0).flatMap(({ groups }) => groups.map(({ group }) => group.id));
  expect(learnt.some((id) => aside!.groupIds.includes(id))).toBe(false);
}, 400_000);
