import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { DaemonHandle } from '../../src/daemon/daemon.ts';
import { API_VERSION, definePlugin, type PluginDefinition } from '../../src/plugin/define.ts';
import type { Sample } from '../../src/protocol/messages.ts';
import type { PortName } from '../../src/protocol/ports.ts';
import { openStore } from '../../src/store/open-store.ts';
import { leak, reached, row, running, start, until } from '../support/plugin-daemon.ts';

/**
 * Short, so that a plug-in that hangs is soon found out; the toy needs milliseconds. Only for tests in which that is
 * waited for.
 */
const IMPATIENT: ConfigInput = {
  timeouts: {
    sampleSeconds: 0.4,
    judgeSeconds: 0.01,
    learnSeconds: 0.4,
    evaluateSeconds: 0.4,
    openSeconds: 0.2,
    pluginSeconds: 0.2,
  },
};

/** Every port of `PortName`, and whether something comes back from it. */
const PORTS: Readonly<Record<PortName, 'replies' | 'silent'>> = {
  ask: 'replies',
  sample: 'replies',
  judge: 'replies',
  learn: 'replies',
  evaluate: 'replies',
  synthesize: 'replies',
  check: 'replies',
  reward: 'replies',
  advantage: 'replies',
  filter: 'replies',
  watch: 'silent',
  export: 'silent',
  panel: 'replies',
};

const MISDEEDS: Readonly<Record<string, { readonly does: () => unknown; readonly reason: RegExp }>> = {
  throws: {
    does: () => {
      throw new RangeError('not today');
    },
    reason: /port "\w+": not today/,
  },
  hangs: { does: () => new Promise(() => {}), reason: /took more than|is late|within|s\b/ },
  'returns nonsense': {
    does: () => [Number.NaN, { nonsense: true }],
    reason: /its reply is not what the port asks for/,
  },
  floods: {
    does: () => Array.from({ length: 100_000 }, () => 'flood'),
    reason: /its reply is not what the port asks for/,
  },
};

/** Throws through a port must not depend on what the port's type is. */
function culprit(port: PortName, does: () => unknown): PluginDefinition<undefined> {
  return definePlugin({ name: 'culprit', apiVersion: API_VERSION, ports: { [port]: () => () => does() } });
}

const cases = (Object.keys(PORTS) as PortName[]).flatMap((port) =>
  Object.keys(MISDEEDS)
    .filter((misdeed) => PORTS[port] === 'replies' || misdeed === 'throws' || misdeed === 'hangs')
    .map((misdeed) => [port, misdeed] as const),
);

describe('a plug-in that misbehaves is restarted, then parked, and the loop continues', () => {
  test.each(cases)('%s: %s', async (port, misdeed) => {
    const { does, reason } = MISDEEDS[misdeed]!;
    const synthesis: ConfigInput = port === 'synthesize' ? { synthesis: { mode: 'direct', share: 0.5 } } : {};
    const daemon = await start({ ...IMPATIENT, plugins: [culprit(port, does)], ...synthesis });
    await reached(daemon, 2);
    await until(() => {
      daemon.panels();
      return row(daemon, 'culprit').ports.every(({ state }) => state === 'parked');
    }, 20);
    const before = daemon.status().version;
    await reached(daemon, before + 2);
    const [parked] = row(daemon, 'culprit').ports;
    expect(parked).toMatchObject({ port, restarts: 1 });
    expect(parked!.error).toMatch(reason);
    expect(daemon.status().actors.find(({ id }) => id === parked!.actor)).toMatchObject({
      state: 'parked',
      error: parked!.error,
    });
    expect(await daemon.stop()).toMatchObject({ end: 'stopped' });
  });

  test('a sampler whose tokens the model does not have is parked, and no group of it is ever stored', async () => {
    const poisoner = definePlugin({
      name: 'poisoner',
      apiVersion: API_VERSION,
      ports: {
        sample:
          ({ next }) =>
          async (request, signal) => {
            const reply = await next(request, signal);
            const poisoned = (sample: Sample): Sample => ({
              ...sample,
              tokens: sample.tokens.map((token) => token + 999_999),
            });
            return { ...reply, groups: reply.groups.map((group) => group.map(poisoned)) };
          },
      },
    });
    const daemon = await start({ plugins: [poisoner] });
    await reached(daemon, 3);
    expect(row(daemon, 'poisoner').ports[0]).toMatchObject({
      state: 'parked',
      error: expect.stringContaining("token ids below 4, the size of the model's vocabulary"),
    });
    expect(await daemon.stop()).toMatchObject({ end: 'stopped' });
    using store = openStore(join(daemon.folder, 'run', 'quorum.db'));
    const tokens = store.judgedGroups(1000).flatMap(({ group }) => group.samples.flatMap((sample) => sample.tokens));
    expect(Math.max(...tokens)).toBeLessThan(4);
  });

  test('a plug-in whose opening never returns is parked too', async () => {
    const stuck = definePlugin({
      name: 'stuck',
      apiVersion: API_VERSION,
      ports: { reward: () => new Promise<never>(() => {}) },
    });
    const daemon = await start({ ...IMPATIENT, plugins: [stuck] });
    await until(() => row(daemon, 'stuck').ports[0]!.state === 'parked', 20);
    expect(row(daemon, 'stuck').ports[0]).toMatchObject({
      restarts: 1,
      error: 'reward-stuck: opening: not done after 0.2 s',
    });
    await reached(daemon, 2);
  });

  test('a plug-in that fills the log is cut short', async () => {
    const talker = definePlugin({
      name: 'talker',
      apiVersion: API_VERSION,
      ports: {
        reward: ({ tell }) => {
          return ({ votes }) => {
            for (let i = 0; i < 1000; i++) tell('x'.repeat(10_000));
            return votes;
          };
        },
      },
    });
    const daemon = await start({ plugins: [talker] });
    await reached(daemon, 3);
    await daemon.stop();
    using store = openStore(join(daemon.runFolder, 'quorum.db'));
    const notes = store.events(1000, 'note').map(({ data }) => String(data));
    const said = notes.filter((text) => text.startsWith('talker: '));
    expect(said.length).toBeGreaterThan(0);
    expect(said.length).toBeLessThanOrEqual(20);
    expect(Math.max(...said.map(({ length }) => length))).toBeLessThan(600);
  });
});

describe('what a plug-in says counts', () => {
  test('a reward, an advantage and a filter are in the verdicts; the first reward that answers decides', async () => {
    const passes = definePlugin({ name: 'passes', apiVersion: API_VERSION, ports: { reward: () => () => undefined } });
    const counts = definePlugin({
      name: 'counts',
      apiVersion: API_VERSION,
      ports: {
        reward: () => (request) => request.group.samples.map((_, i) => i),
        advantage: () => (request) => request.rewards.map((reward) => reward * 2),
        filter: () => (judged) => (judged.group.sequence % 3 === 0 ? 'every third' : undefined),
      },
    });
    const never = definePlugin({ name: 'never', apiVersion: API_VERSION, ports: { reward: () => () => [] } });
    const daemon = await start({ plugins: [passes, counts, never] });
    await reached(daemon, 2);
    await daemon.stop();
    expect(row(daemon, 'never').ports[0]).toMatchObject({ restarts: 0 });
    using store = openStore(join(daemon.runFolder, 'quorum.db'));
    const judged = store.judgedGroups(100);
    expect(judged.length).toBeGreaterThan(8);
    for (const { group, verdict } of judged) {
      expect(verdict.rewards).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(verdict.advantages).toEqual([0, 2, 4, 6, 8, 10, 12, 14]);
      if (group.sequence % 3 === 0)
        expect(verdict).toMatchObject({ kept: false, dropped: 'filtered', why: 'counts: every third' });
      else expect(verdict).toMatchObject({ kept: true });
    }
  });

  test('a question source, also an iterator, gives the questions; it cannot carry a label', async () => {
    const source = definePlugin({
      name: 'source',
      apiVersion: API_VERSION,
      ports: {
        async *ask() {
          for (let i = 0; ; i++) yield { id: `mine-${i}`, text: `question ${i % 7}`, pictures: [], origin: 'plugin' };
        },
      },
    });
    const daemon = await start({ plugins: [source] });
    await reached(daemon, 2);
    await daemon.stop();
    using store = openStore(join(daemon.runFolder, 'quorum.db'));
    const asked = store.judgedGroups(100).map(({ group }) => group.question.id);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every((id) => id.startsWith('mine-'))).toBe(true);

    const leaky = definePlugin({
      name: 'leaky',
      apiVersion: API_VERSION,
      ports: {
        ask: () => async () => [{ id: 'a', text: 'question 1', pictures: [], origin: 'plugin', answer: '3' } as never],
      },
    });
    const other = await start({ plugins: [leaky] });
    await until(() => row(other, 'leaky').ports[0]!.state === 'parked', 20);
    expect(row(other, 'leaky').ports[0]!.error).toContain('unknown field "answer"');
  });

  test('only plug-ins that the user allows get a label', async () => {
    const curious = definePlugin({
      name: 'curious',
      apiVersion: API_VERSION,
      ports: {
        reward: (context) => (request) => {
          const truth = context.label(request.group.question.id);
          return request.answers.map((answer) => Number(answer === truth));
        },
      },
    });
    const denied = await start({ plugins: [curious] });
    await until(() => row(denied, 'curious').ports[0]!.state === 'parked', 20);
    expect(row(denied, 'curious').ports[0]!.error).toContain('list it as {use, labels: true}');
    const allowed = await start({ plugins: [{ use: curious, labels: true }] });
    await reached(allowed, 2);
    expect(row(allowed, 'curious').ports[0]).toMatchObject({ state: 'running', restarts: 0 });
  });

  test('an exporter gets every learnt group once and in order, also over a restart', async () => {
    const versions: number[] = [];
    const groups: string[] = [];
    let failures = 0;
    const exporter = definePlugin({
      name: 'exporter',
      apiVersion: API_VERSION,
      ports: {
        export:
          () =>
          ({ records }) => {
            if (records.some((record) => record.type === 'learnt' && record.version.n === 3) && failures++ === 0)
              throw new Error('disk full');
            for (const record of records) {
              if (record.type === 'learnt') versions.push(record.version.n);
              if (record.type === 'judged') groups.push(record.judged.group.id);
            }
          },
      },
    });
    const first = await start({ plugins: [exporter] });
    await reached(first, 4);
    await first.stop();
    running.length = 0;
    const second = await start({ plugins: [exporter] }, first.folder);
    await reached(second, first.status().version + 3);
    await until(() => versions.length >= first.status().version + 2, 20);
    await second.stop();
    expect(versions).toEqual(versions.map((_, i) => i + 1));
    expect(groups).toHaveLength(new Set(groups).size);
    using store = openStore(join(second.runFolder, 'quorum.db'));
    const learnt = store.batchesSince(0).slice(0, versions.length);
    expect(groups).toEqual(learnt.flatMap((batch) => batch.groups.map(({ group }) => group.id)));
  });

  test('a panel shows what it has, and what kept it from that', async () => {
    const panel = definePlugin({
      name: 'panel',
      apiVersion: API_VERSION,
      ports: {
        panel: () => () => ({ title: 'Lengths', blocks: [{ type: 'numbers', rows: [{ name: 'mean', value: 3 }] }] }),
      },
    });
    const daemon = await start({ plugins: [panel] });
    await until(() => daemon.panels()[0]!.content !== null, 20);
    expect(daemon.panels()).toEqual([
      {
        plugin: 'panel',
        content: { title: 'Lengths', blocks: [{ type: 'numbers', rows: [{ name: 'mean', value: 3 }] }] },
        error: null,
      },
    ]);
  });
});

describe('while the loop runs', () => {
  const FILE = (reward: string) => `
    import { definePlugin } from 'quorum';
    export default definePlugin({ name: 'mine', apiVersion: 1, ports: { reward: () => ({ group }) => group.samples.map((_, i) => ${reward}) } });`;

  const newest = (daemon: DaemonHandle): readonly number[] => {
    using store = openStore(join(daemon.runFolder, 'quorum.db'));
    return store.judgedGroups(1)[0]?.verdict.rewards ?? [];
  };

  test('a plug-in is added, reloaded, restarted and removed; no group is lost', async () => {
    const daemon = await start({});
    const file = join(daemon.folder, 'mine.ts');
    const refused = (work: Promise<unknown>) =>
      work.then(
        () => 'done',
        (error: unknown) => (error as Error).message,
      );
    await reached(daemon, 1);
    expect(await refused(daemon.command({ type: 'plugin.add', use: './mine.ts' }, 'the test'))).toContain(
      'plug-in ./mine.ts is not found',
    );
    writeFileSync(file, FILE('i'));
    await daemon.command({ type: 'plugin.add', use: './mine.ts' }, 'the test');
    await until(() => newest(daemon)[3] === 3, 20);
    expect(await refused(daemon.command({ type: 'plugin.add', use: './mine.ts' }, 'the test'))).toContain(
      'is listed twice',
    );

    writeFileSync(file, FILE('i * 10'));
    await daemon.command({ type: 'plugin.reload', name: 'mine' }, 'the test');
    await until(() => newest(daemon)[3] === 30, 20);
    writeFileSync(file, 'this is no module');
    expect(await refused(daemon.command({ type: 'plugin.reload', name: 'mine' }, 'the test'))).toContain(
      'failed while it was loaded',
    );
    const { version } = daemon.status();
    await reached(daemon, version + 2);
    expect(newest(daemon)[3]).toBe(30);

    await daemon.command({ type: 'plugin.restart', name: 'mine' }, 'the test');
    await daemon.command({ type: 'plugin.remove', name: 'mine' }, 'the test');
    await until(() => newest(daemon)[3]! <= 1, 20);
    expect(await refused(daemon.command({ type: 'plugin.remove', name: 'mine' }, 'the test'))).toBe(
      'there is no plug-in "mine"; loaded: none',
    );
    expect(await daemon.stop()).toMatchObject({ end: 'stopped', restarts: 0 });
    using store = openStore(join(daemon.runFolder, 'quorum.db'));
    const { unsampled, unjudged } = store.unfinished();
    const sequences = store.judgedGroups(10_000).map(({ group }) => group.sequence);
    const waiting = new Set([...unsampled, ...unjudged].map(({ sequence }) => sequence));
    for (let sequence = 0; sequence < store.nextSequence; sequence++)
      expect(sequences.includes(sequence) || waiting.has(sequence)).toBe(true);
    const commands = store.events(100, 'command').map(({ data }) => (data as { outcome: string }).outcome);
    expect(commands.filter((outcome) => outcome === 'done')).toHaveLength(5);
  });

  test('a parked plug-in works again after a restart by hand', async () => {
    let broken = true;
    const flaky = definePlugin({
      name: 'flaky',
      apiVersion: API_VERSION,
      ports: {
        judge:
          ({ next }) =>
          (group, signal) => {
            if (broken) throw new Error('broken');
            return next(group, signal);
          },
      },
    });
    const daemon = await start({ plugins: [flaky] });
    await until(() => row(daemon, 'flaky').ports[0]!.state === 'parked', 20);
    broken = false;
    await daemon.command({ type: 'plugin.restart', name: 'flaky' }, 'the test');
    await reached(daemon, daemon.status().version + 2);
    expect(row(daemon, 'flaky').ports[0]).toMatchObject({ state: 'running', restarts: 0 });
    expect(daemon.status().actors.find(({ id }) => id === 'voter-flaky')!.items).toBeGreaterThan(0);
  });
});

describe('in a thread of its own', () => {
  const write = (folder: string, body: string): void =>
    writeFileSync(
      join(folder, 'threaded.ts'),
      `import { definePlugin } from 'quorum';
       import { threadId } from 'node:worker_threads';
       export default definePlugin({ name: 'threaded', apiVersion: 1, ports: { reward: (context) => async (request, signal) => { ${body} } } });`,
    );

  async function threaded(body: string, more: ConfigInput = {}): Promise<DaemonHandle> {
    const daemon = await start({ timeouts: { pluginSeconds: 60 }, ...more });
    write(daemon.folder, body);
    await daemon.command({ type: 'plugin.add', use: './threaded.ts', thread: true }, 'the test');
    return daemon;
  }

  test('it computes there, and can decide equivalence and speak', async () => {
    const daemon = await threaded(`
      const [a, b] = await context.classify(['1/2', '0.5']);
      context.tell('thread ' + (threadId > 0 && a === b));
      return request.group.samples.map((_, i) => i);`);
    await until(
      () =>
        row(daemon, 'threaded').ports[0]!.state === 'running' &&
        daemon.status().notes.some(({ text }) => text === 'threaded: thread true'),
      30,
    );
    expect(row(daemon, 'threaded')).toMatchObject({ thread: true, ports: [{ restarts: 0 }] });
  });

  test.each([
    [
      'an endless loop',
      'for (;;) {}',
      'not done after 1 s',
      { timeouts: { pluginSeconds: 1 }, supervision: { maxRestarts: 0 } },
    ],
    ['the end of its process', 'process.exit(3);', 'exited with code: 3'],
    ['what is not there', 'return [context.next];', 'port "reward": next is not there in a worker thread'],
  ])(
    '%s costs the thread, not the daemon',
    async (_, body, reason, more?: ConfigInput) => {
      const daemon = await threaded(body, more);
      await until(() => row(daemon, 'threaded').ports[0]!.state === 'parked', 60);
      await reached(daemon, daemon.status().version + 2);
      expect(row(daemon, 'threaded').ports[0]!.error).toContain(reason);
    },
    120_000,
  );
});

test('a reward that leaks costs its thread, and the loop continues; plugin-leaks.long.test.ts has the other ports', async () => {
  expect(await leak('reward')).toMatchObject({ port: 'reward', error: expect.stringContaining('memory') as string });
});

test.each(['as it is opened', 'later'])('a plug-in ends the run with a reason, %s', async (when) => {
  const ports: PluginDefinition<undefined>['ports'] = {
    watch: ({ stop }) => {
      if (when !== 'later') stop('the budget\nis spent');
      return (event) => {
        if (event.type === 'learnt') stop('the budget\nis spent');
      };
    },
  };
  const daemon = await start({ plugins: [definePlugin({ name: 'budget', apiVersion: API_VERSION, ports })] });
  const report = await daemon.closed();
  const reason = 'plug-in budget: the budget is spent';
  expect(report).toMatchObject({ end: 'plugin', reason });
  expect(report.steps > 0).toBe(when === 'later');
  expect(report.error).toBeUndefined();
  expect(daemon.status().notes.map(({ text }) => text)).toContain(`the run ends: ${reason}`);
});

test('a plug-in has a folder of its own in the run folder', async () => {
  const writer = definePlugin({
    name: '@me/writer',
    apiVersion: API_VERSION,
    ports: {
      watch: ({ folder }) => {
        writeFileSync(join(folder, 'opened'), 'yes');
        return () => {};
      },
    },
  });
  const daemon = await start({ plugins: [writer] });
  const file = join(daemon.runFolder, 'plugins', '@me+writer', 'opened');
  await until(() => existsSync(file), 20);
  expect(readFileSync(file, 'utf8')).toBe('yes');
});
