/** `quorum doctor --kernels` shows which operators have kernels of 16 bits, and what the model would run in. */
import pc from 'picocolors';
import type { Config } from '../config/schema.ts';
import type { Found, KernelReport } from '../compute/kernel-report.ts';
import type { Compute } from '../compute/engine/engine.ts';
import { kernelsOfRun } from '../policy/local/memory.ts';
import { engineOf } from '../policy/local/devices.ts';
import { InputError } from '../protocol/errors.ts';

const COMPUTES = ['f32', 'f16', 'bf16'] as const;
const SIGNS: Readonly<Record<Found, string>> = { all: pc.green('✓'), some: pc.yellow('~'), none: pc.red('✗') };

/** @throws InputError for an engine that does not work here. */
export async function showKernels(config: Config, isJson: boolean): Promise<void> {
  // A driver that is missing or broken may abort the process that asks it.
  const { probeEngine } = await import('../compute/engine/engines.ts');
  const { name, usable, detail } = await probeEngine(engineOf(config.workers));
  if (!usable) throw new InputError(`engine ${name} cannot be used: ${detail}`);
  const report = await kernelsOfRun(config);
  console.log(isJson ? JSON.stringify(report, null, 2) : kernelLines(report, config).join('\n'));
}

export function kernelLines(
  report: KernelReport & { readonly compute: Compute },
  { model, workers }: Pick<Config, 'model' | 'workers'>,
): string[] {
  const { engine, runtime, operators, programs, compute, weights } = report;
  const width = Math.max(...Object.keys(operators).map((name) => name.length));
  const rows = Object.entries(operators).map(
    ([name, kernels]) =>
      `  ${name.padEnd(width)}  ${COMPUTES.map((each) => SIGNS[kernels[each]].concat('   ')).join(' ')}`,
  );
  const narrow = (['f16', 'bf16'] as const).map((type) => {
    const parts = Object.entries(programs).map(
      ([name, { nodes, ...by }]) =>
        `${name} ${nodes} nodes, ${by[type].narrow} of them in 16 bits, and ${by[type].casts} casts`,
    );
    return `  ${type.padEnd(5)} ${parts.join('; ')}; frozen weights as ${weights[type]}`;
  });
  return [
    `Kernels of ONNX Runtime ${runtime} on ${engine}, for the programs of ${model}`,
    pc.dim('  ✓ for all types of its inputs, ~ for some, ✗ for none: casts to f32 stand around such a node'),
    '',
    pc.dim(
      `  ${'operator'.padEnd(width)}  ${COMPUTES.map((each) => each.padEnd(5))
        .join('')
        .trimEnd()}`,
    ),
    ...rows,
    '',
    `The model runs in ${pc.bold(compute)} (workers.compute is ${JSON.stringify(workers.compute)}); in 16 bits it would be:`,
    ...narrow,
  ];
}
