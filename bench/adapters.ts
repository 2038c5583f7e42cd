/**
 * Measures the label-free gain of adapters against full training on the bundled model: one run for each rank and seed,
 * one table. A finished run is not repeated; delete its folder to repeat it.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packagePath } from '../src/lib/package-path.ts';
import { parseConfig } from '../src/config/load.ts';
import type { ConfigInput } from '../src/config/schema.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import { makeFolder } from '../src/lib/make-folder.ts';
import { mean } from '../src/lib/mean.ts';
import type { Evaluation } from '../src/protocol/messages.ts';
import { openStore } from '../src/store/open-store.ts';

const { values } = parseArgs({
  options: {
    /** LoRA ranks; 0 trains all weights. */
    ranks: { type: 'string', default: '0,4,16,64' },
    seeds: { type: 'string', default: '0,1,2' },
    steps: { type: 'string', default: '10' },
    /** Learning rates of full training and of adapters. */
    rate: { type: 'string', default: '5e-5' },
    adapterRate: { type: 'string', default: '5e-4' },
    questions: { type: 'string', default: '300' },
    model: { type: 'string', default: packagePath('models/mini') },
    out: { type: 'string', default: packagePath('runs/adapters') },
  },
});
const [steps, questions, out] = [Number(values.steps), Number(values.questions), resolve(values.out)];

function inputOf(rank: number, seed: number, runFolder: string): ConfigInput {
  return {
    model: values.model,
    runFolder,
    seed,
    loop: { steps },
    learner: {
      learningRate: Number(rank === 0 ? values.rate : values.adapterRate),
      ...(rank > 0 && { adapter: { type: 'lora' as const, rank } }),
    },
    evaluation: { everySteps: steps, questions, fullEverySteps: 1_000_000 },
    guardian: { mode: 'off' },
    dashboard: { port: null },
  };
}

/** Greedy accuracy of the last version less that of the base, in points. */
async function gain(rank: number, seed: number): Promise<number> {
  const folder = join(out, `rank-${rank}-${seed}`);
  if (!existsSync(join(folder, 'done'))) {
    const daemon = await startDaemon(parseConfig(inputOf(rank, seed, folder)));
    const { end, error } = await daemon.closed();
    if (end === 'failed') throw new Error(`${folder}: ${error ?? end}`);
    writeFileSync(join(folder, 'done'), '');
  }
  using store = openStore(join(folder, 'quorum.db'));
  const greedy = (of: (evaluation: Evaluation) => boolean): number =>
    store.evaluations().findLast(of)?.greedy ?? Number.NaN;
  return 100 * (greedy(({ version }) => version > 0) - greedy(({ version }) => version === 0));
}

makeFolder(out);
const seeds = values.seeds.split(',').map(Number);
const table = [
  `| trained | ${seeds.map((seed) => `seed ${seed}`).join(' | ')} | mean gain, points |`,
  `| --- |${' --- |'.repeat(seeds.length + 1)}`,
];
for (const rank of values.ranks.split(',').map(Number)) {
  const gains: number[] = [];
  for (const seed of seeds) gains.push(await gain(rank, seed));
  table.push(
    `| ${[rank === 0 ? 'all weights' : `LoRA rank ${rank}`, ...gains.map((each) => each.toFixed(1)), mean(gains).toFixed(1)].join(' | ')} |`,
  );
  console.log(table.at(-1));
}
console.log(table.join('\n'));
