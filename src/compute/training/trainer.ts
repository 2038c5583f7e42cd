/**
 * The learner's state and its steps: trainable weights and AdamW moments stay on the engine between steps. The caller
 * owns the frozen weights, if the model has any. The trainer knows log-probabilities and weights of tokens, not
 * questions or votes; learn.ts and `quorum pretrain` build its groups.
 */
import { UnsoundStepError } from '../../protocol/errors.ts';
import type { HelpersGradient } from '../../protocol/passes.ts';
import { f32, type HostTensor, type TensorMap } from '../../protocol/tensor.ts';
import {
  specsOf,
  type Engine,
  type Feed,
  type ResidentTensor,
  type ResidentTensors,
  type Specs,
} from '../engine/engine.ts';
import { stage } from '../engine/native.ts';
import type { Model } from '../models/family.ts';
import type { ParameterSets } from '../models/parameter-sets.ts';
import { distanceOf, GradientSums, isFiniteGradient, numbersOf, type PassOutcome } from './gradient-sums.ts';
import { adamW, type AdamWSettings, type Moments } from './optimizer.ts';
import { FittingPasses, warn, type Note } from './out-of-memory.ts';
import type { Pass, PassLimit } from './passes.ts';
import { LOG_PROBS, type Saving } from './loss-gradients.ts';
import { ALONE, type Ranks } from './ranks.ts';
import { SamplerGap, type GapPart } from './sampler-gap.ts';
import type { Sharing } from './sharing.ts';
import { FIRST, SECOND, stepProgram, updateProgram } from './step.ts';
import type { TokenLoss } from './token-loss.ts';
import { countTokens, planPass, type TrainGroup, type TrainResponse } from './train-group.ts';

export type { TrainGroup, TrainResponse };

/** State of the trainable set only. */
export interface TrainerState {
  readonly weights: TensorMap;
  readonly moments: Moments;
  /** Optimizer updates made so far. */
  readonly updates: number;
}

/** Means over the mini-batch: `loss`, and the metrics of the loss. */
export interface StepOutcome {
  readonly loss: number;
  readonly entropy: number;
  readonly kl?: number;
  readonly clipFraction?: number;
  readonly ratio?: number;
  /** Before clipping. */
  readonly gradNorm: number;
  /** Response tokens. */
  readonly tokens: number;
  /** Mean |log pi of the learner before the update - of the sampler| over the tokens with `sampled`, nats. */
  readonly samplerGap?: number;
  /** The largest of these distances. */
  readonly samplerGapMax?: number;
}

export interface TrainerOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly optimizer: AdamWSettings;
  /** The model's frozen weights, on the same engine; default: none. */
  readonly frozen?: ResidentTensors;
  /** Further frozen weights, which the engine has attached; default: none. */
  readonly attached?: Specs;
  /** Bounds a forward and backward pass, and so memory; a larger mini-batch accumulates gradients. */
  readonly pass?: PassLimit;
  readonly saving?: Saving;
  /** Default: `warn`. */
  readonly note?: Note;
}

interface StepOptions {
  readonly loss: TokenLoss;
  readonly learningRate: number;
  /** The threads that take this step together; default: this one. */
  readonly ranks?: Ranks | undefined;
  /** Helpers outside this thread; a step of one pass does without. Default: none. */
  readonly sharing?: Sharing | undefined;
}

/** The response that fills up a pass. */
const NO_RESPONSE: TrainResponse = { tokens: [] };

type State = Record<string, ResidentTensor>;

export class Trainer {
  readonly #options: TrainerOptions;
  readonly #parameters: ParameterSets;
  readonly #state: State;
  readonly #sums: GradientSums;
  #updates: number;
  readonly #fitting: FittingPasses<TrainResponse>;

  private constructor(options: TrainerOptions, parameters: ParameterSets, state: State, updates: number) {
    this.#options = options;
    this.#parameters = parameters;
    this.#state = state;
    this.#sums = new GradientSums(options, parameters);
    this.#updates = updates;
    const { pass: limit = {}, note = warn } = options;
    this.#fitting = new FittingPasses({
      limit,
      lengthOf: ({ tokens }: TrainResponse) => tokens.length,
      none: NO_RESPONSE,
      words: smallerPasses,
      note,
    });
  }

  /** Copies the state to the engine; its weights are the trainable set. Without moments, training starts anew. */
  static async create(
    options: TrainerOptions,
    state: { readonly weights: TensorMap; readonly moments?: Moments; readonly updates?: number },
  ): Promise<Trainer> {
    const frozen = { ...options.attached, ...specsOf(options.frozen ?? {}) };
    const parameters = { frozen, trainable: specsOf(state.weights) };
    const moments = state.moments ?? adamW.init(parameters.trainable);
    const resident: State = {};
    for (const name of Object.keys(parameters.trainable)) {
      resident[name] = await options.engine.upload(copy(state.weights[name]!));
      resident[FIRST + name] = await options.engine.upload(copy(moments.first[name]!));
      resident[SECOND + name] = await options.engine.upload(copy(moments.second[name]!));
    }
    return new Trainer(options, parameters, resident, state.updates ?? 0);
  }

  get updates(): number {
    return this.#updates;
  }

  /**
   * One optimizer update on `groups`.
   * @throws UnsoundStepError when the gradient is not finite; the state is then lost: restore it from a copy.
   */
  async step(groups: readonly TrainGroup[], options: StepOptions): Promise<StepOutcome> {
    const tokens = countTokens(groups);
    if (tokens === 0) throw new RangeError('a training step needs at least one response token');
    const totals = await this.#passed(groups, tokens, options);
    this.#updates++;
    const outcome = { ...totals, tokens } as unknown as StepOutcome;
    if (!Number.isFinite(outcome.gradNorm))
      throw new UnsoundStepError(
        `the gradient's norm is ${outcome.gradNorm} at update ${this.#updates} (loss ${outcome.loss}); a lower learner.learningRate may help`,
      );
    return outcome;
  }

  /** Runs the passes and the update of a step, and returns the totals of its terms. */
  async #passed(groups: readonly TrainGroup[], tokens: number, options: StepOptions): Promise<Record<string, number>> {
    const { learningRate, ranks = ALONE } = options;
    const scalars = this.#scalars(learningRate);
    let isWhole = false;
    const done = await this.#fitting.run(
      groups,
      async (own, count) => {
        this.#sums.drop(); // of a try that found no memory; nothing else has changed
        isWhole = count === 1 && ranks.count === 1;
        return this.#passes(own, tokens, options, isWhole ? scalars : undefined);
      },
      ranks,
    );
    const totals: Record<string, number> = {};
    const gap = new SamplerGap();
    for (const each of ranks.gather(done)) {
      for (const [name, value] of Object.entries(each.totals)) totals[name] = (totals[name] ?? 0) + value;
      gap.merge(each.gap);
    }
    if (!isWhole) {
      if (ranks.count > 1) ranks.sum(await this.#sums.inHost());
      Object.assign(totals, await this.#applySums(scalars));
    }
    const { found } = gap;
    return { ...totals, ...(found && { samplerGap: found.mean, samplerGapMax: found.most }) };
  }

  /** @param scalars given where the only pass makes the update too */
  async #passes(
    passes: readonly Pass<TrainResponse>[],
    tokens: number,
    { loss, ranks = ALONE, sharing }: StepOptions,
    scalars?: Record<string, Feed>,
  ): Promise<{ readonly totals: Record<string, number>; readonly gap: GapPart }> {
    const totals: Record<string, number> = {};
    const gap = new SamplerGap();
    const helpers = scalars ? undefined : sharing;
    await helpers?.offer({ passes, tokens, loss, updates: this.#updates, weights: () => this.weights() });
    for (const [i, pass] of passes.entries()) {
      stage('learning pass', i + 1, passes.length);
      const given = await helpers?.take(i);
      if (given) {
        const wrong = await this.#wrongIn(given, Object.keys(totals), { pass, tokens, loss });
        if (wrong !== undefined) await helpers!.reject(i, wrong);
        await this.#sums.addFlat(new Float32Array(given.gradients));
        gap.merge(given.gap);
      }
      const own = given ? undefined : await this.#ownPass(pass, tokens, loss, scalars);
      if (own) gap.add(pass, own.logProbs);
      const { terms } = (given ?? own)!;
      for (const [name, value] of Object.entries(terms)) totals[name] = (totals[name] ?? 0) + value;
      ranks.progress();
    }
    return { totals, gap: gap.part };
  }

  #ownPass(
    pass: Pass<TrainResponse>,
    tokens: number,
    loss: TokenLoss,
    scalars?: Record<string, Feed>,
  ): Promise<PassOutcome> {
    if (scalars) return this.#stepWhole(pass, tokens, loss, scalars);
    return this.#sums.addPass(pass, tokens, loss, this.residentWeights());
  }

  /** Says what is wrong with a helper's gradient. @param names of the terms that this thread's own passes have */
  async #wrongIn(
    { gradients, terms, isDue, tolerance }: HelpersGradient,
    names: readonly string[],
    { pass, tokens, loss }: { readonly pass: Pass<TrainResponse>; readonly tokens: number; readonly loss: TokenLoss },
  ): Promise<string | undefined> {
    if (Object.keys(terms).toSorted().join() !== names.toSorted().join())
      return `its terms are ${Object.keys(terms).join(', ')}, and those of the loss are ${names.join(', ')}`;
    const floats = new Float32Array(gradients);
    if (!isDue && isFiniteGradient(floats)) return undefined;
    const apart = new GradientSums(this.#options, this.#parameters);
    try {
      await apart.addPass(pass, tokens, loss, this.residentWeights());
      const distance = distanceOf(floats, await apart.flat());
      if (distance <= tolerance) return undefined;
      return `its gradient of a pass differs from the daemon's by ${distance.toPrecision(2)} times the norm of the daemon's; other hardware explains at most ${tolerance} (\`cluster.gradientTolerance\`)`;
    } finally {
      apart.release();
    }
  }

  /**
   * Returns all weights of the model, frozen and trainable, valid until the next step, for other programs on the same
   * engine (scoring, evaluation).
   */
  residentWeights(): ResidentTensors {
    return {
      ...this.#options.frozen,
      ...Object.fromEntries(this.#trainable.map((name) => [name, this.#state[name]!])),
    };
  }

  get #trainable(): string[] {
    return Object.keys(this.#parameters.trainable);
  }

  /** Returns a copy of the trainable set in host memory. */
  async weights(): Promise<TensorMap> {
    return this.#read('');
  }

  /** Returns a copy of the state in host memory. */
  async state(): Promise<TrainerState> {
    const [weights, first, second] = [await this.#read(''), await this.#read(FIRST), await this.#read(SECOND)];
    return { weights, moments: { first, second }, updates: this.#updates };
  }

  release(): void {
    for (const tensor of Object.values(this.#state)) tensor.release();
    this.#sums.release();
  }

  async #read(prefix: string): Promise<TensorMap> {
    const tensors: Record<string, HostTensor> = {};
    for (const name of this.#trainable)
      tensors[name] = copy(await this.#options.engine.read(this.#state[prefix + name]!));
    return tensors;
  }

  #scalars(learningRate: number): Record<string, HostTensor> {
    const values = adamW.scalars(this.#updates + 1, learningRate, this.#options.optimizer);
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, f32([], [value])]));
  }

  async #stepWhole(
    pass: Pass<TrainResponse>,
    tokens: number,
    loss: TokenLoss,
    scalars: Record<string, Feed>,
  ): Promise<PassOutcome> {
    const { engine, model, optimizer, saving } = this.#options;
    const { shape, feeds } = planPass(model, pass, tokens, loss);
    const program = await engine.compile(stepProgram(model, this.#parameters, shape, loss, optimizer, saving));
    const outputs = await program.run({ ...this.#options.frozen, ...this.#state, ...scalars, ...feeds });
    return { terms: numbersOf(outputs), logProbs: await engine.read(outputs[LOG_PROBS]!) };
  }

  async #applySums(scalars: Record<string, Feed>): Promise<Record<string, number>> {
    const program = await this.#options.engine.compile(
      updateProgram(this.#parameters.trainable, this.#options.optimizer),
    );
    const outputs = await program.run({ ...this.#state, ...(await this.#sums.resident()), ...scalars });
    this.#sums.taken();
    return numbersOf(outputs);
  }
}

function copy(tensor: HostTensor): HostTensor {
  return { ...tensor, data: tensor.data.slice() };
}

/** Names the settings that a user can change. */
function smallerPasses(tokens: number, smaller: number): string {
  return `the learner has no memory for passes of ${tokens} tokens: it repeats the step with at most ${smaller}, and keeps to that; \`learner.recompute\` true makes room for more`;
}
