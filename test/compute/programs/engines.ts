/** The two engines that every program is tested on: TF.js's own kernels, and compiled. */
import { afterAll } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import type { Engine, ProgramSpec } from '../../../src/compute/engine/engine.ts';
import type { HostTensor } from '../../../src/protocol/tensor.ts';

export const ENGINES = ['reference', 'cpu'] as const;
export type Tested = (typeof ENGINES)[number];
export type Host = Record<string, HostTensor>;

const open = new Map<Tested, Promise<Engine>>();

export async function run(
  engine: Tested,
  spec: ProgramSpec,
  feeds: Readonly<Record<string, HostTensor>>,
): Promise<Host> {
  if (!open.has(engine)) open.set(engine, createEngine(engine, { threads: 1 }));
  const program = await (await open.get(engine)!).compile(spec);
  return (await program.run(feeds)) as Host;
}

afterAll(async () => {
  for (const engine of open.values()) await (await engine)[Symbol.asyncDispose]();
  open.clear();
});
