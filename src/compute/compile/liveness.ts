/** How much memory the values of a graph take while ONNX Runtime runs its nodes. */
import { sizeOf } from '../../protocol/tensor.ts';
import { bodiesOf, readsOf, type Graph, type Node, type OnnxType, type OutputType } from './graph.ts';

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
 * the end. Inputs and constants do not count, nor what a kernel takes for itself. While a loop runs, the values that it
 * began with, those of the step before (its outputs) and those of the step (its body's) are all there.
 */
export function peakBytes(graph: Graph): number {
  const { outputs } = graph;
  const nodes = runOrder(graph.nodes);
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
    peak = Math.max(peak, now + Math.max(0, ...bodiesOf(node).map(peakBytes)));
    for (const name of ending[at]!) now -= held.get(name) ?? 0;
  });
  return peak;
}

/**
 * The order in which ONNX Runtime runs nodes, which is not theirs: depth first from the results, the last one and the
 * latest input first (`Graph::ReverseDFSFrom` in its core/graph/graph.cc).
 */
function runOrder(nodes: readonly Node[]): Node[] {
  const maker = new Map<string, number>();
  nodes.forEach((node, at) => node.outputs.forEach((name) => maker.set(name, at)));
  const inputs = nodes.map((node) =>
    readsOf(node)
      .flatMap((name) => maker.get(name) ?? [])
      .sort((a, b) => a - b),
  );
  const isRead = new Set(inputs.flat());
  const stack = nodes.map((_, at) => at).filter((at) => !isRead.has(at));
  const [seen, order] = [new Set<number>(), [] as Node[]];
  while (stack.length > 0) {
    const at = stack.pop()!;
    if (at < 0) order.push(nodes[-at - 1]!);
    else if (!seen.has(at)) {
      seen.add(at);
      stack.push(-at - 1, ...inputs[at]!);
    }
  }
  return order;
}
