/** Frozen parameters: programs read them from files or from the device instead of feeds. */
import { dirname, relative, sep } from 'node:path';
import { sameShape, type External, type Graph, type OnnxType } from '../compile/graph.ts';
import { sizeOf } from '../../protocol/tensor.ts';
import type { StoredType } from '../hf/half.ts';
import { readStored, type StoredWeights } from '../hf/stored.ts';
import { narrow, type HasKernel } from '../compile/narrow.ts';
import {
  narrowTypeOf,
  type Compute,
  type Engine,
  type ProgramSpec,
  type ResidentTensor,
  type ResidentTensors,
  type Specs,
  type TensorSpec,
} from './engine.ts';

/** Files for ONNX Runtime: paths below one folder; it refuses a path that leaves the folder, also by a symbolic link. */
export interface Externals {
  readonly folder: string;
  readonly tensors: Readonly<Record<string, External>>;
}

const TYPES: Readonly<Record<StoredType, OnnxType>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

export function externalsOf(stored: StoredWeights): Externals {
  const folder = commonFolder(Object.values(stored).map(({ file }) => file));
  const tensors = Object.entries(stored).map(([name, { file, offset, length, dtype, shape }]) => {
    const location = relative(folder, file);
    return [name, { name, dtype: TYPES[dtype], shape, location, offset, length }] as const;
  });
  return { folder, tensors: Object.fromEntries(tensors) };
}

/** The bytes of attached weights that programs hold more than once, if each holds its own. */
export function heldTwice(
  { tensors }: Externals,
  programs: readonly { readonly spec: Pick<ProgramSpec, 'inputs'> }[],
): number {
  const held = programs.flatMap(({ spec: { inputs } }) => attachedNames(inputs, tensors));
  const bytes = (names: Iterable<string>): number => [...names].reduce((sum, name) => sum + tensors[name]!.length, 0);
  return bytes(held) - bytes(new Set(held));
}

function attachedNames(inputs: Specs, attached: Shaped): string[] {
  return Object.entries(inputs).flatMap(([name, spec]) => (isAttached(name, spec, attached) ? [name] : []));
}

/**
 * The graph that an engine would run which has the parameters attached and the kernels that `has` says. Changes `graph`.
 */
export function inCompute(graph: Graph, parameters: Specs, compute: Compute, has: HasKernel = () => true): Graph {
  if (compute === 'f32') return graph;
  const dtype = narrowTypeOf(compute);
  const tensors = Object.entries(parameters).map(([name, { shape }]): [string, External] => [
    name,
    { name, dtype, shape, location: '', offset: 0, length: 2 * sizeOf(shape) },
  ]);
  attachExternals(graph, { folder: sep, tensors: Object.fromEntries(tensors) });
  return narrow(graph, dtype, has);
}

/** The deepest folder that holds all files. */
function commonFolder(files: readonly string[]): string {
  const holds = (folder: string, file: string): boolean =>
    file.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  let folder = dirname(files[0] ?? sep);
  while (!files.every((file) => holds(folder, file))) folder = dirname(folder);
  return folder;
}

/** Reads the tensors and uploads them, for an engine without external initializers. */
export async function uploadStored(engine: Engine, stored: StoredWeights): Promise<ResidentTensors> {
  const resident: Record<string, ResidentTensor> = {};
  for (const [name, tensor] of Object.entries(stored)) resident[name] = await engine.upload(await readStored(tensor));
  return resident;
}

type Shaped = Readonly<Record<string, { readonly shape: readonly number[] }>>;

/** Whether the input has the name and the shape of an attached parameter. */
function isAttached(name: string, { dtype, shape }: Pick<TensorSpec, 'shape'> & { dtype: string }, attached: Shaped) {
  const found = attached[name];
  return found !== undefined && dtype === 'float32' && sameShape(found.shape, shape);
}

/** The inputs without attached parameters. */
export function fedInputs(inputs: Specs, attached: Shaped): Specs {
  return Object.fromEntries(Object.entries(inputs).filter(([name, spec]) => !isAttached(name, spec, attached)));
}

/** The attached parameters among the inputs. */
export function attachedInputs(inputs: Specs, attached: ResidentTensors): ResidentTensors {
  return Object.fromEntries(
    Object.entries(attached).filter(([name]) => name in inputs && isAttached(name, inputs[name]!, attached)),
  );
}

/** Turns attached inputs of the graph into initializers. */
export function attachExternals(graph: Graph, { tensors }: Externals): void {
  for (const value of graph.inputs.splice(0)) {
    if (isAttached(value.name, value, tensors)) graph.externals.set(value.name, tensors[value.name]!);
    else graph.inputs.push(value);
  }
}
