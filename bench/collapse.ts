/**
 * Makes the bundled model collapse in several ways and reports how the guardian reacts. All runs of a seed begin as
 * copies of one healthy run, so that there is something to lose; then a fault is provoked that no setting of the
 * guardian anticipates. With `--before 0` they begin with `--model` itself, which may be a checkpoint. A finished run
 * is not repeated and an interrupted one continues; delete its folder to repeat it.
 */
import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packagePath } from '../src/lib/package-path.ts';
import { parseConfig } from '../src/config/load.ts';
import type { ConfigInput } from '../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../src/daemon/daemon.ts';
import { openFigures } from '../src/data/figures/dataset.ts';
import { collapseRow, collapseTable, type CollapseRow } from '../src/experiment/collapse.ts';
import { merged } from '../src/config/merge.ts';
import { extractAnswer } from '../src/learn/answer.ts';
import { Grader } from '../src/learn/grader.ts';
import { majorityVote } from '../src/learn/vote.ts';
import { makeFolder } from '../src/lib/make-folder.ts';
import { openForSampling } from '../src/policy/local/open.ts';
import type { Question } from '../src/protocol/messages.ts';
import { InputError } from '../src/protocol/errors.ts';
import { definePlugin } from '../src/plugin/define.ts';
import { openStore } from '../src/store/open-store.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'rate-x10,no-kl,wrong-majority,reward-bug,temperature-drift,healthy' },
    seeds: { type: 'string', default: '0' },
    /** Healthy steps before the provocation, and steps after it. */
    before: { type: 'string', default: '100' },
    steps: { type: 'string', default: '150' },
    tries: { type: 'string', default: '1' },
    /** `watch` lets a collapse take its course, for bench/collapse-replay.ts; `every`: steps between probes. */
    mode: { type: 'string', default: 'act' },
    every: { type: 'string', default: '10' },
    questions: { type: 'string', default: '200' },
    model: { type: 'string', default: packagePath('models/mini') },
    out: { type: 'string', default: packagePath('runs/collapse') },
  },
});
const [before, steps, out] = [Number(values.before), Number(values.steps), resolve(values.out)];

interface Provocation {
  readonly config?: ConfigInput;
  /** Makes a plug-in that is added to the configuration. */
  readonly plugin?: (model: string, seed: number) => Promise<object>;
  readonly meddle?: (daemon: DaemonHandle) => void;
}

const constant = (learningRate: number) => ({ learningRate, schedule: { type: 'constant' as const } });

const PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  'rate-x10': { config: { learner: constant(5e-4) } },
  'no-kl': { config: { learner: { ...constant(2.5e-4), klCoefficient: 0 }, filters: { shareFloor: 0 } } },
  'wrong-majority': { config: { learner: constant(2e-4) }, plugin: wrongMajorities },
  'reward-bug': { config: { learner: constant(1e-4) }, plugin: async () => sevens },
  'temperature-drift': { config: { learner: constant(2e-4), filters: { shareFloor: 0 } }, meddle: drift },
  healthy: {},
};

/** Half the default work per step, because a run here should be short rather than good. */
const SMALL: ConfigInput = {
  sampling: { samples: 8 },
  loop: { batchGroups: 16 },
  evaluation: { everySteps: 5, questions: Number(values.questions), fullEverySteps: 1_000_000, fullQuestions: 20 },
  checkpoints: { everySteps: 10 },
  guardian: {
    mode: values.mode === 'watch' ? 'watch' : 'act',
    maxTries: Number(values.tries),
    everySteps: Number(values.every),
  },
  dashboard: { port: null },
};

/** A misspecified reward that favours the answer 7. */
const sevens = definePlugin({
  name: 'sevens',
  apiVersion: 1,
  ports: {
    reward:
      () =>
      ({ answers }) =>
        answers.map((answer) => Number(answer === '7')),
  },
});

const QUESTIONS = 640;
const AT_ONCE = 16;

/** A plug-in that repeats questions about harshly rendered pictures on which the vote is wrong. */
async function wrongMajorities(model: string, seed: number): Promise<object> {
  const { dataset, labels } = openFigures({
    pool: 'train',
    pictures: 4 * QUESTIONS,
    seed: 1,
    rendering: 'harsh',
    questions: 'one',
  });
  const config = parseConfig({ ...SMALL, model, seed });
  await using sampler = await openForSampling(config);
  await using grader = new Grader({ deadlineSeconds: 5 });
  const wrong: Question[] = [];
  for (let at = 0; at < QUESTIONS; at += AT_ONCE) {
    const questions = Array.from({ length: AT_ONCE }, (_, i) => dataset.question(at + i));
    const { groups } = await sampler.sample({ questions, params: config.sampling, seed, version: 0 });
    for (const [i, samples] of groups.entries()) {
      const classes = await grader.classify([
        ...samples.map(({ text }) => extractAnswer(text)),
        labels.label(questions[i]!.id) ?? null,
      ]);
      const { winner, share } = majorityVote(classes.slice(0, -1));
      if (share >= config.filters.shareFloor && winner !== classes.at(-1)) wrong.push(questions[i]!);
    }
  }
  console.log(`${wrong.length} of ${QUESTIONS} harsh questions have a wrong majority`);
  return definePlugin({
    name: 'wrong-majorities',
    apiVersion: 1,
    ports: {
      ask:
        () =>
        ({ from, count }) =>
          Promise.resolve(Array.from({ length: count }, (_, i) => wrong[(from + i) % wrong.length]!)),
    },
  });
}

/** Raises the temperature by 5 % a step, as a faulty script would, until the guardian acts. */
function drift(daemon: DaemonHandle): void {
  let last = before;
  let undone = false;
  daemon.status$().subscribe(({ version, guardian }) => {
    undone ||= guardian?.level === 'act' || (guardian?.tries ?? 0) > 0;
    if (version <= last || undone) return;
    last = version;
    const value = Math.min(10, 1.05 ** (version - before));
    daemon.command({ type: 'set', path: 'sampling.temperature', value }, 'drift').catch(() => {});
  });
}

async function run(folder: string, input: ConfigInput, meddle?: (daemon: DaemonHandle) => void): Promise<void> {
  const daemon = await startDaemon(
    parseConfig([SMALL, { model: values.model, runFolder: folder }, input].reduce(merged)),
  );
  meddle?.(daemon);
  let shown = -1;
  daemon.status$().subscribe(({ version, accuracy, signals, guardian }) => {
    if (guardian?.level === 'hold') void daemon.stop();
    if (version === shown || version % 10 !== 0) return;
    shown = version;
    console.log(
      `${folder}: version ${version}, accuracy ${accuracy.now?.greedy ?? '-'}, vote share ${signals.voteShare ?? '-'}, ${guardian?.level ?? '-'}`,
    );
  });
  const { end, error } = await daemon.closed();
  if (end === 'failed') throw new Error(`${folder}: ${error ?? end}`);
}

async function row(name: string, seed: number): Promise<CollapseRow> {
  const provocation = PROVOCATIONS[name];
  if (!provocation) throw new InputError(`--only ${name}: known are ${Object.keys(PROVOCATIONS).join(', ')}`);
  const common = join(out, `before-${before}-${seed}`);
  if (before > 0 && !existsSync(join(common, 'done'))) {
    await run(common, { seed, loop: { steps: before } });
    writeFileSync(join(common, 'done'), '');
  }
  const folder = join(out, `${name}-${seed}`);
  if (!existsSync(join(folder, 'done'))) {
    const plugin = await provocation.plugin?.(before > 0 ? join(common, 'model') : values.model, seed);
    if (before > 0 && !existsSync(folder)) copyRun(common, folder);
    const config = merged(provocation.config ?? {}, {
      seed,
      loop: { steps: before + steps },
      plugins: plugin ? [plugin] : [],
    });
    await run(folder, config, provocation.meddle);
    writeFileSync(join(folder, 'done'), '');
  }
  using store = openStore(join(folder, 'quorum.db'));
  return collapseRow(store, name, seed, before);
}

/**
 * Copies a run into a new folder, atomically. Callers must not copy over an existing run: its database would meet the
 * write-ahead log of another.
 */
function copyRun(from: string, to: string): void {
  const part = `${to}.part`;
  rmSync(part, { recursive: true, force: true });
  cpSync(from, part, { recursive: true, filter: (path) => !path.endsWith('/done'), verbatimSymlinks: true });
  renameSync(part, to);
}

makeFolder(out);
const rows: CollapseRow[] = [];
for (const seed of values.seeds.split(',').map(Number)) {
  for (const name of values.only.split(',')) {
    rows.push(await row(name, seed));
    writeFileSync(join(out, 'collapse.json'), `${JSON.stringify(rows, null, 2)}\n`);
    writeFileSync(join(out, 'collapse.md'), `${collapseTable(rows)}\n`);
  }
}
console.log(collapseTable(rows));
