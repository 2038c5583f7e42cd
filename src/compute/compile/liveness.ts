/** How much memory the values of a graph take while its nodes run in order. */
import { sizeOf } from '../../protocol/tensor.ts';
import type { Graph, OnnxType, OutputType } from './graph.ts';

const BYTES: Readonly<Record<OnnxType, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
};

/** Operators whose output is the memory of their input. */
const VIEWS: ReadonlySet<string> = new Set(['Reshape', 'Identity']);

const bytesOf = ({ dtype, shape }: OutputType): number => BYTES[dtype] * sizeOf(shape);

/**
 * The most bytes that values made by nodes take at once, from their node to the last that reads them; outputs stay to
 * the end. Inputs and constants do not count, nor what a kernel takes for itself.
 */
export function peakBytes({ nodes, outputs }: Graph): number {
  const source = new Map<string, string>();
  const owner = (name: string): string => source.get(name) ?? name;
  const lastUse = new Map<string, number>();
  nodes.forEach((node, at) => {
    if (VIEWS.has(node.op)) source.set(node.outputs[0]!, owner(node.inputs[0]!));
    for (const name of [...node.inputs, ...node.outputs]) lastUse.set(owner(name), at);
  });
  for (const { name } of outputs) lastUse.set(owner(name), nodes.length);
  const ending = nodes.map((): string[] => []);
  for (const [name, at] of lastUse) ending[at]?.push(name);
  const held = new Map<string, number>();
  let [now, peak] = [0, 0];
  nodes.forEach((node, at) => {
    node.outputs.forEach((name, i) => {
      if (source.has(name)) return;
      held.set(name, bytesOf(node.types[i]!));
      now += held.get(name)!;
    });
    peak = Math.max(peak, now);
    for (const name of ending[at]!) now -= held.get(name) ?? 0;
  });
  return peak;
}
