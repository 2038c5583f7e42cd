/**
 * Decides which nodes of a traced graph, all float32, compute in 16 bits. Products and what surrounds them do.
 * Islands stay in float32: softmax and log-probabilities, reductions (so a norm's variance), exponentials, the loss,
 * and what is fed (trainable weights, moments, sums of gradients, masks) with all that is added to it.
 */
import { sizeOf } from '../../protocol/tensor.ts';
import { bodiesOf, readsOf, type Constant, type Graph, type Node, type Value } from './graph.ts';

export type NarrowType = 'float16' | 'bfloat16';
export type Kind = 'narrow' | 'wide';

/** Only these are narrow whatever they are given. */
const PRODUCTS: ReadonlySet<string> = new Set(['MatMul', 'Gemm', 'FusedMatMul']);
const ATTENTION = 'GroupQueryAttention';

/** Compute in the type of their first input: they move numbers, or map each to one of about its size. */
const FOLLOWING: ReadonlySet<string> = new Set(
  (
    'Identity Reshape Transpose Expand Tile Slice Split Pad Clip Gather GatherElements ScatterElements ' +
    'SimplifiedLayerNormalization RotaryEmbedding Neg Abs Sign Relu Round Floor Sigmoid Tanh Erf QuickGelu IsNaN'
  ).split(' '),
);

/**
 * Wide if an input is wide. What is broadcast does not count where it is one number (as in PyTorch) or fed: a bias, a
 * mask, a rotary table.
 */
const COMBINING: ReadonlySet<string> = new Set(
  'Add Sub Mul Div Max Min Where Equal Less LessOrEqual Greater GreaterOrEqual'.split(' '),
);

/** What is known of a float value. */
interface Known {
  /** Undefined for a constant that either type holds. */
  readonly kind: Kind | undefined;
  readonly size: number;
  readonly isFed: boolean;
  /** Computed from log-probabilities, or from no float at all: a product of only such values belongs to the loss. */
  readonly isLoss: boolean;
}

const RANGE: Readonly<Record<NarrowType, readonly [number, number]>> = {
  float16: [2 ** -14, 65_504],
  bfloat16: [2 ** -126, 3.38e38],
};

/** Whether the type holds the constant's numbers, each with the relative error of its last bit. */
function holds(type: NarrowType, { data }: Constant): boolean {
  const [least, most] = RANGE[type];
  return (data as Float32Array).every((x) => x === 0 || (Math.abs(x) >= least && Math.abs(x) <= most));
}

export class Precisions {
  readonly #graph: Graph;
  readonly #type: NarrowType;
  readonly #outer: Precisions | undefined;
  readonly #known = new Map<string, Known>();
  readonly #kinds = new Map<Node, Kind>();
  readonly #bodies = new Map<Graph, Precisions>();

  /** @param carried kinds of the float inputs of a body, by name. */
  private constructor(
    graph: Graph,
    type: NarrowType,
    carried: ReadonlyMap<string, Kind>,
    outer: Precisions | undefined,
  ) {
    this.#graph = graph;
    this.#type = type;
    this.#outer = outer;
    for (const value of [...graph.inputs, ...graph.externals.values()])
      this.#add(value, {
        kind: value.dtype === type ? 'narrow' : (carried.get(value.name) ?? 'wide'),
        isFed: outer === undefined,
        isLoss: false,
      });
    for (const constant of graph.constants.values())
      if (constant.dtype === 'float32')
        this.#add(constant, { kind: holds(type, constant) ? undefined : 'wide', isFed: false, isLoss: true });
    this.#settle();
  }

  static of(graph: Graph, type: NarrowType): Precisions {
    return new Precisions(graph, type, new Map(), undefined);
  }

  /** The type in which the node computes its floats. */
  of(node: Node): Kind {
    return this.#kinds.get(node) ?? 'wide';
  }

  /** The kind of a float value; undefined for a constant that is either, and for what is no float. */
  kindOf(name: string): Kind | undefined {
    return this.#find(name)?.kind;
  }

  body(graph: Graph): Precisions {
    return this.#bodies.get(graph)!;
  }

  #find(name: string): Known | undefined {
    return this.#known.get(name) ?? (this.#outer ? this.#outer.#find(name) : undefined);
  }

  #add({ name, dtype, shape }: Value, known: Omit<Known, 'size'>): void {
    if (dtype === 'float32' || dtype === this.#type) this.#known.set(name, { ...known, size: sizeOf(shape) });
  }

  /** A narrow node whose readers are all wide becomes wide, which may widen more. */
  #settle(): void {
    const wide = new Set<Node>();
    for (;;) {
      for (const node of this.#graph.nodes) this.#visit(node, wide);
      const before = wide.size;
      this.#sink(wide);
      if (wide.size === before) return;
    }
  }

  #sink(wide: Set<Node>): void {
    const isReadNarrow = new Set(this.#graph.outputs.map(({ name }) => name));
    for (const node of this.#graph.nodes.toReversed()) {
      const sinks = FOLLOWING.has(node.op) || COMBINING.has(node.op) || node.op === 'Concat';
      if (this.of(node) === 'narrow' && sinks && !node.outputs.some((name) => isReadNarrow.has(name))) {
        const sizes = (names: readonly string[]): number[] => names.map((name) => this.#find(name)?.size ?? 0);
        const made = sizes(node.outputs).reduce((sum, size) => sum + size, 0);
        // To make a few rows of a table wide must not make the whole table wide.
        if (Math.max(...sizes(node.inputs)) <= made) {
          wide.add(node);
          this.#kinds.set(node, 'wide');
        }
      }
      if (this.of(node) === 'narrow' || bodiesOf(node).length > 0)
        for (const name of readsOf(node)) isReadNarrow.add(name);
    }
  }

  #visit(node: Node, wide: ReadonlySet<Node>): void {
    if (bodiesOf(node).length > 0) return this.#visitBodies(node);
    const floats = node.inputs.flatMap((name) => this.#find(name) ?? []);
    const isExact = floats.every(({ isLoss }) => isLoss);
    const kind = wide.has(node) ? 'wide' : this.#rule(node, floats, isExact);
    this.#kinds.set(node, kind);
    const isLoss =
      node.op === 'LogSoftmax' || (PRODUCTS.has(node.op) ? isExact : isExact || floats.some((x) => x.isLoss && x.kind));
    const isFed = FOLLOWING.has(node.op) && floats[0]?.isFed === true;
    node.outputs.forEach((name, i) => this.#add({ ...node.types[i]!, name }, { kind, isFed, isLoss }));
  }

  #rule({ op, types }: Node, floats: readonly Known[], isExact: boolean): Kind {
    // A product with a vector is a sum.
    if (PRODUCTS.has(op)) return isExact || types[0]!.shape.at(-1) === 1 ? 'wide' : 'narrow';
    if (op === ATTENTION) return 'narrow';
    if (op === 'Concat') return floats.some(({ kind }) => kind === 'narrow') ? 'narrow' : 'wide';
    if (FOLLOWING.has(op)) return floats[0]?.kind ?? 'wide';
    if (!COMBINING.has(op)) return 'wide';
    const typed = floats.filter(({ kind }) => kind);
    const most = Math.max(...typed.map(({ size }) => size));
    const counted = typed.filter(({ size, isFed }) => size === most || (size > 1 && !isFed));
    return counted.length > 0 && counted.every(({ kind }) => kind === 'narrow') ? 'narrow' : 'wide';
  }

  /** What a loop carries keeps the type in which it enters; what a body gives otherwise has the type it gives. */
  #visitBodies(node: Node): void {
    const bodies = bodiesOf(node);
    const initial = node.op === 'Loop' ? node.inputs.slice(2) : [];
    const enters = initial.map((name): Kind => this.kindOf(name) ?? 'wide');
    const inner = bodies.map((body) => {
      const carried = new Map(enters.map((kind, i) => [body.inputs[i + 2]!.name, kind]));
      const precisions = new Precisions(body, this.#type, carried, this);
      this.#bodies.set(body, precisions);
      return precisions;
    });
    const given = (at: number): Kind =>
      bodies.every((body, i) => inner[i]!.kindOf(body.outputs[at]!.name) === 'narrow') ? 'narrow' : 'wide';
    const first = node.op === 'Loop' ? 1 : 0;
    node.outputs.forEach((name, i) =>
      this.#add({ ...node.types[i]!, name }, { kind: enters[i] ?? given(i + first), isFed: false, isLoss: false }),
    );
  }
}
