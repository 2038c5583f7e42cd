/**
 * The learner's thread: loads, trains and saves. It keeps the state after its last step; after a restart, the request
 * carries the state.
 */
import { Random } from '../../data/rng.ts';
import { UnsupportedError } from '../../protocol/errors.ts';
import type { TensorMap } from '../../protocol/tensor.ts';
import type { StepMetrics } from '../../protocol/messages.ts';
import type {
  AssistCall,
  LearnCall,
  LearnerCall,
  LearnResult,
  LoadCall,
  OpenCall,
  OpenReply,
  SaveCall,
  SharedState,
  TaskFlags,
  WorkerValues,
} from '../../protocol/worker.ts';
import { baseTypes, loadCheckpoint, saveCheckpoint } from '../training/checkpoint.ts';
import {
  specsOf,
  uploadAll,
  type Compute,
  type Engine,
  type EngineName,
  type ResidentTensors,
} from '../engine/engine.ts';
import { createEngine } from '../engine/engines.ts';
import { CANCELLED } from '../engine/native.ts';
import type { Adapter } from '../models/adapter.ts';
import { makeAdapter, type AdapterSettings } from '../models/adapters.ts';
import { loadModelFiles, type ModelFiles } from '../models/folder.ts';
import type { Model } from '../models/family.ts';
import { withAdapter } from '../models/parameter-sets.ts';
import { loadParams, locateParams } from '../models/weights.ts';
import { learnBatch, type Learner } from '../objectives/learn.ts';
import { openObjective } from '../objectives/registry.ts';
import type { LearnSettings } from '../objectives/settings.ts';
import type { QuestionEncoder } from '../rollout/prompts.ts';
import type { Saving } from '../training/loss-gradients.ts';
import { adamW, type AdamWSettings } from '../training/optimizer.ts';
import { warn, type Note } from '../training/out-of-memory.ts';
import type { PassLimit } from '../training/passes.ts';
import { Scorer } from '../training/score.ts';
import { Trainer } from '../training/trainer.ts';
import { checkFinite, share, shareState, sharedState } from './versions.ts';
import { failRanks, SharedRanks } from './rank-memory.ts';
import { FrozenTower, type PictureSetup } from './frozen-tower.ts';
import { PassGradients } from './pass-gradients.ts';
import { PassSharing } from './pass-sharing.ts';
import { WarmWeights } from './warm.ts';

export interface LearnerSetup {
  readonly role: 'learner';
  /** Hugging Face folder of the base model. */
  readonly baseFolder: string;
  readonly promptTemplate?: string | undefined;
  readonly systemPrompt?: string | undefined;
  readonly engine: EngineName;
  /** Default `f32`. */
  readonly compute?: Compute;
  readonly copiesBytes?: number | undefined;
  readonly threads: number;
  /** Absent: pictures have any size, and the programs contain the vision tower. */
  readonly pictures?: PictureSetup | undefined;
  readonly optimizer: AdamWSettings;
  readonly learn: LearnSettings;
  /** Bounds a pass of the learner, and of its scoring. */
  readonly pass: PassLimit;
  /** Default: no recomputation. */
  readonly saving?: Saving;
  /** Trains an adapter instead of the whole model; `seed` draws its initial weights. */
  readonly adapter?: { readonly settings: AdapterSettings; readonly seed: number } | undefined;
}

/** The base model and its trainable set. */
interface Base extends ModelFiles {
  readonly folder: string;
  readonly adapter: Adapter | undefined;
  /** The adapter's constants, on the engine, which has the frozen weights attached. */
  readonly constants: ResidentTensors;
  /** Undefined when the programs contain the vision tower. */
  readonly tower: FrozenTower | undefined;
  /** The model that programs are built from, without the adapter's parameters. */
  readonly running: Model;
}

export class LearnerWorker {
  readonly #setup: LearnerSetup;
  readonly #engine: Engine;
  readonly #base: Base;
  readonly #warmBase: WarmWeights;
  readonly #scorer: Scorer;
  readonly #gradients: PassGradients;
  readonly #note: Note;
  /** The trainer whose weights are those of the state with this id. */
  #warm: { readonly id: string; readonly trainer: Trainer } | undefined;

  private constructor(setup: LearnerSetup, engine: Engine, base: Base, note: Note) {
    this.#setup = setup;
    this.#engine = engine;
    this.#base = base;
    this.#warmBase = new WarmWeights(engine, 1);
    this.#scorer = new Scorer(setup.pass, note);
    const { constants, running: model, adapter } = base;
    const attached = adapter ? model.parameters : {};
    this.#gradients = new PassGradients({ ...setup, engine, model, constants, attached });
    this.#note = note;
  }

  static async start(setup: LearnerSetup, note: Note = warn): Promise<LearnerWorker> {
    // An objective that cannot be used stops the start, not the first step.
    await openObjective(setup.learn.objective);
    const model = await loadModelFiles(setup.baseFolder);
    // A base that is itself a checkpoint, all float32, records the types of its own base.
    const dtypes = (await baseTypes(setup.baseFolder)) ?? model.dtypes;
    const engine = await createEngine(setup.engine, {
      threads: setup.threads,
      ...(setup.compute && { compute: setup.compute }),
      copiesBytes: setup.copiesBytes,
    });
    const adapter = setup.adapter && makeAdapter(model.model, setup.adapter.settings);
    if (adapter) await engine.attach(await locateParams(setup.baseFolder, model.model));
    const constants = await uploadAll(engine, adapter?.constants ?? {});
    const { pictures } = setup;
    const isFrozen = adapter && setup.adapter?.settings.vision !== true;
    const tower = isFrozen && pictures && (await FrozenTower.open(engine, model.model, setup.baseFolder, pictures));
    const base: Base = {
      ...model,
      maxPictureTokens: pictures?.maxTokens,
      tower: tower || undefined,
      running: tower ? tower.textModel : model.model,
      dtypes,
      template: setup.promptTemplate,
      system: setup.systemPrompt,
      folder: setup.baseFolder,
      adapter,
      constants,
    };
    return new LearnerWorker(setup, engine, base, note);
  }

  async answer(call: LearnerCall, flags: TaskFlags): Promise<WorkerValues[LearnerCall['type']]> {
    switch (call.type) {
      case 'ready':
        return null;
      case 'open':
        return this.#open(call);
      case 'load':
        return this.#load(call.checkpoint);
      case 'learn':
        return this.#learn(call, flags);
      case 'assist':
        return this.#taught(call, flags, () => null);
      case 'gradient':
        return this.#gradients.gradient(call, this.#encoder(flags));
      case 'save':
        return this.#save(call);
      default:
        throw new UnsupportedError(`the learner does not know the call ${(call satisfies never as LearnerCall).type}`);
    }
  }

  async #open({ checkpoint }: OpenCall): Promise<OpenReply> {
    const weights = await this.#initial();
    const base = share(weights);
    if (checkpoint) return { base, state: await this.#load(checkpoint) };
    const { first, second } = adamW.init(specsOf(weights));
    return { base, state: { weights: base, firstMoments: share(first), secondMoments: share(second), updates: 0 } };
  }

  /** The trainable set of version 0, which computes what the base computes: its log-probabilities are the reference. */
  async #initial(): Promise<TensorMap> {
    const { adapter, folder, model } = this.#base;
    if (!adapter) return loadParams(folder, model);
    return adapter.initial((name) => {
      const random = new Random(this.#setup.adapter!.seed, 'adapter', name);
      return () => random.float();
    });
  }

  async #load({ folder, version }: LoadCall['checkpoint']): Promise<SharedState> {
    return shareState(await loadCheckpoint(folder, version, this.#base));
  }

  async #save({ folder, version, state }: SaveCall): Promise<null> {
    const whole = sharedState(state);
    checkFinite(whole, `version ${version} was not saved`);
    await saveCheckpoint(folder, version, this.#base, whole);
    return null;
  }

  async #learn(call: LearnCall, flags: TaskFlags): Promise<LearnResult> {
    return this.#taught(call, flags, async (trainer, metrics) => {
      const learnt = await trainer.state();
      checkFinite(learnt, `version ${call.batch.parent + 1} was not made`);
      return { state: shareState(learnt, call.spare, call.id), metrics };
    });
  }

  /** Takes the step, alone or with other threads. The thread keeps the new state if `result` accepts it. */
  async #taught<T>(
    { batch, state, base, id, ranks: memory, helpers: port }: LearnCall | AssistCall,
    flags: TaskFlags,
    result: (trainer: Trainer, metrics: StepMetrics) => Promise<T> | T,
  ): Promise<T> {
    const trainer = await this.#trainer(state);
    const { constants, adapter, running } = this.#base;
    const model = withAdapter(running, adapter);
    // The warm state has no id until the step is complete, so that a failed step cannot pass for either state.
    this.#warm = undefined;
    const learner: Learner = {
      trainer,
      scorer: this.#scorer,
      ranks: memory && new SharedRanks(memory),
      sharing:
        port && ((questionOf, temperature) => new PassSharing({ port, start: state, id, questionOf, temperature })),
      encoder: this.#encoder(flags),
      model: { engine: this.#engine, model, weights: trainer.residentWeights() },
      base: async () => ({
        engine: this.#engine,
        model,
        weights: { ...constants, ...(await this.#warmBase.get(base)) },
      }),
    };
    try {
      const value = await result(trainer, await learnBatch(learner, batch, this.#setup.learn));
      this.#warm = { id, trainer };
      return value;
    } catch (error) {
      if (memory) failRanks(memory);
      // Drop the warm copies too, so that a retry starts from shared memory.
      this.#warmBase.clear();
      trainer.release();
      throw error;
    }
  }

  #encoder(flags: TaskFlags): QuestionEncoder {
    return { ...this.#base, embed: this.#base.tower?.embed(() => Atomics.load(flags, CANCELLED) !== 0) };
  }

  async #trainer(state: SharedState): Promise<Trainer> {
    if (this.#warm?.id === state.weights.id) return this.#warm.trainer;
    this.#warm?.trainer.release();
    this.#warm = undefined;
    const { running: model, constants, adapter } = this.#base;
    const { optimizer, pass, saving } = this.#setup;
    return Trainer.create(
      {
        engine: this.#engine,
        model,
        frozen: constants,
        ...(adapter && { attached: model.parameters }),
        optimizer,
        pass,
        note: this.#note,
        ...(saving && { saving }),
      },
      sharedState(state),
    );
  }
}
