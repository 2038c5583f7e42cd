/** Computing in 16 bits on one provider: its kernels decide where casts stand, and how frozen weights are stored. */
import type { Graph } from '../compile/graph.ts';
import type { Kernel } from '../compile/kernel.ts';
import { narrow, narrowKernels } from '../compile/narrow.ts';
import type { NarrowType } from '../compile/precision.ts';
import type { StoredType } from '../hf/half.ts';
import { narrowTypeOf, type Compute } from './engine.ts';
import { KernelTable, type Provider } from './kernels.ts';

const STORED: Readonly<Record<NarrowType, StoredType>> = { float16: 'F16', bfloat16: 'BF16' };

export class Narrowing {
  readonly #type: NarrowType;
  readonly #table: KernelTable;

  constructor(name: 'cpu' | 'cuda', provider: Provider, compute: Exclude<Compute, 'f32'>) {
    this.#type = narrowTypeOf(compute);
    this.#table = new KernelTable(name, provider);
  }

  async rewritten(graph: Graph): Promise<Graph> {
    await this.#table.lookUp(narrowKernels(graph, this.#type));
    return narrow(graph, this.#type, this.#table.has);
  }

  storedType(): Promise<StoredType> {
    return storedTypeOf(this.#table, this.#type);
  }
}

/** How frozen weights are attached. Without products of 16 bits, each session would widen weights of 16 bits. */
export async function storedTypeOf(table: KernelTable, type: NarrowType): Promise<StoredType> {
  const product = productOf(type);
  await table.lookUp([product]);
  return table.has(product) ? STORED[type] : 'F32';
}

/** rows * weights^T, as every linear layer. */
const productOf = (dtype: NarrowType): Kernel => ({
  op: 'Gemm',
  domain: '',
  attrs: { transA: 0, transB: 1 },
  inputs: ['rows', 'weights'].map((name) => ({ name, dtype, shape: [2, 2] })),
  outputs: [{ dtype, shape: [2, 2] }],
});
