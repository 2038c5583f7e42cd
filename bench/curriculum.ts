/**
 * What the curriculum brings: daemons with it and without it, two at a time in one process, so that both meet the same
 * machine. Reports the share of sampled groups that is learnt from, and how soon each reaches an accuracy.
 *
 *     npx tsx bench/curriculum.ts [--data figures|ladder] [--model F] [--minutes 8] [--seeds 1] [--set KEY=VALUE ...]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { configSchema, type ConfigInput } from '../src/config/schema.ts';
import { applyOverrides } from '../src/config/override.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import type { Status } from '../src/protocol/status.ts';

const MODES = ['off', 'on'] as const;
type Mode = (typeof MODES)[number];

interface Options {
  readonly data: 'figures' | 'ladder';
  readonly model: string;
  readonly minutes: number;
  readonly set: readonly string[];
}

interface Ran {
  readonly mode: Mode;
  readonly seed: number;
  readonly status: Status;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: 'figures' },
      model: { type: 'string', default: './models/mini' },
      minutes: { type: 'string', default: '8' },
      seeds: { type: 'string', default: '1' },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const options: Options = {
    data: values.data === 'ladder' ? 'ladder' : 'figures',
    model: values.model,
    minutes: Number(values.minutes),
    set: values.set,
  };
  const ran: Ran[] = [];
  for (let seed = 0; seed < Number(values.seeds); seed++)
    ran.push(...(await Promise.all(MODES.map((mode) => run(mode, seed, options)))));
  for (const each of ran) print(each);
  for (let seed = 0; seed < Number(values.seeds); seed++) compare(ran.filter((each) => each.seed === seed));
}

async function run(mode: Mode, seed: number, { data, model, minutes, set }: Options): Promise<Ran> {
  const runFolder = await mkdtemp(join(tmpdir(), 'quorum-curriculum-'));
  try {
    const input: ConfigInput = {
      model,
      seed,
      runFolder,
      data: { type: data },
      curriculum: { mode },
      evaluation: { everySteps: 5, fullEverySteps: 1_000_000, questions: 200, fullQuestions: 10 },
      dashboard: { port: null },
    };
    const config = configSchema.parse(applyOverrides(input, set, process.cwd()));
    const daemon = await startDaemon(config);
    const timer = setTimeout(() => void daemon.stop(), minutes * 60_000);
    const report = await daemon.closed();
    clearTimeout(timer);
    const status = daemon.status();
    if (report.error !== undefined) throw new Error(`${mode}: ${report.error ?? report.end}`);
    return { mode, seed, status };
  } finally {
    await rm(runFolder, { recursive: true, force: true });
  }
}

function print({ mode, seed, status }: Ran): void {
  const { groups, version, accuracy, curriculum, notes } = status;
  const judged = groups.kept + Object.values(groups.dropped).reduce((sum, n) => sum + n, 0);
  const share = (n: number) => `${(100 * n).toFixed(1)} %`;
  console.log(
    `seed ${seed}, curriculum ${mode}: version ${version}, ${groups.sampled} groups, kept ${share(groups.kept / judged)}`,
  );
  console.log(
    `  accuracy ${accuracy.history.map(({ version: n, greedy, seconds }) => `${n}:${share(greedy)}@${seconds.toFixed(0)}s`).join(' ')}`,
  );
  if (curriculum !== undefined)
    console.log(`  ${JSON.stringify({ ...curriculum, most: curriculum.most.slice(0, 12) })}`);
  for (const { text } of notes) console.log(`  note: ${text}`);
}

/** Mean of three evaluations in a row at least `wanted`: seconds and groups until the last of them. */
function reached({ status }: Ran, wanted: number): number | undefined {
  const { history } = status.accuracy;
  const at = history.findIndex((_, i) => {
    const three = history.slice(Math.max(0, i - 2), i + 1);
    return three.length === 3 && three.reduce((sum, { greedy }) => sum + greedy, 0) / 3 >= wanted;
  });
  return history[at]?.seconds;
}

function compare(ran: readonly Ran[]): void {
  const [off, on] = MODES.map((mode) => ran.find((each) => each.mode === mode)!);
  let last: readonly (number | undefined)[] = [];
  for (let wanted = 0.4; wanted < 1; wanted += 0.02) {
    const [without, with_] = [reached(off!, wanted), reached(on!, wanted)];
    if (without === last[0] && with_ === last[1]) continue;
    last = [without, with_];
    const ratio = without === undefined || with_ === undefined ? '-' : (without / with_).toFixed(2);
    const words = (seconds: number | undefined) => (seconds === undefined ? 'not' : `${seconds.toFixed(0)} s`);
    console.log(
      `accuracy ${(100 * wanted).toFixed(0)} %: without ${words(without)}, with ${words(with_)}: ${ratio} times`,
    );
  }
}

await main();
