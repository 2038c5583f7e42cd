/**
 * A plug-in's call in hand delays neither its removal nor a stop, and the status names the plug-in that is waited for.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { interruptible } from '../../src/cli/interrupt.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import { API_VERSION, definePlugin, type PluginDefinition } from '../../src/plugin/define.ts';
import type { PortName } from '../../src/protocol/ports.ts';
import { openStore } from '../../src/store/open-store.ts';
import { testPlugin } from '../../src/testing/kit.ts';
import { recorded } from '../../src/testing/recorded.ts';
import { pullMap } from '../../streams/pull-map.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

/** No deadline of a call ends within a test. */
const LONG = 100_000;
const TIMEOUTS = {
  pluginSeconds: LONG,
  sampleSeconds: LONG,
  judgeSeconds: LONG,
  learnSeconds: LONG,
  evaluateSeconds: LONG,
  stopSeconds: 60,
};

async function start(input: ConfigInput, folder = temporaryFolder()): Promise<DaemonHandle> {
  const loop = { batchGroups: 4, jobQuestions: 2, maxStaleness: 1 };
  const { config } = toyRun({ loop, timeouts: TIMEOUTS, ...input }, folder);
  const daemon = await startDaemon(config, {
    createPolicy: (_, { checkpoint }) => new ToyPolicy({ learningRate: 1e-3, ...(checkpoint ? { checkpoint } : {}) }),
  });
  onTestFinished(async () => void (await daemon.stop()));
  return daemon;
}

/** Its calls settle on request, with a reply that every port refuses. */
function stuck(port: PortName) {
  const calls: AbortSignal[] = [];
  const late: (() => void)[] = [];
  const call = (request: unknown, signal: AbortSignal) => {
    calls.push(port === 'panel' ? (request as AbortSignal) : signal);
    return new Promise((resolve) => late.push(() => resolve('late')));
  };
  const plugin: PluginDefinition<undefined> = definePlugin({
    name: 'stuck',
    apiVersion: API_VERSION,
    ports: { [port]: () => call },
  });
  return { plugin, calls, reply: () => late.forEach((resolve) => resolve()) };
}

const reached = (daemon: DaemonHandle, version: number) =>
  firstValueFrom(daemon.status$().pipe(filter((status) => status.version >= version)));

const called = async ({ calls }: { readonly calls: readonly unknown[] }) => {
  while (calls.length === 0) await setImmediate();
};

const INPUTS: Partial<Record<PortName, ConfigInput>> = { synthesize: { synthesis: { mode: 'direct', share: 0.5 } } };
const HOLDING = [
  'ask',
  'sample',
  'judge',
  'learn',
  'evaluate',
  'synthesize',
  'check',
  'reward',
  'advantage',
  'filter',
] as const satisfies readonly PortName[];

test.each(HOLDING)(
  '%s: a plug-in with a call in hand is removed at once, the loop continues without it, and its late reply is dropped',
  async (port) => {
    const it = stuck(port);
    const daemon = await start({ plugins: [it.plugin], ...INPUTS[port] });
    await called(it);
    await daemon.command({ type: 'plugin.remove', name: 'stuck' }, 'the test');
    expect(daemon.plugins()).toEqual([]);
    expect(it.calls.every(({ aborted }) => aborted)).toBe(true);
    await reached(daemon, daemon.status().version + 2);
    it.reply();
    await reached(daemon, daemon.status().version + 2);
    expect(await daemon.stop()).toMatchObject({ end: 'stopped', restarts: 0 });
  },
);

test('one in a thread that never comes out of a loop is removed with its thread', async () => {
  const folder = temporaryFolder();
  const [file, begun] = [join(folder, 'loops.mjs'), join(folder, 'begun')];
  const reward = `() => { writeFileSync(${JSON.stringify(begun)}, ''); for (;;); }`;
  writeFileSync(
    file,
    `import { writeFileSync } from 'node:fs'; export default { name: 'loops', apiVersion: 1, ports: { reward: () => ${reward} } };`,
  );
  const daemon = await start({ plugins: [{ use: file, thread: true }] }, folder);
  while (!existsSync(begun)) await setImmediate();
  await daemon.command({ type: 'plugin.remove', name: 'loops' }, 'the test');
  await reached(daemon, daemon.status().version + 2);
  expect(await daemon.stop()).toMatchObject({ end: 'stopped', restarts: 0 });
}, 60_000);

test('a restart by hand gives the call in hand to the new actor', async () => {
  let isStuck = true;
  const calls: unknown[] = [];
  const reward = (request: { readonly votes: readonly number[] }) => {
    calls.push(request);
    return isStuck ? new Promise<number[]>(() => {}) : request.votes.map((_, i) => i);
  };
  const daemon = await start({
    plugins: [definePlugin({ name: 'slow', apiVersion: API_VERSION, ports: { reward: () => reward } })],
  });
  await called({ calls });
  isStuck = false;
  await daemon.command({ type: 'plugin.restart', name: 'slow' }, 'the test');
  await reached(daemon, 2);
  await daemon.stop();
  using store = openStore(`${daemon.runFolder}/quorum.db`);
  for (const { verdict } of store.judgedGroups(1_000)) expect(verdict.rewards).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('the status names the plug-in that is waited for', async () => {
  const it = stuck('reward');
  const daemon = await start({ plugins: [it.plugin] });
  await called(it);
  const of = (id: string) => daemon.status().actors.find((actor) => actor.id === id);
  expect(of('voter')).toMatchObject({ state: 'idle', doing: 'waiting for reward-stuck' });
  expect(of('reward-stuck')).toMatchObject({
    state: 'working',
    doing: expect.stringMatching(/^rewarding group 1 of \d$/) as string,
  });
});

test.each(['ask', 'sample', 'judge', 'check', 'reward', 'advantage', 'filter', 'synthesize'] as const)(
  '%s: a stop does not wait for the call in hand; what it was for is done after the next start',
  async (port) => {
    const it = stuck(port);
    const folder = temporaryFolder();
    const daemon = await start({ plugins: [it.plugin], ...INPUTS[port] }, folder);
    await called(it);
    expect(await daemon.stop()).toMatchObject({ end: 'stopped' });
    expect(it.calls.every(({ aborted }) => aborted)).toBe(true);
    const again = await start({ ...INPUTS[port] }, folder);
    await reached(again, 2);
    await again.stop();
    using store = openStore(`${again.runFolder}/quorum.db`);
    const { unsampled, unjudged } = store.unfinished();
    const known = [...unsampled, ...unjudged, ...store.judgedGroups(10_000).map(({ group }) => group)].map(
      ({ sequence }) => sequence,
    );
    expect(known.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: store.nextSequence }, (_, sequence) => sequence),
    );
  },
);

test('a call that hangs under the defaults is parked after the first try and five restarts, of 30 seconds each and the waits between', async () => {
  const it = stuck('reward');
  await using kit = await testPlugin(it.plugin);
  const [request] = recorded.requests.reward;
  const reply = kit.ports.reward(request!, { retry: true });
  await kit.advance(6 * 30_000 + 250 + 500 + 1_000 + 2_000 + 4_000 - 1);
  expect(kit.state('reward')).toMatchObject({ state: 'running', restarts: 5 });
  await kit.advance(1);
  expect(kit.state('reward')).toMatchObject({ state: 'parked', error: 'reward-stuck: answering: not done after 30 s' });
  await expect(reply).rejects.toThrow('not done after 30 s');
  expect(it.calls).toHaveLength(6);
});

async function* once<T>(item: T): AsyncGenerator<T> {
  yield item;
}

/** Waits on its signal as a call that fetches from a dozen places does. */
const waitsOn = (signal: AbortSignal): void => {
  for (let n = 0; n < 12; n += 1) signal.addEventListener('abort', () => {}, { once: true });
};

test('many plug-ins that wait on the signals they are given are no leak: Node warns of nothing', async () => {
  const warned = vi.fn<(warning: Error) => void>();
  process.on('warning', warned);
  onTestFinished(() => void process.off('warning', warned));
  const many = Array.from({ length: 12 }, (_, i) => {
    const open = (context: { readonly signal: AbortSignal }) => {
      waitsOn(context.signal);
      return async (_request: unknown, signal: AbortSignal) => waitsOn(signal);
    };
    const panel = () => async (signal: AbortSignal) => (waitsOn(signal), { title: 'waits', blocks: [] });
    return definePlugin({
      name: `waits-${i}`,
      apiVersion: API_VERSION,
      ports: { watch: open, export: open, filter: () => async (_, signal) => (waitsOn(signal), undefined), panel },
    });
  });
  const daemon = await start({ plugins: many });
  daemon.panels();
  await reached(daemon, 3);
  await daemon.stop();
  await using kit = await testPlugin(many[0]!);
  for (let calls = 0; calls < 50; calls += 1) await kit.ports.watch(recorded.requests.watch[0]!);
  await interruptible(
    () => {},
    async (signal) => waitsOn(signal),
  );
  await lastValueFrom(pullMap(once(1), 1, async (_item, _lane, signal) => waitsOn(signal)));
  await setImmediate();
  expect(warned.mock.calls.map(([{ message }]) => message)).toEqual([]);
});
