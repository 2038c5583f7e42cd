/**
 * The sampler's thread: answers questions with the weights of each call, and scores the answers under the frozen base.
 */
import { CancelledError, InputError, UnsupportedError } from '../../protocol/errors.ts';
import type { Sample } from '../../protocol/messages.ts';
import type { SampleReply, SampleRequest } from '../../protocol/ports.ts';
import type { TensorMap } from '../../protocol/tensor.ts';
import type {
  RolloutCall,
  SampleCall,
  ScoreCall,
  SharedTensors,
  TaskFlags,
  WorkerValues,
} from '../../protocol/worker.ts';
import { uploadAll, type Compute, type Engine, type EngineName, type ResidentTensors } from '../engine/engine.ts';
import { createEngine } from '../engine/engines.ts';
import type { RunningModel } from '../rollout/decoding.ts';
import { generate, type Generated } from '../rollout/generate.ts';
import type { Adapter } from '../models/adapter.ts';
import { makeAdapter, type AdapterSettings } from '../models/adapters.ts';
import { loadGenerationConfig, loadPromptEncoder } from '../models/folder.ts';
import { withNetwork, type EncodedPrompt, type Model } from '../models/family.ts';
import { CANCELLED } from '../engine/native.ts';
import { withAdapter } from '../models/parameter-sets.ts';
import type { PromptEncoder } from '../models/prompt.ts';
import { loadParams, locateParams } from '../models/weights.ts';
import { encodeQuestions } from '../rollout/prompts.ts';
import { warn, type Note } from '../training/out-of-memory.ts';
import type { PassLimit } from '../training/passes.ts';
import { Scorer } from '../training/score.ts';
import { FrozenTower, type PictureSetup } from './frozen-tower.ts';
import { WarmWeights } from './warm.ts';
import { share } from './versions.ts';

export interface RolloutSetup {
  readonly role: 'rollout';
  /** Hugging Face folder of the base model. */
  readonly baseFolder: string;
  readonly promptTemplate?: string | undefined;
  readonly systemPrompt?: string | undefined;
  readonly engine: EngineName;
  /** Default `f32`. */
  readonly compute?: Compute;
  readonly copiesBytes?: number | undefined;
  readonly threads: number;
  /** Maximum of rows per decode step. */
  readonly maxRows: number;
  /** Bounds a scoring pass. */
  readonly pass: PassLimit;
  /** Absent: pictures have any size, and the programs contain the vision tower. */
  readonly pictures?: PictureSetup | undefined;
  /** Versions are adapters of the base, and this thread keeps the base. */
  readonly adapter?: AdapterSettings | undefined;
  /** The base is the only version: all its weights stay as they are. */
  readonly baseAlone?: boolean | undefined;
}

/** Decode programs come in a ladder of sizes for each cache length. */
const CACHED_PROGRAMS = 64;
/** The newest version, the version in evaluation, and the base. */
const WARM_WEIGHTS = 3;

interface Base extends PromptEncoder {
  /** The model that text programs are built from. */
  readonly model: Model;
  /** Undefined when the text programs contain the vision tower. */
  readonly tower: FrozenTower | undefined;
  readonly adapter: Adapter | undefined;
  /** The adapter's constants, on the engine. */
  readonly constants: ResidentTensors;
}

export class RolloutWorker {
  readonly #setup: RolloutSetup;
  readonly #engine: Engine;
  readonly #encoder: Base;
  readonly #stopTokens: ReadonlySet<number>;
  readonly #warm: WarmWeights;
  readonly #scorer: Scorer;

  private constructor(setup: RolloutSetup, engine: Engine, encoder: Base, stopTokens: ReadonlySet<number>, note: Note) {
    this.#setup = setup;
    this.#engine = engine;
    this.#encoder = encoder;
    this.#stopTokens = stopTokens;
    this.#warm = new WarmWeights(engine, WARM_WEIGHTS);
    this.#scorer = new Scorer(setup.pass, note);
  }

  static async start(setup: RolloutSetup, note: Note = warn): Promise<RolloutWorker> {
    const loaded = await loadPromptEncoder(setup.baseFolder);
    const adapter = setup.adapter && makeAdapter(loaded.model, setup.adapter);
    const { eosTokenIds } = await loadGenerationConfig(setup.baseFolder, loaded.model);
    // This many programs would retain more memory than the rest of the daemon.
    const engine = await createEngine(setup.engine, {
      threads: setup.threads,
      ...(setup.compute && { compute: setup.compute }),
      copiesBytes: setup.copiesBytes,
      cachePrograms: CACHED_PROGRAMS,
      keepMemory: false,
    });
    // Frozen weights never pass through JavaScript: the engine reads them from the model's files.
    const isFrozen = adapter !== undefined || setup.baseAlone === true;
    if (isFrozen) await engine.attach(await locateParams(setup.baseFolder, loaded.model));
    const constants = await uploadAll(engine, adapter?.constants ?? {});
    const whole = await withNetwork(loaded.model);
    const { promptTemplate: template, systemPrompt: system, pictures } = setup;
    const isTowerFrozen = isFrozen && setup.adapter?.vision !== true;
    const tower =
      isTowerFrozen && pictures ? await FrozenTower.open(engine, whole, setup.baseFolder, pictures) : undefined;
    const model = withAdapter(tower?.textModel ?? whole, adapter);
    const maxPictureTokens = pictures?.maxTokens;
    const base = { ...loaded, model, tower, adapter, constants, template, system, maxPictureTokens };
    return new RolloutWorker(setup, engine, base, new Set(eosTokenIds), note);
  }

  async answer(call: RolloutCall, flags: TaskFlags): Promise<WorkerValues[RolloutCall['type']]> {
    switch (call.type) {
      case 'ready':
        return null;
      case 'base':
        return share(await this.#trainable());
      case 'sample':
        return this.#orClear(this.#sample(call, flags));
      case 'score':
        return this.#orClear(this.#scoreGiven(call, flags));
      default:
        throw new UnsupportedError(`a sampler does not know the call ${(call satisfies never as RolloutCall).type}`);
    }
  }

  /** After a failure, drops the warm copies too, so that a retry starts from shared memory. */
  async #orClear<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof InputError || error instanceof CancelledError)) this.#warm.clear();
      throw error;
    }
  }

  /** The trainable set with the outputs of the base; an adapter has them for any initial weights. */
  async #trainable(): Promise<TensorMap> {
    const { adapter, model } = this.#encoder;
    if (adapter) return adapter.initial(() => () => 0);
    return this.#setup.baseAlone === true ? {} : loadParams(this.#setup.baseFolder, model);
  }

  async #sample({ request, weights, base }: SampleCall, flags: TaskFlags): Promise<SampleReply> {
    const started = performance.now();
    const { params, questions, seed, version } = request;
    const cancelled = (): boolean => Atomics.load(flags, CANCELLED) !== 0;
    const prompts = await this.#prompts(request, cancelled);
    const requests = questions.map(({ id }, i) => ({ id, prompt: prompts[i]! }));
    const { maxRows } = this.#setup;
    const groups = await generate(await this.#model(weights), requests, {
      params,
      stopTokens: this.#stopTokens,
      seed,
      version,
      maxRows,
      cancelled,
    });
    const responses = groups.map((group) => group.map(({ tokens }) => tokens));
    const reference =
      request.reference === true ? await this.#score(base, prompts, responses, params.temperature) : undefined;
    return {
      groups: groups.map((group, q) => group.map((generated, g) => this.#sampleOf(generated, reference?.[q]?.[g]))),
      promptTokens: prompts.reduce((sum, prompt) => sum + prompt.ids.length, 0),
      newTokens: groups.flat().reduce((sum, { tokens }) => sum + tokens.length, 0),
      seconds: (performance.now() - started) / 1000,
      scaledPictures: prompts.reduce((sum, { scaledImages = 0 }) => sum + scaledImages, 0),
    };
  }

  async #model(weights: SharedTensors): Promise<RunningModel> {
    return {
      engine: this.#engine,
      model: this.#encoder.model,
      weights: { ...this.#encoder.constants, ...(await this.#warm.get(weights)) },
    };
  }

  async #score(
    base: SharedTensors,
    prompts: readonly EncodedPrompt[],
    responses: ScoreCall['responses'],
    temperature: number,
  ): Promise<number[][][]> {
    const scored = responses.map((group, q) => ({ prompt: prompts[q]!, responses: group }));
    return this.#scorer.score(await this.#model(base), scored, temperature || 1);
  }

  async #scoreGiven({ request, weights, responses }: ScoreCall, flags: TaskFlags): Promise<number[][][]> {
    const prompts = await this.#prompts(request, () => Atomics.load(flags, CANCELLED) !== 0);
    return this.#score(weights, prompts, responses, request.params.temperature);
  }

  #prompts({ questions, params }: SampleRequest, cancelled: () => boolean): Promise<EncodedPrompt[]> {
    const encoder = { ...this.#encoder, embed: this.#encoder.tower?.embed(cancelled) };
    return encodeQuestions(encoder, questions, params.maxNewTokens);
  }

  #sampleOf(generated: Generated, refLogprobs: number[] | undefined): Sample {
    return {
      ...generated,
      text: this.#encoder.tokenizer.decode(generated.tokens),
      ...(refLogprobs && { refLogprobs }),
    };
  }
}
