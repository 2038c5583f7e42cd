/**
 * Rewrites a traced graph, all float32, so that it computes in 16 bits what precision.ts says. A cast stands where a
 * value crosses between the types, and around a node whose kernel in 16 bits the provider lacks. Inputs and outputs of
 * the program stay float32: onnxruntime-node feeds and fetches no bfloat16.
 */
import {
  bodiesOf,
  Graph,
  ONNX_TYPE,
  type Attribute,
  type Node,
  type OnnxType,
  type OutputType,
  type Value,
} from './graph.ts';
import { isFloat, kernelOf, type Kernel } from './kernel.ts';
import { Precisions, type Kind, type NarrowType } from './precision.ts';

export type HasKernel = (kernel: Kernel) => boolean;

/** Frozen weights of `type` among the externals are narrow as they are. */
export function narrow(graph: Graph, type: NarrowType, has: HasKernel): Graph {
  return new Rewriting(graph, Precisions.of(graph, type), type, has).main();
}

/** The kernels that the narrow graph needs in 16 bits. */
export function narrowKernels(graph: Graph, type: NarrowType): Kernel[] {
  const kernels: Kernel[] = [];
  narrow(graph, type, (kernel) => kernels.push(kernel) > 0);
  return kernels;
}

/** A value of the source graph and the names under which the new graph has it. */
interface Held {
  readonly value: Value;
  /** The graph that its casts are added to. */
  readonly home: Graph;
  readonly names: Map<OnnxType, string>;
}

class Rewriting {
  readonly #source: Graph;
  readonly #precisions: Precisions;
  readonly #type: NarrowType;
  readonly #has: HasKernel;
  readonly #outer: Rewriting | undefined;
  readonly #target = new Graph();
  readonly #held = new Map<string, Held>();

  constructor(source: Graph, precisions: Precisions, type: NarrowType, has: HasKernel, outer?: Rewriting) {
    this.#source = source;
    this.#precisions = precisions;
    this.#type = type;
    this.#has = has;
    this.#outer = outer;
    for (const [name, constant] of source.constants) this.#target.constants.set(name, constant);
    for (const [name, external] of source.externals) this.#target.externals.set(name, external);
    for (const value of [...source.constants.values(), ...source.externals.values()]) this.#hold(value, value.dtype);
  }

  main(): Graph {
    for (const input of this.#source.inputs) this.#input(input, input.dtype);
    const outputs = new Set(this.#source.outputs.map(({ name }) => name));
    for (const node of this.#source.nodes) this.#append(node, outputs);
    this.#target.outputs.push(...this.#source.outputs);
    return this.#target;
  }

  /** @param inputs, outputs the types that the node of the body needs; undefined as they are */
  #body(
    inputs: (at: number) => OnnxType | undefined,
    outputs: (at: number) => OnnxType | undefined,
  ): { readonly graph: Graph; readonly types: readonly OnnxType[] } {
    this.#source.inputs.forEach((input, i) => this.#input(input, inputs(i) ?? input.dtype));
    for (const node of this.#source.nodes) this.#append(node, new Set());
    for (const [i, output] of this.#source.outputs.entries()) {
      const dtype = outputs(i) ?? this.#natural(output);
      this.#target.outputs.push({ ...output, name: this.#as(output.name, dtype), dtype });
    }
    return { graph: this.#target, types: this.#target.outputs.map(({ dtype }) => dtype) };
  }

  #input(input: Value, dtype: OnnxType): void {
    this.#target.inputs.push({ ...input, dtype });
    this.#hold(input, dtype);
  }

  #hold(value: Value, dtype: OnnxType, name = value.name): void {
    this.#held.set(value.name, { value, home: this.#target, names: new Map([[dtype, name]]) });
  }

  #find(name: string): Held | undefined {
    return this.#held.get(name) ?? (this.#outer ? this.#outer.#find(name) : undefined);
  }

  /** The type that a value of the source graph has here. */
  #natural({ name, dtype }: Value): OnnxType {
    return dtype === 'float32' ? this.#typeOf(this.#precisions.kindOf(name)) : dtype;
  }

  #typeOf(kind: Kind | undefined): OnnxType {
    return kind === 'narrow' ? this.#type : 'float32';
  }

  /** The name under which a value is there in the type; casts it once, where it is made. Names of other values stay. */
  #as(name: string, dtype: OnnxType): string {
    const held = this.#find(name);
    if (!held || !isFloat(held.value)) return name;
    let found = held.names.get(dtype);
    if (found === undefined) {
      found = `${name}.${dtype}`;
      const source = held.names.get('float32') ?? [...held.names.values()][0]!;
      held.home.nodes.push(castNode(source, found, { dtype, shape: held.value.shape }));
      held.names.set(dtype, found);
    }
    return found;
  }

  /** @param outputs names that the program fetches as float32 */
  #append(node: Node, outputs: ReadonlySet<string>): void {
    if (bodiesOf(node).length > 0) return this.#appendWithBodies(node);
    const kind = this.#precisions.of(node);
    const dtype = this.#typeOf(kind);
    const work =
      kind === 'wide' || this.#has(kernelOf(node, (name) => this.#find(name)?.value, this.#type)) ? dtype : 'float32';
    const types = node.types.map((type) => (type.dtype === 'float32' ? { ...type, dtype: work } : type));
    const names = node.outputs.map((name, i) =>
      outputs.has(name) && types[i]!.dtype !== node.types[i]!.dtype ? `${name}.${work}` : name,
    );
    const inputs = node.inputs.map((name) => this.#as(name, work));
    this.#target.nodes.push({ ...node, inputs, outputs: names, types });
    node.outputs.forEach((name, i) => {
      this.#hold({ ...node.types[i]!, name }, types[i]!.dtype, names[i]);
      if (names[i] === name) return;
      this.#target.nodes.push(castNode(names[i]!, name, node.types[i]!));
      this.#held.get(name)!.names.set('float32', name);
    });
  }

  #appendWithBodies(node: Node): void {
    const isLoop = node.op === 'Loop';
    const initial = isLoop ? node.inputs.slice(2) : [];
    const entering = initial.map((name, i) => this.#natural({ ...node.types[i]!, name }));
    const bodies = bodiesOf(node);
    const enters = (at: number): OnnxType | undefined => (isLoop ? entering[at - 2] : undefined);
    // A loop's first output says whether it continues; a branch has none of these.
    const gives = (at: number): OnnxType | undefined => {
      const i = isLoop ? at - 1 : at;
      return i < 0 ? undefined : this.#natural({ ...node.types[i]!, name: node.outputs[i]! });
    };
    const rewritten = new Map<Graph, Graph>();
    for (const body of bodies) {
      const inner = new Rewriting(body, this.#precisions.body(body), this.#type, this.#has, this);
      rewritten.set(body, inner.#body(enters, gives).graph);
    }
    const attrs = Object.entries(node.attrs).map(([name, value]): [string, Attribute] => [
      name,
      typeof value === 'object' && 'graph' in value ? { graph: rewritten.get(value.graph)! } : value,
    ]);
    const types = node.types.map((type, i) => ({ ...type, dtype: gives(isLoop ? i + 1 : i) ?? type.dtype }));
    const inputs = node.inputs.map((name, i) => (i >= 2 && isLoop ? this.#as(name, entering[i - 2]!) : name));
    this.#target.nodes.push({ ...node, inputs, attrs: Object.fromEntries(attrs), types });
    node.outputs.forEach((name, i) => this.#hold({ ...node.types[i]!, name }, types[i]!.dtype));
  }
}

const castNode = (from: string, to: string, type: OutputType): Node => ({
  op: 'Cast',
  domain: '',
  inputs: [from],
  outputs: [to],
  attrs: { to: ONNX_TYPE[type.dtype] },
  types: [type],
});
