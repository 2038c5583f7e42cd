import { join } from 'node:path';
import { filter, firstValueFrom, timeout } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import type { SampleReply, SampleRequest } from '../../src/protocol/ports.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Status } from '../../src/protocol/status.ts';
import { ToyPolicy, type ToyOptions } from '../support/toy-policy.ts';
import { toyRun, type ToyRun } from '../support/toy-run.ts';

/**
 * Sure of its answers from the start, so that there is something to forget; collapses to one answer wherever `isSick`
 * says so.
 */
class Collapsing extends ToyPolicy {
  readonly #isSick: (version: number, restored: number) => boolean;
  #restored = 0;

  constructor(isSick: (version: number, restored: number) => boolean, checkpoint?: ToyOptions['checkpoint']) {
    super({ edge: 3, ...(checkpoint ? { checkpoint } : {}) });
    this.#isSick = isSick;
  }

  override async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    const reply = await super.sample(request, signal);
    if (!this.#isSick(request.version, this.#restored)) return reply;
    const say = (answer: number) => ({ tokens: [answer], text: `\\boxed{${answer}}` });
    return {
      ...reply,
      groups: reply.groups.map((group) => group.map((sample, i) => ({ ...sample, ...say(i === 0 ? 1 : 3) }))),
    };
  }

  override async restore(folder: string, from: number, as: number): Promise<void> {
    await super.restore(folder, from, as);
    this.#restored = as;
  }
}

const GUARDIAN = { mode: 'act', everySteps: 2, canaries: 16, confirmSteps: 2, trustSteps: 4, calmSteps: 3 } as const;
const ONSET = 12;

function toy(input: ConfigInput = {}): ToyRun {
  return toyRun({ guardian: GUARDIAN, checkpoints: { everySteps: 3, keepLast: 2 }, ...input });
}

async function start(
  { config }: ToyRun,
  policy: (checkpoint?: ToyOptions['checkpoint']) => ToyPolicy,
): Promise<DaemonHandle> {
  const daemon = await startDaemon(config, { createPolicy: (_, { checkpoint }) => policy(checkpoint) });
  onTestFinished(async () => void (await daemon.stop()));
  return daemon;
}

const when = (daemon: DaemonHandle, condition: (status: Status) => boolean) =>
  firstValueFrom(daemon.status$().pipe(filter(condition), timeout(30_000)));

function eventsOf({ folder }: ToyRun, type: string): readonly Record<string, unknown>[] {
  const store = openStore(join(folder, 'run', 'quorum.db'));
  const events = store.events(1_000, type).toReversed();
  store.close();
  return events.map(({ data }) => data as Record<string, unknown>);
}

describe('a collapse', () => {
  it(
    'is rolled back to a version from before it, and learning continues with milder settings',
    { timeout: 60_000 },
    async () => {
      const run = toy();
      const daemon = await start(
        run,
        (checkpoint) => new Collapsing((version, restored) => version >= ONSET && restored === 0, checkpoint),
      );
      const acted = await when(daemon, ({ guardian }) => guardian?.tries === 1);
      await when(daemon, ({ version, guardian }) => version > acted.version + 12 && guardian?.level === 'healthy');
      const rate = daemon.settings().find(({ path }) => path === 'learner.learningRate')!.value;
      expect(rate).toBeCloseTo(run.config.learner.learningRate * run.config.guardian.rateFactor, 12);
      await daemon.stop();
      const [act] = eventsOf(run, 'guardian').filter(({ level }) => level === 'act');
      expect(act).toMatchObject({
        why: expect.stringContaining('same one answer') as string,
        remedy: { type: 'restart', attempt: 1 },
      });
      const rollbacks = eventsOf(run, 'rollback');
      expect(rollbacks).toHaveLength(1);
      expect(rollbacks[0]!['from']).toBeLessThanOrEqual(ONSET);
      expect(act!['version']).toBeLessThan(ONSET + 12);
      const byGuardian = eventsOf(run, 'command').filter(({ author }) => author === 'guardian');
      expect(byGuardian.map(({ command }) => (command as { type: string }).type)).toEqual(['set', 'set', 'rollback']);
    },
  );

  it(
    'that comes back each time ends in a hold, which survives a restart and ends at a resume',
    { timeout: 60_000 },
    async () => {
      const run = toy({ guardian: { ...GUARDIAN, maxTries: 1 } });
      const relapsing = (checkpoint?: ToyOptions['checkpoint']) =>
        new Collapsing((version, restored) => version >= restored + ONSET, checkpoint);
      const daemon = await start(run, relapsing);
      const held = await when(daemon, ({ phase, guardian }) => phase === 'paused' && guardian?.level === 'hold');
      expect(held.guardian!.why).toContain('1 restarts with milder settings did not help');
      await daemon.stop();
      expect(eventsOf(run, 'rollback')).toHaveLength(2);

      const again = await start(run, relapsing);
      const still = await when(again, ({ phase }) => phase === 'paused');
      expect(still.guardian).toMatchObject({ level: 'hold', why: held.guardian!.why });
      await again.resume();
      await when(again, ({ version, guardian }) => version > still.version + 2 && guardian?.level !== 'hold');
    },
  );

  it('is only reported in mode watch', { timeout: 60_000 }, async () => {
    const run = toy({ guardian: { ...GUARDIAN, mode: 'watch' } });
    const daemon = await start(run, (checkpoint) => new Collapsing((version) => version >= ONSET, checkpoint));
    const acted = await when(daemon, ({ guardian }) => guardian?.level === 'act');
    expect(acted.guardian!.why).toContain('same one answer');
    await when(daemon, ({ version }) => version > acted.version + 3);
    await daemon.stop();
    expect(eventsOf(run, 'rollback')).toEqual([]);
    expect(eventsOf(run, 'guardian').map(({ level }) => level)).toContain('act');
  });

  it('in which nothing is kept any more is noticed too', { timeout: 60_000 }, async () => {
    const run = toy();
    class Unanimous extends Collapsing {
      override async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
        const reply = await super.sample(request, signal);
        const isSick = reply.groups.every((group) => group.slice(1).every(({ text }) => text === '\\boxed{3}'));
        return isSick
          ? { ...reply, groups: reply.groups.map((group) => group.map(() => ({ ...group.at(-1)! }))) }
          : reply;
      }
    }
    const daemon = await start(
      run,
      (checkpoint) => new Unanimous((version, restored) => version >= ONSET && restored === 0, checkpoint),
    );
    const well = await when(daemon, ({ guardian, version }) => guardian?.tries === 1 && version > ONSET + 6);
    expect(well.guardian!.why).not.toContain('same one answer');
  });
});

describe('what was decided', () => {
  it('is done by the next launch if this one ended first', { timeout: 60_000 }, async () => {
    const run = toy();
    const healthy = (checkpoint?: ToyOptions['checkpoint']) => new Collapsing(() => false, checkpoint);
    const daemon = await start(run, healthy);
    await when(daemon, ({ version }) => version >= 7);
    await daemon.stop();
    const store = openStore(join(run.folder, 'run', 'quorum.db'));
    const state = store.meta('loop.guardian') as { readonly trusted: { readonly version: number } };
    const settings = { learningRate: 1e-5, temperature: 1, shareFloor: 0.3 };
    store.setMeta('loop.guardian', {
      ...state,
      remedy: { type: 'restart', to: state.trusted.version, attempt: 1, settings },
    });
    store.close();

    const again = await start(run, healthy);
    await when(again, ({ guardian }) => guardian?.tries === 1);
    expect(again.settings().find(({ path }) => path === 'learner.learningRate')!.value).toBe(1e-5);
    await again.stop();
    expect(eventsOf(run, 'rollback')).toMatchObject([{ from: state.trusted.version }]);
  });
});

describe('a healthy run', () => {
  it('takes the same steps to the bit with and without a guardian', { timeout: 60_000 }, async () => {
    const learnt = async (mode: 'off' | 'act') => {
      const run = toy({
        guardian: { ...GUARDIAN, everySteps: 1, mode },
        loop: { steps: 12, batchGroups: 4, jobQuestions: 2, maxStaleness: 0 },
      });
      let policy: ToyPolicy | undefined;
      const daemon = await start(run, () => (policy = new Collapsing(() => false)));
      let weights = '';
      daemon.status$().subscribe(({ version }) => (weights = version === 12 ? policy!.weights(12) : weights));
      const report = await daemon.closed();
      expect(report.end).toBe('steps');
      const store = openStore(join(run.folder, 'run', 'quorum.db'));
      const groups = store.judgedGroups(1_000);
      const names = store.metricNames();
      store.close();
      return { weights, groups, probed: names.includes('guardian.consistency') };
    };
    const [without, beside] = [await learnt('off'), await learnt('act')];
    expect(without.weights).not.toBe('');
    expect(beside.weights).toBe(without.weights);
    expect(beside.groups).toEqual(without.groups);
    expect([without.probed, beside.probed]).toEqual([false, true]);
  });
});
