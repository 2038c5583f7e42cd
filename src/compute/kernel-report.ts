/**
 * Which kernels the programs of a model need, which of them an engine has, and what the model would run in.
 */
import { bodiesOf, type Graph, type Node } from './compile/graph.ts';
import { kernelsIn } from './compile/kernel.ts';
import { trace } from './compile/trace.ts';
import { narrowTypeOf, type Compute, type EngineName, type ProgramSpec } from './engine/engine.ts';
import { kernelTable } from './engine/engines.ts';
import type { KernelTable } from './engine/kernels.ts';
import { storedTypeOf } from './engine/narrowing.ts';
import { passProgram, setsOf, type MemorySettings } from './memory/estimate.ts';
import { inCompute } from './engine/attached.ts';
import type { Model } from './models/family.ts';
import type { ParameterSets } from './models/parameter-sets.ts';
import { planRollout, rolloutProgram } from './programs/rollout.ts';

type Narrow = Exclude<Compute, 'f32'>;

/** An operator has a kernel for all, some or none of the types of inputs that the programs give it. */
export type Found = 'all' | 'some' | 'none';

interface Narrowed {
  /** Nodes that compute in 16 bits. */
  readonly narrow: number;
  /** Casts that 16 bits add. */
  readonly casts: number;
}

export interface KernelReport {
  readonly engine: EngineName;
  /** Version of ONNX Runtime. */
  readonly runtime: string;
  readonly operators: Readonly<Record<string, Readonly<Record<Compute, Found>>>>;
  /** `nodes` as traced, bodies included. */
  readonly programs: Readonly<Record<string, { readonly nodes: number } & Readonly<Record<Narrow, Narrowed>>>>;
  /** How frozen weights would be attached. */
  readonly weights: Readonly<Record<Compute, string>>;
}

const TYPES = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' } as const;

/** @throws UnsupportedError for an engine that computes in float32 only. */
export async function reportKernels(engine: EngineName, model: Model, settings: MemorySettings): Promise<KernelReport> {
  const table = await kernelTable(engine);
  const { adapted, sets } = setsOf(model, settings);
  const specs = programsOf(adapted, sets, settings);
  const operators = await operatorsOf(Object.values(specs).map(trace), table);
  const stored = (type: Narrow): Promise<string> => storedTypeOf(table, narrowTypeOf(type));
  return {
    engine,
    runtime: table.runtime,
    operators,
    programs: Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, programOf(spec, sets, table)])),
    weights: { f32: 'F32', f16: await stored('f16'), bf16: await stored('bf16') },
  };
}

/** A rollout of one question as one graph, and a pass of the learner. */
function programsOf(model: Model, sets: ParameterSets, settings: MemorySettings): Record<string, ProgramSpec> {
  const { prompt, samples, responseTokens: newTokens } = settings;
  const { shape } = planRollout(model, {
    prompts: [prompt],
    promptLength: prompt.ids.length,
    samples,
    newTokens,
    params: { temperature: 1, topP: 1, topK: 0 },
    stopTokens: [],
    uniforms: new Float32Array(newTokens * samples),
  });
  return { rollout: rolloutProgram(model, shape), learner: passProgram(model, sets, settings, true) };
}

async function operatorsOf(graphs: readonly Graph[], table: KernelTable): Promise<KernelReport['operators']> {
  const operators: Record<string, Record<Compute, Found>> = {};
  for (const [compute, type] of Object.entries(TYPES)) {
    const kernels = graphs.flatMap((graph) => kernelsIn(graph, type));
    await table.lookUp(kernels);
    for (const name of [...new Set(kernels.map(({ op }) => op))].toSorted()) {
      const own = kernels.filter(({ op }) => op === name);
      const found = own.every(table.has) ? 'all' : own.some(table.has) ? 'some' : 'none';
      operators[name] = { ...operators[name], [compute]: found } as Record<Compute, Found>;
    }
  }
  return operators;
}

/** @param table knows all kernels of the program */
function programOf(spec: ProgramSpec, sets: ParameterSets, table: KernelTable): KernelReport['programs'][string] {
  const traced = nodesOf(trace(spec));
  const narrowed = (compute: Narrow): Narrowed => {
    const nodes = nodesOf(inCompute(trace(spec), sets.frozen, compute, table.has));
    const isNarrow = ({ op, types }: Node): boolean =>
      op !== 'Cast' && types.some(({ dtype }) => dtype === TYPES[compute]);
    return { narrow: nodes.filter(isNarrow).length, casts: nodes.length - traced.length };
  };
  return { nodes: traced.length, f16: narrowed('f16'), bf16: narrowed('bf16') };
}

function nodesOf(graph: Graph): Node[] {
  return graph.nodes.flatMap((node) => [node, ...bodiesOf(node).flatMap(nodesOf)]);
}
