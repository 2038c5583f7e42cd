import { availableParallelism, freemem } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { Command } from 'commander';
import pc from 'picocolors';
import type { EngineName } from '../../compute/engine/engine.ts';
import type { EngineReport } from '../../compute/engine/engines.ts';
import { presetWords, type Preset } from '../../config/preset.ts';
import type { Config } from '../../config/schema.ts';
import { freeSpace } from '../../lib/free-space.ts';
import { memoryLimit } from '../../lib/memory-limit.ts';
import { InputError } from '../../protocol/errors.ts';
import { devicesOf, deviceWords, engineOf } from '../../policy/local/devices.ts';
import type { MemoryDiagnosis } from '../doctor-memory.ts';
import type { SpeedDiagnosis } from '../doctor-speed.ts';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { bytes } from '../view/format.ts';
import { fitText } from '../view/text.ts';

/** Columns for the reason that an engine cannot be used, as native libraries print much; `--json` has all of it. */
const DETAIL = 200;

interface Options extends ConfigOptions {
  readonly json?: boolean;
  readonly repair?: boolean;
  readonly kernels?: boolean;
}

/** The machine's resources and what a run on it would use. Sizes in bytes. */
interface Diagnosis {
  readonly node: string;
  readonly platform: string;
  readonly processors: number;
  readonly memory: { readonly total: number; readonly free: number };
  readonly disk: { readonly folder: string; readonly free: number };
  readonly engines: readonly EngineReport[];
  readonly preset: { readonly name: string; readonly why: string };
  /** What the model takes of memory by these settings. */
  readonly needs: MemoryDiagnosis;
  /** Speed of sampling with the model at several numbers of threads. */
  readonly rollout: SpeedDiagnosis;
  readonly chosen: {
    readonly engine: string;
    readonly why: string;
    readonly threads: number;
    readonly devices: string;
  };
}

export function doctorCommand(): Command {
  return withConfigOptions(new Command('doctor'))
    .description(
      'Show which engines this machine can use and why not the others, its threads, memory and disk, what would be chosen, how fast the model is sampled, and the defaults that fit it.',
    )
    .option('-m, --model <folder>', 'Hugging Face folder (model)')
    .option('-r, --run <folder>', 'verify this run folder instead; no daemon may run on it')
    .option(
      '--repair',
      'with --run: put right what can be without losing anything; damaged things are moved to aside/, nothing is deleted',
    )
    .option(
      '--kernels',
      'show instead which operators of the model have kernels in f32, f16 and bf16 on the engine, and what the model would run in',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  quorum doctor --json\n  quorum doctor --model ./Qwen2.5-VL-3B-Instruct\n  quorum doctor --run runs/default --repair\n  quorum doctor --kernels --set workers.engine=cuda',
    )
    .action(doctor);
}

async function doctor(options: Options): Promise<void> {
  if (options.run !== undefined) return (await import('../run-doctor.ts')).examineRun(options.run, options);
  if (options.repair === true) throw new InputError('--repair needs --run: name the run folder to repair');
  const { probeEngines } = await import('../../compute/engine/engines.ts');
  const { config, preset } = await resolveConfig(options, process.cwd(), true);
  if (options.kernels === true)
    return (await import('../doctor-kernels.ts')).showKernels(config, options.json === true);
  const [{ measureSpeed, speedWords }, engines] = [
    await import('../doctor-speed.ts'),
    await probeEngines(choose(config.workers).engine),
  ];
  const { memoryWords, workOutMemory } = await import('../doctor-memory.ts');
  const needs = await workOutMemory(config);
  const diagnosis = { ...diagnose(config, preset, engines, await measureSpeed(config)), needs };
  const lines = (): string[] => [
    ...describe(diagnosis),
    `${pc.dim('needs')}       ${memoryWords(needs, config)}`,
    `${pc.dim('rollout')}     ${speedWords(diagnosis.rollout, config)}`,
    `${pc.dim('defaults')}    ${presetWords(preset, config)}`,
  ];
  console.log(options.json ? JSON.stringify(diagnosis, null, 2) : lines().join('\n'));
  if (!diagnosis.engines.some(({ name, usable }) => usable && name === diagnosis.chosen.engine)) process.exitCode = 1;
}

function diagnose(
  config: Config,
  { name, why }: Preset,
  engines: readonly EngineReport[],
  rollout: SpeedDiagnosis,
): Omit<Diagnosis, 'needs'> {
  const { learnerThreads, rolloutThreads } = config.workers;
  const devices = devicesOf(config.workers);
  return {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    processors: availableParallelism(),
    memory: { total: memoryLimit(), free: freemem() },
    disk: freeSpace(config.runFolder),
    engines,
    preset: { name, why },
    rollout,
    chosen: {
      ...choose(config.workers),
      threads: learnerThreads * devices.learner.length + rolloutThreads * devices.rollout.length,
      devices: deviceWords(devices),
    },
  };
}

/** Chooses as the policy does: `auto` is `cpu`, which every supported platform has. */
function choose(workers: Config['workers']): { engine: EngineName; why: string } {
  return { engine: engineOf(workers), why: `workers.engine is "${workers.engine}"` };
}

function describe({ node, platform, processors, memory, disk, engines, chosen }: Omit<Diagnosis, 'needs'>): string[] {
  const busy = chosen.threads > processors ? pc.yellow('  more threads than processors') : '';
  return [
    `Node ${node}, ${platform}`,
    '',
    pc.dim('engines'),
    ...engines.map(
      ({ name, usable, detail }) =>
        `  ${usable ? pc.green('✓') : pc.red('✗')} ${name.padEnd(11)} ${fitText(stripVTControlCharacters(detail), DETAIL)}`,
    ),
    '',
    `${pc.dim('processors')}  ${processors}`,
    `${pc.dim('memory')}      ${bytes(memory.total)}, ${bytes(memory.free)} free`,
    `${pc.dim('disk')}        ${bytes(disk.free)} free in ${disk.folder}`,
    '',
    `${pc.dim('chosen')}      engine ${pc.bold(chosen.engine)} (${chosen.why}), ${chosen.threads} compute threads${busy}`,
    `${pc.dim('devices')}     ${chosen.devices}`,
  ];
}
