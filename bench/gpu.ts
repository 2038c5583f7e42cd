/**
 * `npm run bench:gpu` measures real shapes on a GPU, from nothing: libraries, models with random weights, then learner
 * steps, rollouts and the loop of the bundled model. peers/gpu.py does the same work with torch. Ends within `--minutes`
 * and says what it left out.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ENGINES } from '../src/compute/engine/engines.ts';
import { kindOf, type EngineName } from '../src/compute/engine/engine.ts';
import type { Config } from '../src/config/schema.ts';
import { makeFolder } from '../src/lib/make-folder.ts';
import { packagePath } from '../src/lib/package-path.ts';
import { writeRandomModel } from '../src/pretrain/random/folder.ts';
import { RANDOM_SHAPES, type RandomSize } from '../src/pretrain/random/shapes.ts';
import { InputError } from '../src/protocol/errors.ts';
import { gpuMemory, gpusHere, peakGpuMemory } from './gpu-memory.ts';
import type { GpuMeasured, GpuWork } from './gpu-work.ts';
import { table, type Row } from './measure.ts';

const USAGE = `npm run bench:gpu -- [--like 3b,7b] [--engine cuda] [--minutes 8] [--quick] [--only learn,rollout,agree,loop] [--compute auto]
    [--models ${join(tmpdir(), 'quorum-bench')}] [--model FOLDER] [--wheels FOLDER] [--out runs/gpu.json]
--quick: few and short responses, to try the script; without a GPU: --engine cpu --like 0.1b --quick`;

const { values } = parseArgs({
  options: {
    like: { type: 'string', default: '3b,7b' },
    engine: { type: 'string', default: 'cuda' },
    minutes: { type: 'string', default: '8' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: 'learn,rollout,agree,loop' },
    /** `workers.compute`. */
    compute: { type: 'string', default: 'auto' },
    /** Where models with random weights are written, and found again by the next run. */
    models: { type: 'string', default: join(tmpdir(), 'quorum-bench') },
    /** A model that is there already, in place of `--like`. */
    model: { type: 'string' },
    wheels: { type: 'string' },
    out: { type: 'string', default: packagePath('runs/gpu.json') },
    help: { type: 'boolean', default: false },
  },
});

const root = dirname(packagePath('package.json'));
const MINI = packagePath('models/mini');
/** Below, no measurement is begun. */
const LEAST_SECONDS = 20;
/** Below, no model is written. */
const LEAST_TO_WRITE_SECONDS = 120;

type Compute = Config['workers']['compute'];

interface Planned extends GpuWork {
  readonly name: string;
}

/** A measurement that failed, or was not begun, has a reason and no value. */
type Outcome = Row | { readonly name: string; readonly why: string };

function planOf(like: string, model: string, engine: EngineName): Planned[] {
  const compute = computeOf(values.compute);
  const work = (kind: 'learn' | 'rollout' | 'agree', questions: number, samples: number, tokens: number): Planned => {
    const shape = `${questions} x ${samples} x ${tokens}`;
    const names = {
      learn: `${like} learner step, ${shape}`,
      rollout: `${like} rollout, ${questions * samples} rows`,
      agree: `${like} in 16 bits, ${shape}`,
    };
    return {
      kind,
      name: names[kind],
      model,
      engine,
      compute,
      questions,
      samples,
      tokens,
      rounds: values.quick ? 1 : 3,
    };
  };
  if (values.quick) return [work('learn', 1, 2, 8), work('rollout', 1, 4, 8), work('agree', 1, 4, 8)];
  const always = [work('learn', 2, 8, 128), work('rollout', 8, 8, 128), work('agree', 2, 8, 64)];
  return like === '7b' ? always : [...always, work('learn', 1, 8, 512), work('rollout', 32, 8, 128)];
}

const loopPlan = (engine: EngineName): Planned => ({
  kind: 'loop',
  name: 'loop of models/mini',
  model: MINI,
  engine,
  questions: 0,
  samples: 0,
  tokens: 0,
  rounds: values.quick ? 1 : 10,
});

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

async function setUp(): Promise<void> {
  const wheels = values.wheels === undefined ? [] : ['--wheels', resolve(values.wheels)];
  const command = [join(root, 'bin/quorum.js'), 'setup', 'cuda', ...wheels];
  const [code] = (await once(spawn(process.execPath, command, { stdio: 'inherit' }), 'close')) as [number];
  if (code !== 0) throw new InputError('quorum setup cuda failed: see above');
}

/** In a process of its own, ended at the deadline. */
async function measure({ name, ...work }: Planned, deadline: number): Promise<readonly Outcome[]> {
  const milliseconds = deadline - Date.now();
  if (milliseconds < 1_000 * LEAST_SECONDS) return [{ name, why: `not begun: the ${values.minutes} minutes are over` }];
  const script = join(import.meta.dirname, `gpu-work${import.meta.filename.slice(-3)}`);
  const before = await gpuMemory();
  const peak = peakGpuMemory();
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...process.execArgv, script, JSON.stringify(work)],
      { timeout: milliseconds, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 },
    );
    const { values: found, hostBytes } = JSON.parse(stdout.trim().split('\n').at(-1)!) as GpuMeasured;
    const used = await peak.stop();
    const memory = [
      { name: `${name}: host memory`, value: hostBytes / 1e9, unit: 'GB' },
      ...(used === undefined || before === undefined
        ? []
        : [{ name: `${name}: GPU memory`, value: (used - before) / 1e9, unit: 'GB' }]),
    ];
    return [...found.map((each) => ({ name, ...each })), ...memory];
  } catch (error) {
    await peak.stop();
    return [{ name, why: reasonOf(error as Error & { killed?: boolean; stderr?: string }) }];
  }
}

function reasonOf({ killed = false, stderr = '', message }: Error & { killed?: boolean; stderr?: string }): string {
  if (killed) return `ended: the ${values.minutes} minutes are over`;
  const lines = stderr.trim().split('\n');
  return `failed: ${lines.find((line) => /Error|error/.test(line)) ?? lines.at(-1) ?? message}`;
}

function show(outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) console.log('why' in outcome ? `${outcome.name}  ${outcome.why}` : table([outcome]));
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
  const sizes = values.model === undefined ? values.like.split(',').map(sizeOf) : [];
  if (kindOf(engine) === 'cuda') await setUp();
  const outcomes: Outcome[] = [];
  const run = async (plan: readonly Planned[], until = deadline): Promise<void> => {
    for (const planned of plan.filter(({ kind }) => values.only.split(',').includes(kind))) {
      const found = await measure(planned, until);
      show(found);
      outcomes.push(...found);
    }
  };
  await run([loopPlan(engine)]);
  if (values.model !== undefined) await run(planOf(basename(values.model), resolve(values.model), engine));
  for (const size of sizes) {
    const isLate = deadline - Date.now() < 1_000 * LEAST_TO_WRITE_SECONDS;
    if (isLate) await run(planOf(size, '', engine), 0);
    else await run(planOf(size, await modelLike(size), engine));
  }
  const machine = {
    gpus,
    engine,
    processor: cpus()[0]?.model ?? 'unknown',
    node: process.versions.node,
    date: new Date().toISOString(),
  };
  makeFolder(dirname(resolve(values.out)));
  writeFileSync(resolve(values.out), `${JSON.stringify({ machine, quick: values.quick, rows: outcomes }, null, 2)}\n`);
  console.log(`\n${resolve(values.out)}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
