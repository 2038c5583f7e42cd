/** The learner's thread: loads, teaches and saves. Its state is what its last step left; after a restart the request brings it back. */
import { UnsupportedError } from '../../protocol/errors.ts';
import type { ScoreReply } from '../../protocol/ports.ts';
import type {
  LearnCall,
  LearnerCall,
  LearnResult,
  LoadCall,
  OpenCall,
  OpenReply,
  SaveCall,
  ScoreCall,
  SharedState,
  WorkerValues,
} from '../../protocol/worker.ts';
import { baseTypes, loadCheckpoint, saveCheckpoint } from '../training/checkpoint.ts';
import { specsOf, type Engine, type EngineName } from '../engine/engine.ts';
import { createEngine } from '../engine/engines.ts';
import { loadModelFolder, type ModelFolder } from '../models/folder.ts';
import { learnBatch } from '../objectives/learn.ts';
import type { LearnSettings } from '../objectives/settings.ts';
import { encodeQuestions } from '../rollout/prompts.ts';
import { adamW, type AdamWSettings } from '../training/optimizer.ts';
import { score } from '../training/score.ts';
import { Trainer } from '../training/trainer.ts';
import { checkFinite, share, shareState, sharedState } from './versions.ts';
import { WarmWeights } from './warm.ts';

export interface LearnerSetup {
  readonly role: 'learner';
  /** Hugging Face folder of the base model. */
  readonly baseFolder: string;
  readonly promptTemplate?: string | undefined;
  readonly engine: EngineName;
  readonly threads: number;
  readonly optimizer: AdamWSettings;
  readonly learn: LearnSettings;
}

export class LearnerWorker {
  readonly #setup: LearnerSetup;
  readonly #engine: Engine;
  /** The base; its weights are in shared memory once `open` was answered. */
  readonly #folder: ModelFolder;
  readonly #warmBase: WarmWeights;
  /** Of the version that was scored last, where that is not the trainer's. */
  readonly #warmScored: WarmWeights;
  /** The trainer whose weights are those of the state with this id. */
  #warm: { readonly id: string; readonly trainer: Trainer } | undefined;

  private constructor(setup: LearnerSetup, engine: Engine, folder: ModelFolder) {
    this.#setup = setup;
    this.#engine = engine;
    this.#folder = folder;
    this.#warmBase = new WarmWeights(engine, 1);
    this.#warmScored = new WarmWeights(engine, 1);
  }

  static async start(setup: LearnerSetup): Promise<LearnerWorker> {
    const model = await loadModelFolder(setup.baseFolder);
    // A base that is a checkpoint itself, all float32, still knows how its own base was stored.
    const dtypes = (await baseTypes(setup.baseFolder)) ?? model.dtypes;
    const folder = { ...model, dtypes, template: setup.promptTemplate };
    return new LearnerWorker(setup, await createEngine(setup.engine, { threads: setup.threads }), folder);
  }

  async answer(call: LearnerCall): Promise<WorkerValues[LearnerCall['type']]> {
    switch (call.type) {
      case 'ready':
        return null;
      case 'open':
        return this.#open(call);
      case 'load':
        return this.#load(call.checkpoint);
      case 'learn':
        return this.#learn(call);
      case 'score':
        return this.#score(call);
      case 'save':
        return this.#save(call);
      default:
        throw new UnsupportedError(`the learner does not know the call ${(call satisfies never as LearnerCall).type}`);
    }
  }

  async #open({ checkpoint }: OpenCall): Promise<OpenReply> {
    const { params } = this.#folder;
    const base = share(params);
    if (checkpoint) return { base, state: await this.#load(checkpoint) };
    const { first, second } = adamW.init(specsOf(params));
    return { base, state: { weights: base, firstMoments: share(first), secondMoments: share(second), updates: 0 } };
  }

  async #load({ folder, version }: LoadCall['checkpoint']): Promise<SharedState> {
    return shareState(await loadCheckpoint(folder, version, this.#folder.model));
  }

  async #save({ folder, version, state }: SaveCall): Promise<null> {
    const whole = sharedState(state);
    checkFinite(whole, `version ${version} was not saved`);
    await saveCheckpoint(folder, version, this.#folder, whole);
    return null;
  }

  async #learn({ batch, state, base, spare }: LearnCall): Promise<LearnResult> {
    const trainer = await this.#trainer(state);
    const { model } = this.#folder;
    // Until the step is complete the warm state is nobody's: a failed step must not be taken for its start or its end.
    this.#warm = undefined;
    const learner = {
      trainer,
      encoder: this.#folder,
      model: { engine: this.#engine, model, weights: trainer.residentWeights() },
      base: async () => ({ engine: this.#engine, model, weights: await this.#warmBase.get(base) }),
    };
    try {
      const metrics = await learnBatch(learner, batch, this.#setup.learn);
      const learnt = await trainer.state();
      checkFinite(learnt, `version ${batch.parent + 1} was not made`);
      const next = shareState(learnt, spare);
      this.#warm = { id: next.weights.id, trainer };
      return { state: next, metrics };
    } catch (error) {
      // Nor are the warm copies believed any more: what is asked again begins from the shared memory.
      this.#warmBase.clear();
      this.#warmScored.clear();
      trainer.release();
      throw error;
    }
  }

  async #score({ request: { groups, temperature }, weights }: ScoreCall): Promise<ScoreReply> {
    const { model } = this.#folder;
    const prompts = await encodeQuestions(
      this.#folder,
      groups.map(({ question }) => question),
    );
    const given = groups.map(({ responses }, i) => ({ prompt: prompts[i]!, responses }));
    const resident = this.#warm?.id === weights.id ? this.#warm.trainer.residentWeights() : await this.#warmScored.get(weights);
    const { microBatchGroups } = this.#setup.learn;
    return score({ engine: this.#engine, model, weights: resident }, given, { temperature: temperature || 1, microBatchGroups });
  }

  async #trainer(state: SharedState): Promise<Trainer> {
    if (this.#warm?.id === state.weights.id) return this.#warm.trainer;
    this.#warm?.trainer.release();
    this.#warm = undefined;
    return Trainer.create(
      { engine: this.#engine, model: this.#folder.model, optimizer: this.#setup.optimizer, microBatchGroups: this.#setup.learn.microBatchGroups },
      sharedState(state),
    );
  }
}
