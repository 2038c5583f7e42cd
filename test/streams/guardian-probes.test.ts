/**
 * The guardian alone, with a performer that answers when the test says so: what is compared while something else comes
 * to be trusted.
 */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { AskCanaries, Probe, ProbeRequest } from '../../src/guardian/probe.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import { Guardian, type GuardianParts } from '../../streams/guardian.ts';
import { Gate } from '../../streams/gate.ts';
import type { Command } from '../../src/protocol/commands.ts';
import type { Loop } from '../../streams/loop.ts';

const CANARIES = 16;
const all = <T>(value: T): T[] => Array.from({ length: CANARIES }, () => value);
/** Of the first half alone. */
const half = Array.from({ length: CANARIES }, (_, i) => i < CANARIES / 2);

interface Item {
  readonly run: (port: AskCanaries, signal: AbortSignal) => Promise<Probe>;
  readonly signal: AbortSignal;
}

interface Asked extends ProbeRequest {
  readonly answer: (probe: Probe) => void;
  readonly fail: (error: Error) => void;
}

function setUp(options: ConfigInput['guardian'] = {}) {
  const asked: Asked[] = [];
  const commands: Command[] = [];
  const metrics = new Map<string, number>();
  const meta = new Map<string, unknown>();
  const config = parseConfig({ guardian: { everySteps: 1, trustSteps: 4, canaries: CANARIES, ...options } });
  const store = {
    meta: (key: string) => meta.get(key),
    setMeta: (key: string, value: unknown) => meta.set(key, value),
    transaction: (work: () => void) => work(),
    event: () => {},
    metric: (name: string, _: number, value: number) => metrics.set(name, value),
  };
  const status = { guardian: () => {} };
  const policy = { retain: () => {}, release: () => {} };
  const stop = new AbortController();
  const gate = new Gate(stop.signal);
  const loop = {
    parts: { config, store, telemetry: status, policy },
    state: { version: 0, shareFloor: 0, stop: stop.signal, gate, settings: { now: {} } },
    effects: { checkpoint: () => Promise.resolve() },
  } as unknown as Loop;
  const performer = {
    takesFrom: () => {},
    perform: ({ run, signal }: Item) =>
      run((request) => new Promise((answer, fail) => asked.push({ ...request, answer, fail })), signal),
  } as unknown as GuardianParts['performer'];
  const guardian = new Guardian({
    loop,
    options: config.guardian,
    performer,
    command: (command) => {
      commands.push(command);
      if (command.type === 'rollback') loop.state.version += 1;
      return Promise.resolve();
    },
    say: () => {},
  });
  const answerNext = async (sure: readonly boolean[], asTrusted: readonly boolean[]) => {
    await settled();
    const { version, answer } = asked.at(-1)!;
    answer(probe(version, sure, asTrusted));
    await settled();
  };
  const saved = (version: number) => meta.set('loop.standing', { saved: version });
  const rollbacks = () => commands.flatMap((command) => (command.type === 'rollback' ? [command.version] : []));
  const at = (version: number) => {
    loop.state.version = version;
    guardian.tell(learnt(version));
    return settled();
  };
  return { guardian, asked, commands, rollbacks, at, saved, answerNext, metrics, stop, gate };
}

const probe = (version: number, sure: readonly boolean[], asTrusted: readonly boolean[]): Probe => {
  return { version, answers: all('7'), sure, shares: all(1), same: all(1), asTrusted, asOrigin: asTrusted };
};
const learnt = (n: number) => ({ type: 'learnt', version: { n, metrics: null } }) as unknown as LoopEvent;
const judged = (answer: string) => {
  const answers = Array.from({ length: 4 }, () => answer);
  const verdict = { answers, classes: [0, 0, 0, 0], share: 1 };
  const samples = answers.map(() => ({ tokens: [1] }));
  return {
    type: 'judged',
    judged: { verdict, group: { samples, question: { origin: 'dataset' } } },
  } as unknown as LoopEvent;
};
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('compares a probe with the version that it was asked against, whatever is trusted when it is done', async () => {
  const { guardian, asked, answerNext, metrics, stop } = setUp();
  (await guardian.start()).subscribe();
  await answerNext(half, all(true)); // the base is sure of the first half only
  let n = 0;
  for (; n < 4; n++) {
    guardian.tell(learnt(n + 1));
    await answerNext(all(true), all(true)); // later versions are sure of everything
  }
  guardian.tell(learnt(++n));
  await settled();
  const slow = asked.at(-1)!;
  expect(slow.trusted!.sure).toEqual(half);
  while (n < 12) guardian.tell(learnt(++n)); // meanwhile a version that was sure of everything comes to be trusted
  slow.answer(probe(slow.version, all(true), half)); // as the base answered where that was sure, otherwise elsewhere
  await settled();
  guardian.tell(learnt(++n));
  expect(asked.at(-1)!.trusted!.sure).toEqual(all(true));
  expect(metrics.get('guardian.agreement')).toBe(1);
  stop.abort();
});

it('shows what adds up over the probes, and of how many canaries', async () => {
  const { guardian, answerNext, metrics, stop } = setUp();
  (await guardian.start()).subscribe();
  await answerNext(all(true), all(true));
  const shown: (number | undefined)[] = [];
  const answers = [all(true), half, half, all(true)];
  for (const [i, asTrusted] of answers.entries()) {
    guardian.tell(learnt(i + 1));
    await answerNext(all(true), asTrusted);
    guardian.tell(learnt(i + 1));
    shown.push(metrics.get('guardian.erosion'));
  }
  expect(shown[0]).toBe(0);
  expect(shown[1]).toBeGreaterThan(0);
  expect(shown[2]).toBeCloseTo(2 * shown[1]!, 9);
  expect(shown[3]).toBeLessThan(shown[2]!);
  expect(metrics.get('guardian.sureOf')).toBe(CANARIES);
  stop.abort();
});

it('takes one group on which all agree for chance, and reads it with the next ones', async () => {
  const { guardian, metrics, stop } = setUp();
  (await guardian.start()).subscribe();
  guardian.tell(judged('7'));
  guardian.tell(learnt(1));
  expect(metrics.get('guardian.concentration')).toBeUndefined();
  for (let i = 1; i < 16; i++) guardian.tell(judged(String(i)));
  guardian.tell(learnt(2));
  expect(metrics.get('guardian.concentration')).toBe(2 / 16);
  guardian.tell(judged('7'));
  guardian.tell(learnt(3));
  expect(metrics.get('guardian.concentration')).toBe(2 / 16);
  stop.abort();
});

describe('how soon it asks', () => {
  const versions = ({ asked }: ReturnType<typeof setUp>) => asked.map(({ version }) => version);

  it('is as usual while nothing is lost, and sooner in doubt', async () => {
    const run = setUp({ everySteps: 8 });
    (await run.guardian.start()).subscribe();
    await run.answerNext(all(true), all(true));
    const step = async (from: number, to: number) => {
      for (let n = from; n <= to; n++) {
        run.guardian.tell(learnt(n));
        await settled();
      }
    };
    await step(1, 8);
    expect(versions(run)).toEqual([0, 8]);
    await run.answerNext(all(true), all(true));
    await step(9, 16);
    expect(versions(run)).toEqual([0, 8, 16]);
    // Three of sixteen canaries are lost, which may be chance.
    await run.answerNext(
      all(true),
      all(true).map((_, i) => i >= 3),
    );
    await step(17, 18);
    expect(versions(run)).toEqual([0, 8, 16, 18]);
    run.stop.abort();
  });

  it('compares with a recent version that was sound, which stays the same in doubt', async () => {
    const run = setUp({ everySteps: 2, trustSteps: 100 });
    (await run.guardian.start()).subscribe();
    await run.answerNext(half, all(true)); // the base is sure of half of the canaries, later versions of all
    const step = async (n: number, lost: number) => {
      run.guardian.tell(learnt(n));
      await settled();
      const kept = all(true).map((_, i) => i >= lost);
      const { version, answer, recent } = run.asked.at(-1)!;
      answer({ ...probe(version, all(true), all(true)), ...(recent && { asRecent: kept }) });
      await settled();
    };
    for (let n = 1; n <= 12; n++) await step(n, 0);
    const { recent } = run.asked.at(-1)!;
    expect(recent).toMatchObject({ sure: all(true) });
    const { version } = recent as unknown as { version: number };
    expect(version).toBeGreaterThanOrEqual(8);
    for (let n = 13; n <= 30; n++) await step(n, 4);
    expect(run.metrics.get('guardian.recent')).toBe(0.75);
    expect((run.asked.at(-1)!.recent as unknown as { version: number }).version).toBeLessThanOrEqual(14);
    run.stop.abort();
  });

  it('acts on responses that leave what most of them still give, though no majority has changed', async () => {
    const run = setUp({ everySteps: 2, trustSteps: 100, mode: 'act' });
    (await run.guardian.start()).subscribe();
    await run.answerNext(half, all(true));
    const step = async (n: number, share: number) => {
      run.guardian.tell(learnt(n));
      await settled();
      const { version, answer, recent } = run.asked.at(-1)!;
      const of = recent && { asRecent: all(true), shareRecent: all(true).map(() => share) };
      answer({ ...probe(version, all(true), all(true)), shares: all(share), ...of });
      await settled();
    };
    for (let n = 1; n <= 17; n++) await step(n, 0.95);
    expect(run.metrics.get('guardian.kept')).toBeCloseTo(0.95);
    expect(run.commands).toEqual([]);
    for (let n = 18; n <= 23 && run.commands.length === 0; n++) await step(n, 0.6);
    expect(run.metrics.get('guardian.faded')).toBeCloseTo(0.35);
    expect(run.rollbacks()).toHaveLength(1);
    run.stop.abort();
  });

  it('in mode act nothing is admitted while a suspicion is looked into', async () => {
    const run = setUp({ everySteps: 4, mode: 'act' });
    (await run.guardian.start()).subscribe();
    await run.answerNext(all(true), all(true));
    for (let n = 1; n <= 4; n++) run.guardian.tell(learnt(n));
    expect(run.gate.admits).toBe(true);
    await run.answerNext(
      all(true),
      all(true).map((_, i) => i >= 5),
    );
    expect(run.gate.admits).toBe(true);
    run.guardian.tell(learnt(5)); // reads it
    expect(run.gate.admits).toBe(false);
    await run.answerNext(all(true), all(true));
    expect(run.gate.admits).toBe(true);
    run.stop.abort();
  });

  it('what cannot be looked into holds nothing', async () => {
    const run = setUp({ everySteps: 4, mode: 'act' });
    (await run.guardian.start()).subscribe();
    await run.answerNext(all(true), all(true));
    for (let n = 1; n <= 4; n++) run.guardian.tell(learnt(n));
    await run.answerNext(
      all(true),
      all(true).map((_, i) => i >= 5),
    );
    run.guardian.tell(learnt(5));
    await settled();
    expect(run.gate.admits).toBe(false);
    run.asked.at(-1)!.fail(new Error('the sampler is gone'));
    await settled();
    expect(run.gate.admits).toBe(true);
    run.stop.abort();
  });
});

describe('a roll-back', () => {
  /** Up to version 14 all is well, with a checkpoint at each version; no version has enough healthy steps after it. */
  const healthy = async (known: (rollbacks: number) => readonly boolean[]) => {
    const run = setUp({ everySteps: 2, trustSteps: 1_000, mode: 'act' });
    (await run.guardian.start()).subscribe();
    await run.answerNext(half, all(true));
    const step = async (n: number, share: number) => {
      await run.at(n);
      run.saved(n);
      const { version, answer, recent } = run.asked.at(-1)!;
      const of = recent && { asRecent: all(true), shareRecent: all(true).map(() => share) };
      answer({ ...probe(version, known(run.rollbacks().length), all(true)), shares: all(share), ...of });
      await settled();
    };
    for (let n = 1; n <= 14; n++) await step(n, 0.95);
    expect(run.rollbacks()).toEqual([]);
    const lead = async (from: number) => {
      const before = run.rollbacks().length;
      for (let n = from; run.rollbacks().length === before && n < from + 12; n++) await step(n, 0.6);
      return run.rollbacks().at(-1)!;
    };
    return { run, step, lead };
  };

  it('goes to a version that two probes without a doubt followed, not to the base', async () => {
    const { run, lead } = await healthy(() => all(true));
    const to = await lead(15);
    expect(to).toBeGreaterThanOrEqual(8);
    expect(to).toBeLessThanOrEqual(14);
    run.stop.abort();
  });

  it('is followed by comparisons with what the restored version is sure of, and by another', async () => {
    const fewer = all(true).map((_, i) => i > 0); // what the restored version is sure of
    const { run, step, lead } = await healthy((rollbacks) => (rollbacks === 0 ? all(true) : fewer));
    const first = await lead(15);
    for (let n = 40; n < 46; n++) await step(n, 0.95);
    expect(run.asked.at(-1)!.recent).toMatchObject({ sure: fewer });
    expect(run.rollbacks()).toEqual([first]);
    await lead(46);
    expect(run.rollbacks()).toHaveLength(2);
    run.stop.abort();
  });
});
