/**
 * The sums of a mini-batch's gradients. A pass adds its gradients on the engine, in place; gradients that come from
 * elsewhere are added in host memory. Both are float32 additions in the order of the calls.
 */
import { f32, sizeOf, type HostTensor } from '../../protocol/tensor.ts';
import type { Engine, ResidentTensor, ResidentTensors, Specs } from '../engine/engine.ts';
import type { Model } from '../models/family.ts';
import type { ParameterSets } from '../models/parameter-sets.ts';
import { LOG_PROBS, type Saving } from './loss-gradients.ts';
import type { Pass } from './passes.ts';
import { gradProgram, SUM } from './step.ts';
import type { TokenLoss } from './token-loss.ts';
import { planPass, type TrainResponse } from './train-group.ts';

export interface GradientOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly saving?: Saving;
}

/** What a pass gives besides its gradients. */
export interface PassOutcome {
  /** Sums of the loss and of its metrics. */
  readonly terms: Readonly<Record<string, number>>;
  /** [N, R] */
  readonly logProbs: HostTensor;
}

type Outputs = Readonly<Record<string, HostTensor | ResidentTensor>>;

export class GradientSums {
  readonly #options: GradientOptions;
  readonly #parameters: ParameterSets;
  /** On the engine, under the names of the program's inputs. */
  #resident: Record<string, ResidentTensor> | undefined;
  /** In host memory, in the order of the trainable weights; the sums are here or on the engine. */
  #host: Float32Array[] | undefined;
  /** Whether the sums are of passes without an update yet. */
  #isSumming = false;

  constructor(options: GradientOptions, parameters: ParameterSets) {
    this.#options = options;
    this.#parameters = parameters;
  }

  /** Runs a pass and adds its gradients. @param tokens of the whole mini-batch. @param weights all of the model's */
  async addPass(
    pass: Pass<TrainResponse>,
    tokens: number,
    loss: TokenLoss,
    weights: ResidentTensors,
  ): Promise<PassOutcome> {
    const { engine, model, saving } = this.#options;
    const { shape, feeds } = planPass(model, pass, tokens, loss);
    this.#isSumming = true;
    const program = await engine.compile(gradProgram(model, this.#parameters, shape, loss, saving));
    const outputs = await program.run({ ...weights, ...(await this.resident()), ...feeds });
    return { terms: numbersOf(outputs), logProbs: await engine.read(outputs[LOG_PROBS]!) };
  }

  /** Adds gradients in the layout of `flat`. */
  async addFlat(gradients: Float32Array): Promise<void> {
    const sums = await this.inHost();
    this.#isSumming = true;
    for (const { at, offset, size } of this.#layout()) {
      const [sum, gradient] = [sums[at]!, gradients.subarray(offset, offset + size)];
      for (let i = 0; i < size; i++) sum[i]! += gradient[i]!;
    }
  }

  /** Returns a copy of the sums as one array, in the order of the weights' names. */
  async flat(): Promise<Float32Array<SharedArrayBuffer>> {
    const sums = await this.inHost();
    const layout = this.#layout();
    const last = layout.at(-1);
    const size = last ? last.offset + last.size : 0;
    const flat = new Float32Array(new SharedArrayBuffer(size * Float32Array.BYTES_PER_ELEMENT));
    for (const { at, offset } of layout) flat.set(sums[at]!, offset);
    return flat;
  }

  /** The sums in host memory, in the order of the trainable weights; the caller may change them. */
  async inHost(): Promise<Float32Array[]> {
    if (this.#host) return this.#host;
    const sums: Float32Array[] = [];
    for (const [name, { shape }] of Object.entries(this.#trainable)) {
      const tensor = this.#resident?.[SUM + name];
      const data = tensor ? (await this.#options.engine.read(tensor)).data.slice() : new Float32Array(sizeOf(shape));
      sums.push(data as Float32Array);
    }
    this.#release();
    return (this.#host = sums);
  }

  /** The sums as inputs of a program. */
  async resident(): Promise<ResidentTensors> {
    if (this.#resident) return this.#resident;
    const resident: Record<string, ResidentTensor> = {};
    for (const [i, [name, { shape }]] of Object.entries(this.#trainable).entries())
      resident[SUM + name] = await this.#options.engine.upload(f32(shape, this.#host?.[i]));
    this.#host = undefined;
    return (this.#resident = resident);
  }

  /** An update has taken the sums, which are zero. */
  taken(): void {
    this.#isSumming = false;
  }

  /** Drops the sums of a try that was not completed. */
  drop(): void {
    if (this.#isSumming) this.release();
  }

  release(): void {
    this.#release();
    this.#host = undefined;
    this.#isSumming = false;
  }

  #release(): void {
    for (const tensor of Object.values(this.#resident ?? {})) tensor.release();
    this.#resident = undefined;
  }

  get #trainable(): Specs {
    return this.#parameters.trainable;
  }

  /** Places of the weights, sorted by name: `at` among the trainable ones, `offset` and `size` in floats. */
  #layout(): readonly { readonly at: number; readonly offset: number; readonly size: number }[] {
    const specs = Object.entries(this.#trainable).map(([name, { shape }], at) => ({ name, at, size: sizeOf(shape) }));
    let offset = 0;
    return specs
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ at, size }) => {
        offset += size;
        return { at, size, offset: offset - size };
      });
  }
}

/** Returns the scalar outputs, without the tensors that were updated in place. */
export function numbersOf(outputs: Outputs): Record<string, number> {
  const scalars = Object.entries(outputs).filter(([, tensor]) => tensor.shape.length === 0 && !('resident' in tensor));
  return Object.fromEntries(scalars.map(([name, tensor]) => [name, (tensor as HostTensor).data[0]!]));
}

/** Relative distance of two gradients: |a - b| / |b|, 0 where both hold numbers that are not finite. */
export function distanceOf(given: Float32Array, own: Float32Array): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < own.length; i++) {
    difference += (given[i]! - own[i]!) ** 2;
    norm += own[i]! ** 2;
  }
  if (!Number.isFinite(norm)) return 0; // the step is unsound whatever the helper says
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
}

export function isFiniteGradient(gradient: Float32Array): boolean {
  let sum = 0;
  for (const value of gradient) sum += value - value; // NaN for what is not finite
  return sum === 0;
}
