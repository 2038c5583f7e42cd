/**
 * The graph that a traced program becomes: ONNX nodes in execution order, kept small while it is built. Equal nodes are
 * merged, chains of reshapes are cut, and broadcasts stay lazy: a `Value` has its *physical* shape, which may be
 * narrower than the tensor's logical one.
 */
import { createHash } from 'node:crypto';
import { sizeOf } from '../../protocol/tensor.ts';

export type OnnxType = 'float32' | 'float16' | 'bfloat16' | 'int32' | 'int64' | 'bool';
export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array;
/** A graph as an attribute is a body of `Loop` or `If`: it may read values of the graph that its node is in. */
export type Attribute = number | string | readonly number[] | { readonly float: number } | { readonly graph: Graph };

export interface Value {
  readonly name: string;
  readonly dtype: OnnxType;
  readonly shape: readonly number[];
}

export interface Node {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, Attribute>>;
  /** Types of the outputs, in order. */
  readonly types: readonly OutputType[];
}

export interface Constant extends Value {
  readonly data: ConstantData;
}

/** A constant whose bytes lie in a file. */
export interface External extends Value {
  /** Path of the file, relative to the folder in the session's options. */
  readonly location: string;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
}

export interface OutputType {
  readonly dtype: OnnxType;
  readonly shape: readonly number[];
}

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly OutputType[];
  readonly attrs?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);

/** The graphs among a node's attributes. */
export const bodiesOf = ({ attrs }: Pick<Node, 'attrs'>): Graph[] =>
  Object.values(attrs).flatMap((value) => (typeof value === 'object' && 'graph' in value ? [value.graph] : []));

/** Names of all values that a node reads: its inputs, and what its bodies take from the graphs around them. */
export const readsOf = (node: Node): string[] => [...node.inputs, ...bodiesOf(node).flatMap(capturedBy)];

function capturedBy(body: Graph): string[] {
  const own = new Set([...body.inputs.map(({ name }) => name), ...body.constants.keys()]);
  for (const node of body.nodes) for (const output of node.outputs) own.add(output);
  return body.nodes.flatMap(readsOf).filter((name) => !own.has(name));
}

export class Graph {
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly constants = new Map<string, Constant>();
  readonly externals = new Map<string, External>();
  readonly #merged = new Map<string, Value[]>();
  readonly #constantNames = new Map<string, Constant>();
  readonly #unreshaped = new Map<string, Value>();
  readonly #outer: Graph | undefined;
  /** Starts every name that this graph gives, so that it hides none of an outer graph. */
  readonly #prefix: string;
  #bodies = 0;

  /** @param outer the graph that this one is a body in. */
  constructor(outer?: Graph) {
    this.#outer = outer;
    this.#prefix = outer ? `${outer.#prefix}body${outer.#bodies++}.` : '';
  }

  /** Makes `name` distinct from all names of outer graphs. */
  localName(name: string): string {
    return this.#prefix + name;
  }

  /** An input of the graph, fed at every run. */
  input(name: string, type: OutputType): Value {
    const value = { name, dtype: type.dtype, shape: type.shape };
    this.inputs.push(value);
    return value;
  }

  /** Equal constants share one initializer. */
  constant(dtype: OnnxType, shape: readonly number[], data: ConstantData): Constant {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = `${dtype}[${shape.join()}]${createHash('sha1').update(bytes).digest('base64')}`;
    let constant = this.#constantNames.get(key);
    if (!constant) {
      constant = { name: `${this.#prefix}c${this.constants.size}`, dtype, shape, data: data.slice() };
      this.#constantNames.set(key, constant);
      this.constants.set(constant.name, constant);
    }
    return constant;
  }

  scalar(dtype: 'float32' | 'int32' | 'bool', value: number): Constant {
    const data =
      dtype === 'float32' ? Float32Array.of(value) : dtype === 'int32' ? Int32Array.of(value) : Uint8Array.of(value);
    return this.constant(dtype, [], data);
  }

  /** A 1-D int64 constant: the form ONNX takes shapes, axes and pads in. */
  ints(values: readonly number[]): Constant {
    return this.constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  /** The number that `value` always is, if it is a constant with one element. */
  scalarOf(value: Value): number | undefined {
    const constant = this.constants.get(value.name);
    if (!constant) return this.#outer?.scalarOf(value);
    return constant.data.length === 1 ? Number(constant.data[0]) : undefined;
  }

  /**
   * Appends a node, or returns the outputs of an equal one. Every node is pure, so merging is always right. A node with
   * bodies is merged with none.
   */
  append(spec: NodeSpec): Value[] {
    const { op, domain = '', attrs = {} } = spec;
    const inputs = spec.inputs.map((value) => value?.name ?? '');
    const bodies = bodiesOf({ attrs }).map((body) => body.#prefix);
    const key = JSON.stringify([op, domain, inputs, bodies.length > 0 ? bodies : attrs, spec.outputs.length]);
    let outputs = this.#merged.get(key);
    if (!outputs) {
      const prefix = `${this.#prefix}${op}_${this.nodes.length}`;
      outputs = spec.outputs.map((type, i) => ({
        name: i === 0 ? prefix : `${prefix}_${i}`,
        dtype: type.dtype,
        shape: type.shape,
      }));
      this.nodes.push({ op, domain, inputs, outputs: outputs.map((value) => value.name), attrs, types: spec.outputs });
      this.#merged.set(key, outputs);
    }
    return outputs;
  }

  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    output: OutputType,
    attrs?: Readonly<Record<string, Attribute>>,
    domain?: string,
  ): Value {
    return this.append({ op, inputs, outputs: [output], ...(attrs && { attrs }), ...(domain && { domain }) })[0]!;
  }

  cast(value: Value, dtype: OnnxType): Value {
    if (value.dtype === dtype) return value;
    return this.node('Cast', [value], { dtype, shape: value.shape }, { to: ONNX_TYPE[dtype] });
  }

  reshape(value: Value, shape: readonly number[]): Value {
    const source = this.#unreshaped.get(value.name) ?? value;
    if (sameShape(source.shape, shape)) return source;
    const reshaped = this.node('Reshape', [source, this.ints(shape)], { dtype: source.dtype, shape });
    this.#unreshaped.set(reshaped.name, source);
    return reshaped;
  }

  /** Makes the physical shape equal to the logical one. */
  expand(value: Value, shape: readonly number[]): Value {
    if (sameShape(value.shape, shape)) return value;
    if (sizeOf(value.shape) === sizeOf(shape)) return this.reshape(value, shape);
    return this.node('Expand', [value, this.ints(shape)], { dtype: value.dtype, shape });
  }

  /** Names `value` as an output. An output needs a node of its own that produces it. */
  output(name: string, value: Value): void {
    this.nodes.push({ op: 'Identity', domain: '', inputs: [value.name], outputs: [name], attrs: {}, types: [value] });
    this.outputs.push({ name, dtype: value.dtype, shape: value.shape });
  }
}

export const ONNX_TYPE: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};
