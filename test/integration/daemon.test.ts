import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { filter } from 'rxjs/operators';
import { expect, test } from 'vitest';
import { closingWords } from '../../src/cli/commands/start.ts';
import { bestVersion } from '../../src/cli/best-version.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import type { ControlReply } from '../../src/protocol/control.ts';
import type { SampleReply, SampleRequest } from '../../src/protocol/ports.ts';
import { InputError } from '../../src/protocol/errors.ts';
import type { Batch } from '../../src/protocol/messages.ts';
import type { Report } from '../../src/protocol/status.ts';
import { openStore } from '../../src/store/open-store.ts';
import { findDaemon } from '../../src/store/run-folder.ts';
import { readState, writeState } from '../../src/guardian/state.ts';
import { METRICS } from '../../streams/metrics.ts';
import { toyAnswer, ToyPolicy, type ToyFaults } from '../support/toy-policy.ts';
import { toyRun, type ToyRun } from '../support/toy-run.ts';

const start = ({ config }: ToyRun, faults: ToyFaults = {}, reportFile?: string): Promise<DaemonHandle> =>
  startDaemon(config, {
    ...(reportFile === undefined ? {} : { reportFile }),
    createPolicy: (_, { checkpoint }) => new ToyPolicy({ faults, ...(checkpoint ? { checkpoint } : {}) }),
  });

const loop = (steps: number | null): ConfigInput => ({
  loop: { steps, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
});

/** Resolves when the daemon has reached a version. */
const reached = (daemon: DaemonHandle, version: number) =>
  firstValueFrom(daemon.status$().pipe(filter((status) => status.version >= version)));

function ask(runFolder: string, request: object): Promise<ControlReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(findDaemon(runFolder)!.socket).setEncoding('utf8');
    let text = '';
    socket.on('data', (chunk: string) => (text += chunk));
    socket.once('error', reject).once('end', () => resolve(JSON.parse(text) as ControlReply));
    socket.write(`${JSON.stringify(request)}\n`);
  });
}

test('runs to its number of steps, saves, reports, and has nothing left to do when started again', async () => {
  const run = toyRun({ ...loop(9), guardian: { mode: 'watch', canaries: 16 }, timeouts: { stopSeconds: 10 } });
  const reportFile = join(run.folder, 'report.json');
  const daemon = await start(run, {}, reportFile);
  const phases = lastValueFrom(daemon.status$().pipe(toArray()));
  const report = await daemon.closed();
  expect(report).toMatchObject({
    end: 'steps',
    steps: 9,
    restarts: 0,
    baseline: { n: 12, k: 10 },
    final: { n: 12, k: 10 },
  });
  expect(JSON.parse(readFileSync(reportFile, 'utf8'))).toEqual(report);
  expect(report.groups.kept).toBeGreaterThanOrEqual(36);
  expect(report.staleness.histogram.reduce((sum, n) => sum + n, 0)).toBe(36);
  expect(existsSync(join(report.folder, 'table.json'))).toBe(true);
  expect((await phases).at(-1)).toMatchObject({ phase: 'stopped', version: 9, saved: 9 });
  expect(findDaemon(run.config.runFolder)).toBeUndefined();

  const again = await (await start(run)).closed();
  expect(again).toMatchObject({ end: 'steps', steps: 9 });
  expect(again.wallSeconds).toBeGreaterThan(report.wallSeconds);
});

/** Right about as many of the held-out questions as twice its version, when asked for its best answer. */
class Improving extends ToyPolicy {
  override async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    const reply = await super.sample(request, signal);
    if (request.params.temperature > 0) return reply;
    const answer = (text: string) => toyAnswer(text) + (Number(text.split(' ')[1]) < 2 * request.version ? 0 : 1);
    return {
      ...reply,
      groups: reply.groups.map((group, i) =>
        group.map((sample) => ({ ...sample, text: `\\boxed{${answer(request.questions[i]!.text)}}` })),
      ),
    };
  }
}

test('ends cleanly when its last version turns out to be the best only at the end', async () => {
  const run = toyRun(loop(5));
  const evaluated = async ({ parent }: Batch) => {
    if (parent % 2 === 0)
      await firstValueFrom(daemon.status$().pipe(filter(({ accuracy }) => accuracy.now?.version === parent)));
  };
  const daemon: DaemonHandle = await startDaemon(run.config, {
    createPolicy: () => new Improving({ faults: { beforeLearn: evaluated } }),
  });
  const report = await daemon.closed();
  expect(report.error).toBeUndefined();
  expect(report).toMatchObject({ end: 'steps', steps: 5, final: { greedy: 10 / 12 } });
  expect(report.history.map(({ version, greedy }) => [version, Math.round(12 * greedy)])).toEqual([
    [0, 0],
    [2, 4],
    [4, 8],
    [5, 10],
  ]);
});

test('ends when `loop.stopWhen` holds, gives the reason everywhere, and ends at once when started again', async () => {
  const stopWhen = 'accuracy >= 0.6 and version >= 3 or version > 200';
  const run = toyRun({ loop: { ...loop(null).loop, stopWhen } });
  const evaluated = async ({ parent }: Batch) => {
    if (parent % 2 === 0)
      await firstValueFrom(daemon.status$().pipe(filter(({ accuracy }) => accuracy.now?.version === parent)));
  };
  const createPolicy = () => new Improving({ faults: { beforeLearn: evaluated } });
  const daemon: DaemonHandle = await startDaemon(run.config, { createPolicy });
  const report = await daemon.closed();
  const reason = 'loop.stopWhen: accuracy >= 0.6 (it is 0.666667 at version 4) and version >= 3 (it is 4 at version 4)';
  expect(report).toMatchObject({ end: 'condition', reason, final: { n: 12 } });
  expect(report.error).toBeUndefined();
  expect(daemon.status().notes.map(({ text }) => text)).toContain(`the run ends: ${reason}`);
  expect(readFileSync(join(run.config.runFolder, 'log', 'quorum.log'), 'utf8')).toContain(`the run ends: ${reason}`);
  expect(closingWords(report)).toContain(`Ended by itself: ${reason}`);
  {
    using store = openStore(join(run.config.runFolder, 'quorum.db'));
    const names = store.metricNames().filter((name) => name !== 'at' && !name.startsWith('busy.'));
    expect(names.filter((name) => !(name in METRICS))).toEqual([]);
  }
  const again = await (await start(run)).closed();
  expect(again).toMatchObject({ end: 'condition', steps: report.steps });
});

test.each([
  [
    'acuracy >= 0.9',
    {},
    /^`loop.stopWhen` is "acuracy >= 0.9": there is no metric "acuracy"; metrics are accuracy, version, greedy, .*, guardian.baseSureOf/,
  ],
  [
    'accuracy',
    {},
    /^`loop.stopWhen` is "accuracy": "accuracy" cannot be read; a condition is a metric, >=, <=, > or < and a number, such as/,
  ],
  ['process.exit(1) > 0', {}, /"process.exit\(1\) > 0" cannot be read/],
  ['kl > 1 or guardian.level > 1', {}, /never measures guardian.level: guardian.mode is "off"; set it to "watch"/],
  [
    'accuracy > 0.9',
    { labels: false },
    /never measures accuracy: no held-out question has an answer in the data; use a metric that needs none: 'voteShare >= 0.9', /,
  ],
  ['voteShare > 0.9', { labels: false }, undefined],
  ['heldOut.answered > 0.9', { labels: false }, undefined],
  [
    'heldOut.asBase < 0.9',
    {},
    /never measures heldOut.asBase: every held-out question has an answer in the data; use accuracy/,
  ],
] as const)(
  'stopWhen %j, %j: refused before there is a model',
  async (stopWhen, { labels = true }: { readonly labels?: boolean }, refusal) => {
    const run = toyRun({ loop: { steps: 1, stopWhen } });
    const { heldOutFile } = run.config.data as { readonly heldOutFile: string };
    if (!labels) writeFileSync(heldOutFile, readFileSync(heldOutFile, 'utf8').replaceAll('"answer"', '"note"'));
    const createPolicy = (): never => {
      throw new Error('the model is opened');
    };
    await expect(startDaemon(run.config, { createPolicy })).rejects.toThrow(refusal ?? 'the model is opened');
  },
);

test('pauses after the step in hand, resumes, and stops over the control socket; a restart continues', async () => {
  const run = toyRun(loop(null));
  const daemon = await start(run);
  await reached(daemon, 2);
  const paused = await ask(run.config.runFolder, { type: 'pause' });
  expect(paused).toMatchObject({ type: 'status', status: { phase: 'paused' } });
  const { version } = daemon.status();
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(daemon.status()).toMatchObject({ phase: 'paused', version });
  expect(await ask(run.config.runFolder, { type: 'resume' })).toMatchObject({ status: { phase: 'running' } });
  await reached(daemon, version + 2);
  expect(await ask(run.config.runFolder, { type: 'dance' })).toMatchObject({
    type: 'error',
    error: { name: 'InputError' },
  });
  const { report } = (await ask(run.config.runFolder, { type: 'stop' })) as { report: Report };
  expect(report).toMatchObject({ end: 'stopped' });
  expect(await daemon.stop()).toEqual(report);

  await using next = await start(run);
  expect((await reached(next, report.steps + 1)).version).toBeGreaterThan(report.steps);
});

test('a part that keeps failing stops the daemon cleanly: saved, reported, and the next launch continues', async () => {
  const run = toyRun(loop(6));
  let broken = true;
  const faults = {
    beforeLearn: ({ parent }: { parent: number }) => {
      if (broken && parent === 3) throw new Error('the learner has no memory left');
    },
  };
  const report = await (await start(run, faults)).closed();
  expect(report).toMatchObject({
    end: 'failed',
    steps: 3,
    error: 'the learner has no memory left',
    restarts: run.config.supervision.maxRestarts,
  });
  broken = false;
  expect(await (await start(run, faults)).closed()).toMatchObject({ end: 'steps', steps: 6 });
});

test('a failure now and then costs a restart, not a group', async () => {
  const run = toyRun({
    ...loop(6),
    supervision: { maxRestarts: 50, backoffMilliseconds: 1, maxBackoffMilliseconds: 4 },
  });
  let calls = 0;
  const nowAndThen = (): void => {
    calls += 1;
    if (calls % 4 === 0) throw new Error('a thread died');
  };
  const report = await (
    await start(run, {
      beforeSample: ({ params }) => (params.samples === 8 ? nowAndThen() : undefined),
      beforeLearn: nowAndThen,
      afterLearn: nowAndThen,
    })
  ).closed();
  expect(report).toMatchObject({ end: 'steps', steps: 6 });
  expect(report.restarts).toBeGreaterThan(2);
  expect(report.staleness.histogram.reduce((sum, n) => sum + n, 0)).toBe(24);
});

const REFUSED = /[05]$/;

/** Texts of the questions that were learnt from. */
function learntFrom({ config }: ToyRun): string[] {
  using store = openStore(join(config.runFolder, 'quorum.db'));
  return store.batchesSince(0).flatMap(({ groups }) => groups.map(({ group }) => group.question.text));
}

test('a question that the policy refuses is dropped; the others of its job are not', async () => {
  const run = toyRun(loop(4));
  const faults: ToyFaults = {
    beforeSample: ({ questions }) => {
      if (questions.some(({ id, text }) => id.startsWith('train') && REFUSED.test(text)))
        throw new InputError('the question is longer than the context');
    },
  };
  const report = await (await start(run, faults)).closed();
  expect(report).toMatchObject({ end: 'steps', restarts: 0 });
  const asked = learntFrom(run);
  expect(asked.filter((text) => REFUSED.test(text))).toEqual([]);
  expect(asked).toHaveLength(16);
  expect(report.groups.dropped.refused).toBeGreaterThan(0);
});

test('a second daemon on the same run folder is refused, and a damaged checkpoint is passed over', async () => {
  const run = toyRun(loop(8));
  const daemon = await start(run);
  await expect(start(run)).rejects.toThrow(InputError);
  const { folder } = await daemon.closed();
  const alone = readFileSync(join(folder, 'table.json'), 'utf8');
  writeFileSync(join(folder, 'table.json'), '{');
  const again = await start(run);
  expect(
    again
      .status()
      .notes.map(({ text }) => text)
      .join(),
  ).toContain('was passed over');
  const report = await again.closed();
  expect(report.steps).toBe(8);
  expect(readFileSync(join(report.folder, 'table.json'), 'utf8')).toBe(alone);
});

test('while a start learns stored batches again, the status says up to which version', async () => {
  const run = toyRun(loop(8));
  const { folder } = await (await start(run)).closed();
  writeFileSync(join(folder, 'table.json'), '{');
  let goOn = () => {};
  const seen = new Promise<void>((resolve) => (goOn = resolve));
  const again = await start(run, { beforeLearn: () => seen });
  const during = await firstValueFrom(again.status$().pipe(filter(({ restoring }) => restoring !== undefined)));
  goOn();
  await again.closed();
  expect(during).toMatchObject({ phase: 'starting', version: 4, restoring: 8 });
  expect(during.notes.map(({ text }) => text)).toContain('restoring versions 5 to 8 from their stored batches');
  expect(again.status()).toMatchObject({ version: 8 });
  expect(again.status()).not.toHaveProperty('restoring');
  expect(again.status()).not.toHaveProperty('step');
});

test('a start that found no data does not bind the folder to the path that was wrong', async () => {
  const { config } = toyRun({ loop: { steps: 1 } });
  const wrong = { ...config, data: { ...config.data, trainFile: '/nowhere/trian.jsonl' } } as typeof config;
  const createPolicy = () => new ToyPolicy();
  await expect(startDaemon(wrong, { createPolicy })).rejects.toThrow('/nowhere/trian.jsonl');
  await using daemon = await startDaemon(config, { createPolicy });
  expect(await daemon.closed()).toMatchObject({ end: 'steps', steps: 1 });
});

test('an engine on which the two roles stand still is refused before there is a run folder, with what is allowed', async () => {
  const { config } = toyRun({ workers: { engine: 'webgpu' } });
  await expect(startDaemon(config)).rejects.toThrow(
    /^`workers.engine` is "webgpu".* set "auto", "cpu",.*; `quorum eval`,.* may use "webgpu"$/,
  );
  expect(existsSync(config.runFolder)).toBe(false);
});

test('a data set of which all is held out is refused before anything starts, with the setting that holds it out', async () => {
  const { config } = toyRun({ loop: { steps: 1 } });
  const { trainFile } = config.data as { readonly trainFile: string };
  const all = { ...config, data: { ...config.data, heldOutFile: undefined, heldOutShare: 0.999_999 } } as typeof config;
  await expect(startDaemon(all, { createPolicy: () => new ToyPolicy() })).rejects.toThrow(
    `nothing is left to train on: \`data.heldOutShare\` 0.999999 holds out all 48 questions of ${trainFile}: lower it`,
  );
});

test('a held-out or training question that cannot be asked is left out and named by file and row, and the run continues', async () => {
  const run = toyRun({ ...loop(4), guardian: { mode: 'watch', canaries: 16, everySteps: 1 } });
  const faults: ToyFaults = {
    beforeSample: ({ questions }) => {
      if (questions.some(({ text }) => text === 'question 3')) throw new InputError('the picture is damaged');
    },
  };
  const report = await (await start(run, faults)).closed();
  expect(report).toMatchObject({ end: 'steps', restarts: 0, baseline: { n: 11 }, final: { n: 11 } });
  const heldOut = `${join(run.folder, 'held-out.jsonl')}:4: the picture is damaged`;
  expect(report.refused).toContainEqual({ question: 'held-out/held-out-3', reason: heldOut });
  const logged = readFileSync(join(run.config.runFolder, 'log', 'quorum.log'), 'utf8').split(
    `held-out/held-out-3 is left out: ${heldOut}`,
  );
  expect(logged).toHaveLength(2);

  const again = await start({ ...run, config: { ...run.config, loop: { ...run.config.loop, steps: 24 } } }, faults);
  const second = await again.closed();
  expect(second).toMatchObject({ end: 'steps', steps: 24, final: { n: 11 } });
  const trained = { question: 'train/train-3', reason: `${join(run.folder, 'train.jsonl')}:4: the picture is damaged` };
  expect(second.refused.toSorted((a, b) => (a.question < b.question ? -1 : 1))).toEqual([report.refused[0], trained]);
  using store = openStore(join(run.config.runFolder, 'quorum.db'));
  expect(store.series('guardian.consistency').length).toBeGreaterThan(1);
  expect(
    store
      .events(9, 'question.refused')
      .map(({ data }) => (data as { part: string }).part)
      .toSorted(),
  ).toEqual(['held-out', 'training']);
});

test('without labels: says once what to watch, shows it in status, notes and report, and the newest version counts as the best', async () => {
  const run = toyRun({ ...loop(6), guardian: { mode: 'watch', canaries: 16, everySteps: 2 } });
  const { heldOutFile } = run.config.data as { readonly heldOutFile: string };
  writeFileSync(heldOutFile, readFileSync(heldOutFile, 'utf8').replaceAll('"answer"', '"note"'));
  const daemon = await start(run);
  const statuses = lastValueFrom(daemon.status$().pipe(toArray()));
  const report = await daemon.closed();
  expect(report).toMatchObject({ end: 'steps', baseline: null, final: null, best: null, history: [] });
  expect(report.labelFree).toMatchObject({
    questions: 12,
    labelled: 0,
    best: 6,
    baseline: { version: 0, asBase: 1, n: 12 },
    now: { version: 6 },
  });
  expect(report.labelFree!.history.map(({ version }) => version)).toEqual(expect.arrayContaining([0, 6]));
  expect(report.bestFolder).toBe(report.folder);
  const notes = (await statuses).at(-1)!.notes.filter(({ text }) => text.includes('labels'));
  expect(notes.map(({ text }) => text)).toEqual([
    'this data has no labels, so accuracy cannot be measured: watch how many of the answers to the 12 held-out questions stay those of the base, ' +
      "their vote share, entropy and response length, and the guardian's canaries (docs/without-labels.md)",
  ]);
  expect(await bestVersion(run.config.runFolder)).toMatchObject({
    version: 6,
    why: 'no accuracy was measured, so the best is the newest one saved',
  });

  // While the guardian doubts, it is the trusted version.
  {
    using store = openStore(join(run.config.runFolder, 'quorum.db'));
    const state = readState(store);
    writeState(store, { ...state, monitor: { ...state.monitor, level: 'watch' } });
    await expect(bestVersion(run.config.runFolder)).rejects.toThrow(
      /at level watch it trusts none on disk; name one of versions 4, 6/,
    );
    writeState(store, {
      ...state,
      monitor: { ...state.monitor, level: 'watch' },
      trusted: { version: 4, learningRate: 1, temperature: 1 },
    });
  }
  expect(await bestVersion(run.config.runFolder)).toMatchObject({
    version: 4,
    why: expect.stringContaining('guardian trusts'),
  });
});

test('with nothing held out the run reports that, and continues', async () => {
  const run = toyRun(loop(2));
  const config = {
    ...run.config,
    data: { ...run.config.data, heldOutFile: undefined, heldOutShare: 0 },
  } as typeof run.config;
  const daemon = await start({ ...run, config });
  expect(await daemon.closed()).toMatchObject({
    end: 'steps',
    steps: 2,
    labelFree: { questions: 0, now: null, best: 2 },
  });
  expect(daemon.status().notes.map(({ text }) => text)).toContain(
    'no question is held out, so accuracy cannot be measured: watch the vote share, the entropy and the response length (docs/without-labels.md)',
  );
});
