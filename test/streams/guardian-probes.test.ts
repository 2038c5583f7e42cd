/** The guardian alone, with a performer that answers when the test says so: what is compared while something else comes to be trusted. */
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { AskCanaries, Probe, ProbeRequest } from '../../src/learn/collapse/probe.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import { Guardian, type GuardianParts } from '../../streams/guardian.ts';
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
}

function setUp() {
  const asked: Asked[] = [];
  const agreements: number[] = [];
  const meta = new Map<string, unknown>();
  const config = parseConfig({ guardian: { everySteps: 1, trustSteps: 4, canaries: CANARIES } });
  const store = {
    meta: (key: string) => meta.get(key),
    setMeta: (key: string, value: unknown) => meta.set(key, value),
    together: (work: () => void) => work(),
    event: () => {},
    metric: (name: string, _: number, value: number) => name === 'guardian.agreement' && agreements.push(value),
  };
  const status = { guardian: () => {}, status: () => ({ saved: null }) };
  const policy = { retain: () => {}, release: () => {} };
  const stop = new AbortController();
  const loop = { version: 0, config, store, telemetry: status, policy, stop: stop.signal, settings: { now: {} } } as unknown as Loop;
  const performer = {
    takesFrom: () => {},
    perform: ({ run, signal }: Item) => run((request) => new Promise((answer) => asked.push({ ...request, answer })), signal),
  } as unknown as GuardianParts['performer'];
  const guardian = new Guardian({ loop, options: config.guardian, performer, command: () => Promise.resolve(), say: () => {} });
  return { guardian, asked, agreements, stop };
}

const probe = (version: number, sure: readonly boolean[], asTrusted: readonly boolean[]): Probe => {
  return { version, answers: all('7'), sure, same: all(1), asTrusted, asOrigin: asTrusted };
};
const learnt = (n: number) => ({ type: 'learnt', version: { n, metrics: null } }) as unknown as LoopEvent;
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('compares a probe with the version that it was asked against, whatever is trusted when it is done', async () => {
  const { guardian, asked, agreements, stop } = setUp();
  (await guardian.start()).subscribe();
  const answerNext = async (sure: readonly boolean[], asTrusted: readonly boolean[]) => {
    await settled();
    const { version, answer } = asked.at(-1)!;
    answer(probe(version, sure, asTrusted));
    await settled();
  };
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
  expect(agreements.at(-1)).toBe(1);
  stop.abort();
});
