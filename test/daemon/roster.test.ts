import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startSystem } from '../../actors/system.ts';
import { builtInMembers, performersOf } from '../../src/daemon/performers.ts';
import { PluginActors } from '../../src/daemon/plugin-actors.ts';
import { Roster } from '../../src/daemon/roster.ts';
import { servicesOf } from '../../src/daemon/services.ts';
import { listDataset } from '../../src/data/dataset.ts';
import { API_VERSION, definePlugin, type PluginDefinition } from '../../src/plugin/define.ts';
import { sharedController } from '../../src/lib/shared-signal.ts';
import { bindPlugin, loadPlugins } from '../../src/plugin/load.ts';
import { ItemError, UnsoundStepError } from '../../src/protocol/errors.ts';
import type { JudgedGroup, Question } from '../../src/protocol/messages.ts';
import type { Item } from '../../src/protocol/performer.ts';
import { asking } from '../../src/roles/questioner.ts';
import { digits, temporaryFolder, toyConfig } from '../support/rig.ts';

type Ports = PluginDefinition<undefined>['ports'];

const question = (id: string): Question => ({ id, text: id, pictures: [], origin: 'dataset' });
const plugin = (name: string, ports: Ports) => definePlugin({ name, apiVersion: API_VERSION, ports });
const group = { group: {}, verdict: {} } as unknown as JudgedGroup;

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

/** The real actors and roster around built-ins whose only work is to say that they did it. */
async function setUp(
  listed: readonly PluginDefinition<undefined>[] = [],
  { lanes = 1, synthesizes = false, maxRestarts = 0 } = {},
) {
  const config = toyConfig({ supervision: { maxRestarts } });
  const folder = temporaryFolder();
  const said: string[] = [];
  const contexts: AbortSignal[] = [];
  const ours: Ports = {
    ask: ({ signal }) => {
      contexts.push(signal);
      return () => Promise.resolve([question('ours')]);
    },
    sample: () => () => Promise.resolve({ groups: [], promptTokens: 0, newTokens: 0, seconds: 0 }),
    judge: () => () => Promise.reject(new Error('not asked')),
    learn: () => () => Promise.reject(new Error('ours cannot either')),
    evaluate:
      () =>
      ({ version }) =>
        Promise.resolve({ version, greedy: 0.5, n: 1 }),
    synthesize: () => () => Promise.resolve([]),
  };
  const builtIn = await bindPlugin(plugin('built-in', ours));
  const services = servicesOf({
    seed: 0,
    runFolder: folder,
    base: folder,
    train: listDataset('test', []),
    labels: { label: () => undefined },
    grader: digits,
    builtIn,
    weights: (version) => Promise.reject(new RangeError(`version ${version} is not in memory`)),
    now: Date.now,
    tell: (name, text) => said.push(`${name}: ${text}`),
    stop: () => {},
  });
  const size = { lanes, synthesizes };
  const nothing = () => Promise.resolve();
  const members = builtInMembers(builtIn, services, size);
  const started = startSystem({ members, budget: config.supervision, now: Date.now, finish: nothing, save: nothing });
  const { openSeconds } = config.timeouts;
  const actors = new PluginActors({ started, services, ...size, openSeconds });
  for (const each of await loadPlugins(listed, folder)) actors.install(each);
  const performers = performersOf(started.handles, actors, size, (text) => said.push(text));
  let changes = 0;
  const roster = new Roster({ actors, pluginFolder: folder, openSeconds, changed: () => void (changes += 1) });
  opened.push(async () => {
    await roster.close();
    started.system.stop();
  });
  const { signal } = sharedController();
  const perform = <R>(item: Omit<Item<never, R>, 'signal'>) => ({ ...item, signal });
  const asked = async () =>
    (await performers.questioner.perform({ ...asking({ from: 0, count: 1 }, config.timeouts), signal })).map(
      ({ id }) => id,
    );
  return {
    roster,
    actors,
    performers,
    started,
    said,
    asked,
    perform,
    folder,
    contexts,
    signal,
    config,
    changes: () => changes,
  };
}

const refuses: Ports = {
  ask: () => () => {
    throw new Error('not today');
  },
};

test('a port of which there is one is done by the plug-in, and by ours once that is parked, with the same item', async () => {
  const { asked, said, roster } = await setUp([plugin('mine', refuses)]);
  expect(await asked()).toEqual(['ours']);
  expect(said).toEqual([expect.stringMatching(/^questioner-mine is out: .*not today; questioner does its work$/)]);
  expect(roster.list()).toMatchObject([
    { name: 'mine', ports: [{ port: 'ask', state: 'parked', error: expect.stringContaining('not today') }] },
  ]);
  expect(roster.has('ask')).toBe(false);
});

test('a plug-in that is removed with an item in hand loses it to ours at once', async () => {
  let begun = () => {};
  const isBegun = new Promise<void>((resolve) => (begun = resolve));
  const hangs: Ports = {
    ask: () => () => {
      begun();
      return new Promise<never>(() => {});
    },
  };
  const { asked, roster, started } = await setUp([plugin('mine', hangs)]);
  const answer = asked();
  await isBegun;
  await roster.remove('mine');
  expect(await answer).toEqual(['ours']);
  expect(roster.list()).toEqual([]);
  expect([...started.handles.keys()]).not.toContain('questioner-mine');
  await expect(roster.remove('mine')).rejects.toThrow('there is no plug-in "mine"; loaded: none');
});

test('a restart by hand gives a parked plug-in a fresh budget, and its context another signal', async () => {
  const signals: AbortSignal[] = [];
  let fails = true;
  const mine: Ports = {
    ask: ({ signal }) => {
      signals.push(signal);
      return () => (fails ? Promise.reject(new Error('no')) : Promise.resolve([question('mine')]));
    },
  };
  const { asked, roster, changes } = await setUp([plugin('mine', mine)]);
  expect(await asked()).toEqual(['ours']);
  fails = false;
  await roster.restart('mine');
  expect(await asked()).toEqual(['mine']);
  expect(roster.list()[0]!.ports).toEqual([{ port: 'ask', actor: 'questioner-mine', state: 'running', restarts: 0 }]);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  await roster.close();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(changes()).toBe(1);
});

test('plug-ins are added from a file, reloaded, and refused by name, by port and by fault, and a refusal changes nothing', async () => {
  const { asked, roster, folder, changes } = await setUp([
    plugin('other', { panel: () => () => ({ title: 'other', blocks: [] }) }),
  ]);
  const write = (
    name: string,
    id: string,
    ports = `ask: () => async () => [{ id: '${id}', text: 'how many?', pictures: [], origin: 'plugin' }]`,
  ) =>
    writeFileSync(
      join(folder, name),
      `export default { name: '${id.split('/')[0]}', apiVersion: 1, ports: { ${ports} } };`,
    );
  write('file.ts', 'file/1');
  await roster.add({ use: './file.ts' });
  expect(await asked()).toEqual(['file/1']);
  write('file.ts', 'file/2');
  await roster.reload('file');
  expect(await asked()).toEqual(['file/2']);
  writeFileSync(join(folder, 'file.ts'), 'export default {');
  await expect(roster.reload('file')).rejects.toThrow('failed while it was loaded');
  write('rival.mjs', 'rival');
  await expect(roster.add({ use: './rival.mjs' })).rejects.toThrow('both have the port "ask"');
  write('same.mjs', 'other', 'filter: () => () => undefined');
  await expect(roster.add({ use: './same.mjs' })).rejects.toThrow('listed twice');
  await expect(roster.add({ use: './none.ts' })).rejects.toThrow('is not found');
  write('fixed.mjs', 'fixed', 'filter: () => () => undefined');
  await roster.add({ use: './fixed.mjs' });
  await expect(roster.reload('fixed')).rejects.toThrow('name it .js or .ts');
  expect(await asked()).toEqual(['file/2']);
  expect(roster.list().map(({ name }) => name)).toEqual(['other', 'file', 'fixed']);
  expect(changes()).toBe(3);
});

test('changes that are asked for at once are made one after the other', async () => {
  const { roster, folder } = await setUp();
  writeFileSync(
    join(folder, 'a.mjs'),
    "export default { name: 'a', apiVersion: 1, ports: { filter: () => () => undefined } };",
  );
  const [added, again, removed] = await Promise.allSettled([
    roster.add({ use: './a.mjs' }),
    roster.add({ use: './a.mjs' }),
    roster.remove('a'),
  ]);
  expect([added.status, again.status, removed.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(roster.list()).toEqual([]);
});

test('ports that several hold are asked in the order listed, also after a restart; a parked one is left out', async () => {
  const says = (word: string): Ports => ({ filter: () => () => word });
  const broken: Ports = { filter: () => () => Promise.reject(new Error('broken')) };
  const { performers, roster, perform } = await setUp([
    plugin('a', says('a')),
    plugin('b', broken),
    plugin('c', says('c')),
  ]);
  const order = () => performers.filters.map(({ plugin: name }) => name);
  expect(order()).toEqual(['a', 'b', 'c']);
  const [, b] = performers.filters;
  const run = async (port: never, signal: AbortSignal) =>
    (port as (judged: JudgedGroup, signal: AbortSignal) => unknown)(group, signal);
  await expect(b!.perform(perform({ doing: 'filtering', seconds: 5, run }) as never)).rejects.toThrow('broken');
  expect(order()).toEqual(['a', 'c']);
  await roster.restart('a');
  await roster.restart('b');
  expect(order()).toEqual(['a', 'b', 'c']);
  expect(performers.filters[0]).toBe(performers.filters[0]);
});

test('a sampler of a plug-in is an actor a lane, and each lane asks its own', async () => {
  const own = definePlugin({
    name: 'own',
    apiVersion: API_VERSION,
    ports: { sample: () => () => Promise.resolve({ groups: [], promptTokens: 0, newTokens: 0, seconds: 7 }) },
  });
  const { performers, roster, started, perform } = await setUp([own], { lanes: 11 });
  expect(roster.list()[0]!.ports.map(({ actor }) => actor)).toEqual(
    Array.from({ length: 11 }, (_, i) => `sampler-${i + 1}-own`),
  );
  const run = () => Promise.resolve(1);
  await Promise.all(
    performers.samplers.map((sampler) => sampler.perform(perform({ doing: 'sampling', seconds: 5, run }) as never)),
  );
  const items = [...started.handles.values()]
    .filter(({ role }) => role === 'sampler')
    .map((handle) => [handle.id, handle.status().items]);
  expect(items.filter(([, done]) => done === 1).map(([id]) => id)).toEqual(
    performers.samplers.map(({ id }) => `${id}-own`),
  );
});

test('a port that nothing in the run asks stands by, and a parked panel says why', async () => {
  const panel: Ports = {
    panel: () => () => Promise.reject(new Error('no picture')),
    synthesize: () => () => Promise.resolve([]),
  };
  const { actors, roster, performers, perform } = await setUp([plugin('both', panel)]);
  expect(performers.synthesizer).toBeUndefined();
  const [drawn] = actors.live('panel');
  const run = async (port: (signal: AbortSignal) => unknown, signal: AbortSignal) => port(signal);
  await expect(drawn!.perform(perform({ doing: 'drawing', seconds: 5, run }) as never)).rejects.toThrow('no picture');
  expect(actors.parked('panel')).toMatchObject([{ plugin: 'both', error: expect.stringMatching(/no picture/) }]);
  expect(roster.list()[0]!.ports).toMatchObject([
    { state: 'parked' },
    { port: 'synthesize', actor: 'synthesizer', state: 'standing by' },
  ]);
});

test('only a step whose numbers are not sound is blamed on the batch while a plug-in learns; other failures are the plug-in', async () => {
  const blamed: string[] = [];
  const blames = (error: Error): boolean => blamed.push(error.message) > 0;
  const fails = async (error: Error) => {
    const { performers, perform } = await setUp([plugin('mine', { learn: () => () => Promise.reject(error) })], {
      maxRestarts: 1,
    });
    const run = async (port: never, signal: AbortSignal) =>
      (port as (batch: object, signal: AbortSignal) => Promise<never>)({}, signal);
    return performers.learner
      .perform({ ...perform({ doing: 'learning', seconds: 5, run }), blames } as never)
      .catch((cause: unknown) => cause);
  };
  expect(await fails(new UnsoundStepError('loss is NaN'))).toBeInstanceOf(ItemError);
  expect(blamed).toEqual([expect.stringContaining('loss is NaN')]);
  await fails(new Error('out of memory'));
  expect(blamed.slice(1)).toEqual(['ours cannot either']);
});
