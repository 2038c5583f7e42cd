/** A node as a provider of ONNX Runtime sees it: whether it has a kernel depends on the operator and its inputs' types. */
import { bodiesOf, type Graph, type Node, type OnnxType, type OutputType, type Value } from './graph.ts';

export interface Kernel {
  readonly op: string;
  readonly domain: string;
  readonly attrs: Node['attrs'];
  /** Undefined for an optional input that is left out. A constant that is no float has its data. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly OutputType[];
}

/** Names a kernel: `domain:op(types of the inputs)`; any number of equal inputs is one kernel. */
export function kernelKey({ op, domain, inputs }: Kernel): string {
  const types = inputs.map((input) => input?.dtype ?? '');
  return `${domain && `${domain}:`}${op}(${op === 'Concat' ? types[0]! : types.join()})`;
}

export const isFloat = ({ dtype }: { readonly dtype: OnnxType }): boolean =>
  dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16';

/** The node with all its floats of type `float`. */
export function kernelOf(
  { op, domain, attrs, inputs, types }: Node,
  valueOf: (name: string) => Value | undefined,
  float: OnnxType,
): Kernel {
  const seen = inputs.map((name) => {
    const value = valueOf(name);
    return value && isFloat(value) ? { name, dtype: float, shape: value.shape } : value;
  });
  return {
    op,
    domain,
    attrs,
    inputs: seen,
    outputs: types.map((type) => (isFloat(type) ? { ...type, dtype: float } : type)),
  };
}

/** Kernels of all nodes over floats, those in bodies too, with all floats of type `float`; without casts. */
export function kernelsIn(graph: Graph, float: OnnxType, outer: ReadonlyMap<string, Value> = new Map()): Kernel[] {
  const values = new Map(outer);
  for (const value of [...graph.inputs, ...graph.externals.values(), ...graph.constants.values()])
    values.set(value.name, value);
  return graph.nodes.flatMap((node) => {
    const bodies = bodiesOf(node);
    const kernels =
      bodies.length > 0
        ? bodies.flatMap((body) => kernelsIn(body, float, values))
        : [kernelOf(node, (name) => values.get(name), float)];
    node.outputs.forEach((name, i) => values.set(name, { ...node.types[i]!, name }));
    return kernels.filter(({ op, inputs }) => op !== 'Cast' && inputs.some((input) => input && isFloat(input)));
  });
}
