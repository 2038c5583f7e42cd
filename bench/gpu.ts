/**
 * `npm run bench:gpu` measures on a GPU, from nothing: libraries, the loop of the bundled model, a model of 0.5 B that
 * improves without labels, then learner steps and rollouts of real shapes with random weights, and the same work by torch
 * (peers/gpu.py) where Python has it. Ends within `--minutes` and says what it left out. Each value is printed, and
 * written to `--out`, as soon as it is known.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ENGINES } from '../src/compute/engine/engines.ts';
import { kindOf, type EngineName } from '../src/compute/engine/engine.ts';
import type { Config } from '../src/config/schema.ts';
import { makeFolder } from '../src/lib/make-folder.ts';
import { packagePath } from '../src/lib/package-path.ts';
import { writeRandomModel } from '../src/pretrain/random/folder.ts';
import { PRETRAINED_SHAPES, RANDOM_SHAPES, type RandomSize } from '../src/pretrain/random/shapes.ts';
import { InputError } from '../src/protocol/errors.ts';
import { gpuMemory, gpusHere, peakGpuMemory } from './gpu-memory.ts';
import { improvePlan, loopPlan, peerPlan, planOf, type Planned, type Told } from './gpu-plan.ts';
import { table, type Row } from './measure.ts';

const USAGE = `npm run bench:gpu -- [--like 3b,7b] [--improve 0.5b] [--engine cuda] [--minutes 8] [--quick]
    [--only loop,improve,learn,rollout,agree,peer] [--compute auto] [--models ${join(tmpdir(), 'quorum-bench')}]
    [--model FOLDER] [--wheels FOLDER] [--python-libraries] [--out runs/gpu.json]
--improve SIZE, 0.1b or 0.5b: the model that improves itself, widened from models/mini
--quick: few and short responses, to try the script; without a GPU: --engine cpu --like 0.1b --improve test --quick`;

const { values } = parseArgs({
  options: {
    like: { type: 'string', default: '3b,7b' },
    improve: { type: 'string', default: '0.5b' },
    engine: { type: 'string', default: 'cuda' },
    minutes: { type: 'string', default: '8' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: 'loop,improve,learn,rollout,agree,peer' },
    /** `workers.compute`. */
    compute: { type: 'string', default: 'auto' },
    /** Where models with random weights are written, and found again by the next run. */
    models: { type: 'string', default: join(tmpdir(), 'quorum-bench') },
    /** A model that is there already, in place of `--like`. */
    model: { type: 'string' },
    wheels: { type: 'string' },
    /** Both as of `quorum setup cuda`. */
    'python-libraries': { type: 'boolean', default: false },
    out: { type: 'string', default: packagePath('runs/gpu.json') },
    help: { type: 'boolean', default: false },
  },
});

const root = dirname(packagePath('package.json'));
/** Below, no measurement is begun. */
const LEAST_SECONDS = 20;
/** Of the minutes, for the model that improves itself. */
const SHARE = 0.3;
/** Below, no model is written. */
const LEAST_TO_WRITE_SECONDS = 120;

type Compute = Config['workers']['compute'];

/** A measurement that failed, or was not begun, has a reason and no value. */
type Outcome = Row | { readonly name: string; readonly why: string };

/** @throws InputError when the option names no type. */
function computeOf(compute: string): Compute {
  const known = (['auto', 'bf16', 'f16', 'f32'] as const).find((name) => name === compute);
  if (known === undefined) throw new InputError(`--compute ${compute}: known are auto, bf16, f16, f32`);
  return known;
}

/** @throws InputError when the option names no size. */
function sizeOf(like: string): RandomSize {
  if (like in RANDOM_SHAPES) return like as RandomSize;
  throw new InputError(`--like ${like}: known are ${Object.keys(RANDOM_SHAPES).join(', ')}`);
}

async function modelLike(size: RandomSize): Promise<string> {
  const folder = resolve(values.models, size);
  if (existsSync(join(folder, 'config.json'))) return folder;
  console.log(`Writing ${folder}: random weights at the shapes of ${size} ...`);
  makeFolder(dirname(folder));
  await writeRandomModel({ folder, shape: RANDOM_SHAPES[size], dtype: 'BF16', seed: 0 });
  return folder;
}

/** @throws InputError when the option names no size. */
function improvedSize(like: string): string {
  if (like === 'test' || like in PRETRAINED_SHAPES) return like;
  throw new InputError(`--improve ${like}: known are ${Object.keys(PRETRAINED_SHAPES).join(', ')}`);
}

async function setUp(): Promise<void> {
  const wheels = values.wheels === undefined ? [] : ['--wheels', resolve(values.wheels)];
  const libraries = values['python-libraries'] ? ['--python-libraries'] : [];
  const command = [join(root, 'bin/quorum.js'), 'setup', 'cuda', ...wheels, ...libraries];
  const [code] = (await once(spawn(process.execPath, command, { stdio: 'inherit' }), 'close')) as [number];
  if (code !== 0) throw new InputError('quorum setup cuda failed: see above');
}

/** In a process of its own, ended at the deadline. @param found takes what is known as soon as it is. */
async function measure(
  { name, command: [program, ...args] }: Planned,
  deadline: number,
  found: (row: Outcome) => void,
) {
  const milliseconds = deadline - Date.now();
  if (milliseconds < 1_000 * LEAST_SECONDS)
    return found({ name, why: `not begun: the ${values.minutes} minutes are over` });
  const before = await gpuMemory();
  const peak = peakGpuMemory();
  const child = spawn(program!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: milliseconds,
    killSignal: 'SIGKILL',
  });
  const ended = once(child, 'close').catch((error: Error) => [error.message]);
  const said: string[] = [];
  createInterface(child.stderr).on('line', (line) => said.push(line));
  createInterface(child.stdout).on('line', (line) => rowsOf(name, line).forEach(found));
  const [code, signal] = (await ended) as [number | string | null, string | null | undefined];
  const used = await peak.stop();
  if (used !== undefined && before !== undefined)
    found({ name: `${name}: GPU memory`, value: (used - before) / 1e9, unit: 'GB' });
  if (signal === 'SIGKILL' && Date.now() >= deadline)
    return found({ name, why: `ended: the ${values.minutes} minutes are over` });
  if (code !== 0) found({ name, why: `failed: ${reasonOf(said) ?? signal ?? code}` });
}

function rowsOf(name: string, line: string): Row[] {
  if (!line.startsWith('{')) return [];
  const { name: of, values: told } = JSON.parse(line) as Told;
  return told.map((each) => ({ name: of === undefined ? name : `${name}: ${of}`, ...each }));
}

function reasonOf(lines: readonly string[]): string | undefined {
  return lines.findLast((line) => /Error|error/.test(line)) ?? lines.at(-1);
}

/** @throws InputError for an unknown engine, or `cuda` where there is no GPU. */
async function machineFor(engine: string): Promise<{ readonly engine: EngineName; readonly gpus: readonly string[] }> {
  const kind = ENGINES.find((name) => name === engine || (name === 'cuda' && /^cuda:\d+$/.test(engine)));
  if (kind === undefined) throw new InputError(`--engine ${engine}: known are ${ENGINES.join(', ')}, cuda:1 ...`);
  const known = engine as EngineName;
  const gpus = await gpusHere();
  if (kind === 'cuda' && gpus.length === 0)
    throw new InputError(
      'no NVIDIA GPU is seen here (nvidia-smi lists none), and --engine cuda needs one; without one, --engine cpu --like 0.1b --quick tries the script',
    );
  if (kind !== 'cuda') console.log(`On the engine ${known} this measures no GPU, and no GPU memory.`);
  return { engine: known, gpus };
}

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const deadline = Date.now() + 60_000 * Number(values.minutes);
  const { engine, gpus } = await machineFor(values.engine);
  const choice = { engine, compute: computeOf(values.compute), quick: values.quick };
  const sizes = values.model === undefined ? values.like.split(',').map(sizeOf) : [];
  const improved = improvedSize(values.improve);
  const record = recorder({ gpus, engine });
  if (kindOf(engine) === 'cuda') await setUp();
  const run = async (plan: readonly Planned[], until = deadline): Promise<void> => {
    for (const planned of plan.filter(({ kind }) => values.only.split(',').includes(kind)))
      await measure(planned, until, record);
  };
  await run([loopPlan(choice), improvePlan(improved, SHARE * 60 * Number(values.minutes), choice)]);
  const work = (like: string, model: string): Planned[] => [
    ...planOf(like, model, choice),
    // A peer for the first model only: it takes as long as the rest.
    ...(sizes.indexOf(like as RandomSize) > 0 ? [] : [peerPlan(like, model, choice)]),
  ];
  if (values.model !== undefined) await run(work(basename(values.model), resolve(values.model)));
  for (const size of sizes) {
    const isNeeded = work(size, '').some(({ kind }) => values.only.split(',').includes(kind));
    const isLate = deadline - Date.now() < 1_000 * LEAST_TO_WRITE_SECONDS;
    if (isLate || !isNeeded) await run(work(size, ''), 0);
    else await run(work(size, await modelLike(size)));
  }
  console.log(`\n${resolve(values.out)}`);
}

/** Prints each outcome, and writes all of them so far to the file. */
function recorder(where: { readonly gpus: readonly string[]; readonly engine: string }): (outcome: Outcome) => void {
  const machine = {
    ...where,
    processor: cpus()[0]?.model ?? 'unknown',
    node: process.versions.node,
    date: new Date().toISOString(),
  };
  const rows: Outcome[] = [];
  makeFolder(dirname(resolve(values.out)));
  return (outcome) => {
    console.log('why' in outcome ? `${outcome.name}  ${outcome.why}` : table([outcome]));
    rows.push(outcome);
    writeFileSync(resolve(values.out), `${JSON.stringify({ machine, quick: values.quick, rows }, null, 2)}\n`);
  };
}

try {
  await main();
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
