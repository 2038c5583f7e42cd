import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { expect, test, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import { InputError } from '../../src/protocol/errors.ts';
import type { Command } from '../../src/protocol/commands.ts';
import type { Status } from '../../src/protocol/status.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { ToyPolicy, type ToyFaults } from '../support/toy-policy.ts';
import { toyRun, type ToyRun } from '../support/toy-run.ts';

const loop = (maxStaleness = 1): ConfigInput['loop'] => ({
  steps: null,
  batchGroups: 4,
  jobQuestions: 2,
  maxStaleness,
});

const start = ({ config }: ToyRun, faults: ToyFaults = {}): Promise<DaemonHandle> =>
  startDaemon(config, {
    createPolicy: (_, { checkpoint }) => new ToyPolicy({ faults, ...(checkpoint ? { checkpoint } : {}) }),
  });

/** A learner that waits before the step from version `parent` until the test lets it continue. */
function holdAt(parent: number): { readonly faults: ToyFaults; readonly goOn: () => void } {
  let goOn = () => {};
  const told = new Promise<void>((resolve) => (goOn = resolve));
  return { faults: { beforeLearn: (batch) => (batch.parent === parent ? told : undefined) }, goOn: () => goOn() };
}

const when = (daemon: DaemonHandle, condition: (status: Status) => boolean) =>
  firstValueFrom(daemon.status$().pipe(filter(condition)));
const reached = (daemon: DaemonHandle, version: number) => when(daemon, (status) => status.version >= version);

function storeOf<T>({ config }: ToyRun, look: (store: Store) => T): T {
  using store = openStore(join(config.runFolder, 'quorum.db'));
  return look(store);
}

interface Logged {
  readonly command: Command;
  readonly author: string;
  readonly outcome: string;
}

const commandsOf = (run: ToyRun): Logged[] =>
  storeOf(run, (store) => store.events(100, 'command').map(({ data }) => data as Logged)).toReversed();

test('each command is carried out and logged with its author and outcome', async () => {
  const run = toyRun({ loop: loop() });
  const daemon = await start(run);
  await reached(daemon, 1);
  await daemon.command({ type: 'pause' }, 'Ada');
  const { version, phase, actors } = daemon.status();
  expect(phase).toBe('paused');
  // Whatever they waited for when the pause began.
  const stood = actors.filter(({ role }) => ['questioner', 'sampler', 'voter', 'learner'].includes(role));
  expect(stood.map(({ doing }) => doing)).toEqual(Array(4).fill('waiting for a resume'));
  await daemon.command({ type: 'checkpoint' }, 'Ada');
  expect(daemon.status().saved).toBe(version);
  expect(
    existsSync(join(run.config.runFolder, 'checkpoints', `v${String(version).padStart(6, '0')}`, 'table.json')),
  ).toBe(true);
  await daemon.command({ type: 'evaluate', full: true }, 'Bo');
  expect(daemon.status().accuracy).toMatchObject({ now: { version }, fullNow: { n: 12, k: 10 } });
  await daemon.command({ type: 'resume' }, 'Ada');
  expect(daemon.status().actors.map(({ doing }) => doing)).not.toContain('waiting for a resume');
  expect(daemon.status().pausedSeconds).toBeGreaterThan(0);
  await reached(daemon, version + 1);
  await expect(daemon.command({ type: 'rollback', version: 999 }, 'Bo')).rejects.toThrow(
    /version 999 is not on disk; on disk are/,
  );
  await daemon.command({ type: 'stop' }, 'Cy');
  const report = await daemon.closed();
  expect(report).toMatchObject({ end: 'stopped' });
  await expect(daemon.command({ type: 'resume' }, 'Ada')).rejects.toThrow(InputError);
  // Also the automatic ones, every four steps and at the stop.
  const saved = storeOf(run, (store) =>
    store.events(100, 'checkpoint').map(({ data }) => data as { readonly version: number }),
  );
  expect(saved.map((each) => each.version)).toEqual(expect.arrayContaining([version, report.steps]));
  expect(commandsOf(run).map(({ command, author, outcome }) => [author, command.type, outcome.slice(0, 24)])).toEqual([
    ['Ada', 'pause', 'done'],
    ['Ada', 'checkpoint', 'done'],
    ['Bo', 'evaluate', 'done'],
    ['Ada', 'resume', 'done'],
    ['Bo', 'rollback', 'version 999 is not on di'],
    ['Cy', 'stop', 'done'],
  ]);
});

test('a command that waits for the loop gets an answer when the daemon stops first', async () => {
  const run = toyRun({ loop: loop() });
  const { faults, goOn } = holdAt(5);
  const daemon = await start(run, faults);
  await reached(daemon, 5);
  const refused = daemon.command({ type: 'rollback', version: 4 }, 'Ada').catch((error: unknown) => error);
  await daemon.command({ type: 'stop' }, 'Bo');
  goOn();
  expect(await refused).toMatchObject({
    name: 'InputError',
    message: 'roll back to version 4: the daemon stopped first',
  });
  await daemon.closed();
  expect(storeOf(run, (store) => store.versions(1000).every(({ n, parent }) => n === 0 || parent === n - 1))).toBe(
    true,
  );
});

test('live settings take effect on what is admitted and batched from then on, are learnt from apart, and survive a restart', async () => {
  const run = toyRun({ loop: loop(2) });
  const daemon = await start(run);
  await reached(daemon, 2);
  const at = storeOf(run, (store) => ({ sequence: store.nextSequence, batch: store.nextBatchId }));
  await daemon.command({ type: 'set', path: 'sampling.samples', value: 5 }, 'Ada');
  await daemon.command({ type: 'set', path: 'learner.learningRate', value: 1e-4 }, 'Ada');
  await daemon.command({ type: 'set', path: 'sampling.temperature', value: 0.8 }, 'Ada');
  await reached(daemon, daemon.status().version + 5);
  await daemon.stop();
  const batches = storeOf(run, (store) => store.batchesSince(0));
  for (const { groups } of batches) expect(new Set(groups.map(({ group }) => group.samples.length)).size).toBe(1);
  const sizes = batches.flatMap(({ groups }) =>
    groups.map(({ group }) => [group.sequence, group.samples.length] as const),
  );
  expect(sizes.filter(([sequence]) => sequence < at.sequence).every(([, samples]) => samples === 8)).toBe(true);
  expect(sizes.at(-1)![1]).toBe(5);
  const rates = storeOf(run, (store) => store.versions(1000)).flatMap(({ batchId, metrics }) =>
    batchId === null ? [] : [[batchId, metrics!.learningRate]],
  );
  expect(rates.filter(([batch]) => batch! < at.batch).every(([, rate]) => rate === 2)).toBe(true);
  expect(rates[0]![1]).toBe(4);

  const next = await start(run);
  expect(next.settings().map(({ path, value }) => [path, value])).toEqual([
    ['sampling.temperature', 0.8],
    ['sampling.samples', 5],
    ['learner.learningRate', 1e-4],
    ['loop.maxStaleness', 2],
  ]);
  expect(next.settings()[1]!.help).toContain('The configuration says 8.');
  expect(next.status().notes.map(({ text }) => text)).toContain(
    'sampling.samples is 5, as it was set while the loop ran; the configuration says 8',
  );
  await next.stop();

  const edited = await start({ ...run, config: { ...run.config, sampling: { ...run.config.sampling, samples: 6 } } });
  expect(edited.settings().map(({ value }) => value)).toEqual([0.8, 6, 1e-4, 2]);
  await edited.stop();
});

test('a setting that is out of bounds or cannot change is refused with the reason', async () => {
  await using daemon = await start(toyRun({ loop: loop() }));
  await reached(daemon, 1);
  const set = (path: string, value: number) => daemon.command({ type: 'set', path, value }, 'Ada');
  await expect(set('learner.learningRate', 0)).rejects.toThrow(
    'learner.learningRate cannot be 0: it must be a number above 0 and at most 1',
  );
  await expect(set('sampling.samples', 2.5)).rejects.toThrow(
    'sampling.samples cannot be 2.5: it must be a whole number at least 2 and at most 1024',
  );
  await expect(set('loop.maxStaleness', 65)).rejects.toThrow('at most 64');
  await expect(set('sampling.temperature', Number.NaN)).rejects.toThrow(InputError);
  await expect(set('model', 1)).rejects.toThrow(
    'model cannot be changed while the loop runs; what can: sampling.temperature,',
  );
});

test('the staleness bound changes both ways; the status shows the bound that groups in hand may still reach', async () => {
  const run = toyRun({ loop: loop(0) });
  const daemon = await start(run);
  await reached(daemon, 2);
  await daemon.command({ type: 'set', path: 'loop.maxStaleness', value: 3 }, 'Ada');
  expect(daemon.status().staleness.max).toBe(3);
  await when(daemon, ({ staleness }) => staleness.histogram.slice(1).some((n) => n > 0));
  await daemon.command({ type: 'set', path: 'loop.maxStaleness', value: 0 }, 'Ada');
  await when(daemon, ({ staleness }) => staleness.max === 0);
  await reached(daemon, daemon.status().version + 4);
  await daemon.stop();
  const ages = storeOf(run, (store) => store.batchesSince(0)).flatMap(({ parent, groups }) =>
    groups.map(({ group }) => [group.sequence, parent - group.policyVersion] as const),
  );
  expect(Math.max(...ages.map(([, age]) => age))).toBeLessThanOrEqual(3);
  const { sequence: lowered } = storeOf(run, (store) => store.meta('loop.settings') as { sequence: number }[]).at(-1)!;
  const after = ages.filter(([sequence]) => sequence >= lowered);
  expect(after.length).toBeGreaterThan(0);
  expect(Math.max(...after.map(([, age]) => age))).toBe(0);
});

test('rolls back: learning continues from the old weights as a new version, also when paused, and the old versions stay', async () => {
  const run = toyRun({ loop: loop(2) });
  const learnt: string[] = [];
  const { faults, goOn } = holdAt(5);
  const daemon = await start(run, { ...faults, afterLearn: ({ parent, id }) => void learnt.push(`${parent}:${id}`) });
  await reached(daemon, 5);
  const table = readFileSync(join(run.config.runFolder, 'checkpoints', 'v000004', 'table.json'), 'utf8');
  const paused = daemon.command({ type: 'pause' }, 'Ada');
  goOn();
  await paused;
  await daemon.command({ type: 'rollback', version: 4 }, 'Ada');
  const { version, phase, groups, saved } = daemon.status();
  expect({ phase, inFlight: groups.inFlight, waiting: groups.waiting }).toEqual({
    phase: 'paused',
    inFlight: 0,
    waiting: 0,
  });
  expect(saved).toBe(version);
  const made = `v${String(version).padStart(6, '0')}`;
  expect(readFileSync(join(run.config.runFolder, 'checkpoints', made, 'table.json'), 'utf8')).toBe(table);
  await daemon.command({ type: 'resume' }, 'Ada');
  await when(daemon, ({ accuracy }) => (accuracy.now?.version ?? 0) >= version);
  await reached(daemon, version + 3);
  await daemon.stop();
  const versions = storeOf(run, (store) => store.versions(1000)).toReversed();
  expect(versions.map(({ n }) => n)).toEqual(versions.map((_, n) => n));
  expect(versions[version]).toMatchObject({ parent: 4, batchId: null, metrics: null });
  expect(versions.filter(({ n, parent }) => n > 0 && parent !== n - 1).map(({ n }) => n)).toEqual([version]);
  const batches = storeOf(run, (store) => store.batchesSince(0));
  expect(batches.map(({ parent, id }) => `${parent}:${id}`)).toEqual(learnt);
  for (const { parent, groups: of } of batches) {
    for (const { group } of of) {
      expect(parent - group.policyVersion).toBeLessThanOrEqual(2);
      // nothing of the branch that was left is learnt on the new one
      expect(parent >= version).toBe(group.policyVersion >= version);
    }
  }
});

test('a restart that falls back past a rollback does it again', async () => {
  const run = toyRun({ loop: { ...loop(), steps: 12 }, checkpoints: { everySteps: 4, keepLast: 3 } });
  const { faults, goOn } = holdAt(5);
  const daemon = await start(run, faults);
  await reached(daemon, 5);
  const rollback = daemon.command({ type: 'rollback', version: 4 }, 'Ada');
  goOn();
  await rollback;
  const { folder } = await daemon.closed();
  const alone = readFileSync(join(folder, 'table.json'), 'utf8');
  const made = storeOf(run, (store) => store.versions(1000).find(({ n, batchId }) => n > 0 && batchId === null)!.n);
  const checkpoints = join(run.config.runFolder, 'checkpoints');
  for (const name of readdirSync(checkpoints))
    if (Number(name.slice(1)) >= made) rmSync(join(checkpoints, name), { recursive: true });
  const again = await (await start(run)).closed();
  expect(again.error).toBeUndefined();
  expect(readFileSync(join(again.folder, 'table.json'), 'utf8')).toBe(alone);
});

/** Runs the command line in this process; what it printed last on stdout or stderr, and its exit code. */
async function quorum(run: ToyRun, ...args: string[]): Promise<{ readonly text: string; readonly code: unknown }> {
  let text = '';
  const print = vi.spyOn(console, 'log').mockImplementation((line: string) => void (text = line));
  const complain = vi.spyOn(process.stderr, 'write').mockImplementation((line) => ((text = String(line)), true));
  process.exitCode = 0;
  await main(['node', 'quorum', ...args, '--run', run.config.runFolder]);
  const { exitCode: code } = process;
  process.exitCode = 0;
  print.mockRestore();
  complain.mockRestore();
  return { text, code };
}

test('the command line has the commands of the browser: the same sentences, and its own author in the log', async () => {
  const run = toyRun({ loop: loop() });
  const { faults, goOn } = holdAt(5);
  const daemon = await start(run, faults);
  await reached(daemon, 5);
  const { text: settled } = await quorum(run, 'set', 'sampling.temperature=0.8');
  expect(settled).toBe('sampling.temperature is 0.8 now.');
  expect(daemon.settings()[0]).toMatchObject({ path: 'sampling.temperature', value: 0.8 });
  expect((await quorum(run, 'evaluate')).text).toMatch(/^version 5: accuracy .* % on 12 held-out questions$/);
  const { text: json } = await quorum(run, 'checkpoint', '--json');
  expect(JSON.parse(json)).toMatchObject({ saved: 5, outcome: 'version 5 is saved' });
  const refusal = await daemon
    .command({ type: 'rollback', version: 999 }, 'Ada')
    .catch((error: Error) => error.message);
  const { text, code } = await quorum(run, 'rollback', '999');
  expect({ text: text.trim(), code }).toEqual({ text: expect.stringContaining(String(refusal)), code: 2 });
  const back = quorum(run, 'rollback', '4');
  await when(daemon, ({ commands = [] }) => commands.some(({ type }) => type === 'rollback'));
  await expect(daemon.command({ type: 'rollback', version: 4 }, 'Ada')).rejects.toThrow(
    'another rollback is under way',
  );
  goOn();
  expect((await back).text).toMatch(/^learning continues from version 4 as version \d+$/);
  await quorum(run, 'pause');
  await daemon.resume();
  expect((await quorum(run, 'stop', '--json')).code).toBe(0);
  expect(await daemon.closed()).toMatchObject({ end: 'stopped' });
  const logged = commandsOf(run).filter(({ author }) => author !== 'Ada');
  expect(logged.map(({ command, author, outcome }) => `${author}: ${command.type} ${outcome}`)).toEqual([
    'command line: set done',
    'command line: evaluate done',
    'command line: checkpoint done',
    `command line: rollback ${refusal}`,
    'command line: rollback done',
    'command line: pause done',
    'the process itself: resume done',
    'command line: stop done',
  ]);
});

test('pause, resume and stop run at once during a full evaluation; the status names the pending command and what it waits for', async () => {
  const run = toyRun({ loop: loop(), evaluation: { everySteps: 1000, fullEverySteps: 1000 } });
  let finish = () => {};
  let isHeld = false;
  const held = new Promise<void>((resolve) => (finish = resolve));
  const { faults, goOn } = holdAt(3);
  const daemon = await start(run, {
    ...faults,
    beforeSample: ({ questions }) => (isHeld && questions[0]!.id.startsWith('held-out') ? held : undefined),
  });
  await reached(daemon, 3);
  isHeld = true;
  const evaluated = daemon.command({ type: 'evaluate', full: true }, 'Ada');
  const working = ({ actors }: Status) =>
    actors.some(({ id, doing }) => id === 'evaluator' && doing.endsWith('in full'));
  await when(daemon, working);
  const again = daemon.command({ type: 'evaluate', full: false }, 'Bo');
  const pausing = daemon.command({ type: 'pause' }, 'Ada');
  const asked = await when(daemon, ({ commands = [] }) => commands.length === 3);
  expect(asked.phase).toBe('running'); // it is not paused before that is true
  expect(asked.commands!.map(({ text, author, behind }) => [text, author, behind])).toEqual([
    ['evaluate in full', 'Ada', null],
    ['evaluate', 'Bo', 'evaluate in full (Ada)'],
    ['pause', 'Ada', 'the step in hand'],
  ]);
  goOn();
  await pausing;
  expect(daemon.status().phase).toBe('paused');
  await daemon.command({ type: 'resume' }, 'Ada');
  expect(daemon.status().phase).toBe('running');
  await daemon.command({ type: 'stop' }, 'Ada');
  finish();
  await Promise.allSettled([evaluated, again]);
  expect(await daemon.closed()).toMatchObject({ end: 'stopped' });
});

test('a resume before the step in hand is finished calls the pause off', async () => {
  const { faults, goOn } = holdAt(2);
  const daemon = await start(toyRun({ loop: loop() }), faults);
  await reached(daemon, 2);
  const pausing = daemon.command({ type: 'pause' }, 'Ada').catch((error: unknown) => error);
  await when(daemon, ({ commands }) => commands !== undefined);
  await daemon.command({ type: 'resume' }, 'Bo');
  expect(await pausing).toMatchObject({
    name: 'InputError',
    message: 'pause: the loop was resumed before the step in hand was finished',
  });
  goOn();
  await reached(daemon, 4);
  expect((await daemon.stop()).end).toBe('stopped');
});
