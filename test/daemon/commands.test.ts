import { expect, test } from 'vitest';
import type { Command } from '../../src/protocol/commands.ts';
import { rig, type Rig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const outcomes = ({ store }: Rig) =>
  store
    .events(99, 'command')
    .map(({ data }) => data)
    .toReversed();

/** A loop at version 1 or later whose evaluations wait from then on, until `release`. */
async function running() {
  let release = () => {};
  let waits: Promise<void> | undefined;
  const made = await rig({
    config: { loop: { steps: null }, evaluation: { everySteps: 1_000 } },
    toy: { faults: { beforeSample: (request) => (request.reference === true ? undefined : waits) } },
  });
  const done = made.run();
  await until(() => made.loop.state.version >= 1);
  waits = new Promise((resolve) => (release = resolve));
  const end = async () => {
    release();
    made.stop();
    await done;
    expect(made.errors).toEqual([]);
  };
  return { made, release, end };
}

test('what needs the loop is refused until it runs; each command is in the event log with its author and outcome, without options', async () => {
  const made = await rig();
  const why =
    'the loop does not run yet: wait until the daemon has restored its versions or measured its baseline (quorum status)';
  const needy: Command[] = [
    { type: 'checkpoint' },
    { type: 'evaluate', full: false },
    { type: 'set', path: 'learner.learningRate', value: 1e-6 },
  ];
  for (const command of needy) await expect(made.commands.command(command, 'a test')).rejects.toThrow(why);
  const add = { type: 'plugin.add', use: './none.ts', options: { key: 'secret' } } as const;
  await expect(made.commands.command(add, 'a page')).rejects.toThrow('is not found');
  expect(outcomes(made)).toEqual([
    ...needy.map((command) => ({ command, author: 'a test', outcome: why })),
    {
      command: { type: 'plugin.add', use: './none.ts' },
      author: 'a page',
      outcome: expect.stringContaining('not found'),
    },
  ]);
  expect(made.commands.inHand()).toEqual([]);
});

test('what is refused is said with the reason', async () => {
  const made = await rig();
  await expect(made.commands.command({ type: 'drain', worker: 'nobody' }, 'command line')).rejects.toThrow();
  expect(made.telemetry.status().notes.map(({ text }) => text)).toEqual([
    'command line: drain worker nobody',
    'command line: drain worker nobody is refused: no worker can join this run: set `cluster.nats`',
  ]);
});

test('at most 16 commands are in hand, pause and resume come through, and each says what it waits for', async () => {
  const { made, release, end } = await running();
  const { commands } = made;
  const evaluate = { type: 'evaluate', full: false } as const;
  const all = Array.from({ length: 16 }, (_, i) => commands.command(evaluate, `author ${i}`));
  await expect(commands.command({ type: 'checkpoint' }, 'a test')).rejects.toThrow(
    'checkpoint: 16 commands are in hand; ask again when one of them is done',
  );
  expect(
    commands
      .inHand()
      .map(({ author, behind }) => [author, behind])
      .slice(1, 3),
  ).toEqual([
    ['author 1', 'evaluate (author 0)'],
    ['author 2', 'evaluate (author 1)'],
  ]);
  await commands.command({ type: 'pause' }, 'a test');
  await commands.command({ type: 'resume' }, 'a test');
  release();
  for (const words of await Promise.all(all))
    expect(words).toMatch(/^version \d+: accuracy .* on 16 held-out questions/);
  await commands.idle();
  expect(commands.inHand()).toEqual([]);
  expect(outcomes(made)).toHaveLength(18);
  await end();
});

test('a rollback continues from a version on disk, one at a time; a checkpoint leaves no version held', async () => {
  const { made, end } = await running();
  const { commands, loop, policy, store } = made;
  await expect(commands.command({ type: 'rollback', version: 1 }, 'a test')).rejects.toThrow(
    'version 1 is not on disk',
  );
  const saved = Number(/\d+/.exec((await commands.command({ type: 'checkpoint' }, 'a test'))!)![0]);
  const back = { type: 'rollback', version: saved } as const;
  const first = commands.command(back, 'a test');
  await expect(commands.command(back, 'a test')).rejects.toThrow('another rollback is under way');
  const as = Number(/as version (\d+)/.exec((await first)!)![1]);
  expect(store.events(1, 'rollback')[0]?.data).toEqual({ from: saved, as });
  await until(() => loop.state.version > as);
  expect(policy.kept).not.toContain(saved);
  await end();
  await expect(commands.command({ type: 'pause' }, 'a test')).rejects.toThrow('the daemon is stopping');
  expect(await commands.command({ type: 'stop' }, 'a test')).toBeUndefined();
});
