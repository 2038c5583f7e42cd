/**
 * `npm run bench` measures speed and memory of this tree on this machine. Ratios are taken inside one run, rates are
 * medians. peers/ compares with other software.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packagePath } from '../src/lib/package-path.ts';
import { makeFolder } from '../src/lib/make-folder.ts';
import { InputError } from '../src/protocol/errors.ts';
import { benchDaemon } from './daemon.ts';
import { benchDashboard } from './dashboard.ts';
import { benchJigsaw } from './jigsaw.ts';
import { benchLearner } from './learner.ts';
import { table, type Row } from './measure.ts';
import { benchPages } from './pages.ts';
import { benchPlugins } from './plugins.ts';
import { benchAtOnce, benchRollout } from './rollout.ts';
import { benchSynthesis } from './synthesis.ts';

/** `jigsaw` measures learning and takes minutes, so it runs only when named. */
const USAGE = `npm run bench -- [--only learner,rollout,synthesis,daemon,dashboard,pages,plugins,jigsaw] [--runs 5] [--steps 30] [--model models/mini] [--out runs/bench.json]`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'learner,rollout,synthesis,daemon,dashboard,pages,plugins' },
    runs: { type: 'string', default: '5' },
    steps: { type: 'string', default: '30' },
    model: { type: 'string', default: packagePath('models/mini') },
    out: { type: 'string', default: packagePath('runs/bench.json') },
    help: { type: 'boolean', default: false },
  },
});

const [runs, steps, model] = [Number(values.runs), Number(values.steps), resolve(values.model)];
const threadCounts = [...new Set([1, availableParallelism()])];
const root = dirname(packagePath('package.json'));

const PARTS: Readonly<Record<string, () => Promise<Row[]>>> = {
  learner: () => overThreads((threads) => benchLearner(model, 'cpu', threads, runs)),
  rollout: async () => [...(await benchRollout(model, threadCounts, runs)), ...(await benchAtOnce(model, runs))],
  synthesis: () => overThreads((threads) => benchSynthesis(model, threads)),
  daemon: () => benchDaemon(root, model, steps),
  dashboard: () => benchDashboard(root, model, runs, steps),
  pages: () => benchPages(root, model),
  plugins: () => benchPlugins(root, model, runs, steps),
  jigsaw: () => benchJigsaw(model, steps, runs),
};

async function overThreads(bench: (threads: number) => Promise<Row[]>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const threads of threadCounts) rows.push(...(await bench(threads)));
  return rows;
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const rows: Row[] = [];
  for (const name of values.only.split(',')) {
    const part = PARTS[name];
    if (!part) throw new InputError(`--only ${name}: known are ${Object.keys(PARTS).join(', ')}`);
    const measured = await part();
    rows.push(...measured);
    console.log(table(measured));
  }
  const machine = {
    processor: cpus()[0]?.model ?? 'unknown',
    processors: availableParallelism(),
    node: process.versions.node,
    date: new Date().toISOString(),
  };
  makeFolder(dirname(resolve(values.out)));
  writeFileSync(resolve(values.out), `${JSON.stringify({ machine, model: values.model, rows }, null, 2)}\n`);
  console.log(`\n${join(resolve(values.out))}`);
}

await main();
