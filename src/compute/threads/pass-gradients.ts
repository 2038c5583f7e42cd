/** Computes gradients of passes for the learner of another process: the same programs with the same inputs. */
import { UnsupportedError } from '../../protocol/errors.ts';
import type { PassGradient } from '../../protocol/passes.ts';
import type { GradientCall } from '../../protocol/worker.ts';
import { specsOf, type ResidentTensors, type Specs } from '../engine/engine.ts';
import type { EncodedPrompt } from '../models/family.ts';
import { openObjective } from '../objectives/registry.ts';
import type { LearnSettings } from '../objectives/settings.ts';
import { encodeQuestion, type QuestionEncoder } from '../rollout/prompts.ts';
import { GradientSums, type GradientOptions } from '../training/gradient-sums.ts';
import type { Pass } from '../training/passes.ts';
import { SamplerGap } from '../training/sampler-gap.ts';
import type { TokenLoss } from '../training/token-loss.ts';
import type { TrainGroup, TrainResponse } from '../training/train-group.ts';
import { shared } from './versions.ts';
import { WarmWeights } from './warm.ts';

export interface PassGradientsOptions extends GradientOptions {
  /** Frozen weights on the engine, and those that it has attached. */
  readonly constants: ResidentTensors;
  readonly attached: Specs;
  readonly learn: LearnSettings;
}

/** Versions whose weights stay on the engine: several passes of an update use the same. */
const WARM = 2;

export class PassGradients {
  readonly #options: PassGradientsOptions;
  readonly #warm: WarmWeights;

  constructor(options: PassGradientsOptions) {
    this.#options = options;
    this.#warm = new WarmWeights(options.engine, WARM);
  }

  /** @throws UnsupportedError when the loss is not that of this process's settings, InputError as `encodeQuestion`. */
  async gradient({ weights, request }: GradientCall, encoder: QuestionEncoder): Promise<PassGradient> {
    const { constants, attached } = this.#options;
    const { tokens, promptLength, responseLength } = request;
    const loss = await this.#loss(request.loss, request.temperature);
    const groups = await encoded(request.groups, encoder);
    const pass: Pass<TrainResponse> = { groups, members: [], promptLength, responseLength };
    const frozen = { ...attached, ...specsOf(constants) };
    const sums = new GradientSums(this.#options, { frozen, trainable: specsOf(shared(weights)) });
    try {
      const resident = { ...constants, ...(await this.#warm.get(weights)) };
      const { terms, logProbs } = await sums.addPass(pass, tokens, loss, resident);
      const gap = new SamplerGap();
      gap.add(pass, logProbs);
      return { gradients: (await sums.flat()).buffer, terms, gap: gap.part };
    } finally {
      sums.release();
    }
  }

  async #loss(name: string, temperature: number): Promise<TokenLoss> {
    const { learn } = this.#options;
    const { objective, own } = await openObjective(learn.objective);
    const loss = objective.loss({ ...learn, temperature, objective: own });
    if (loss.name === name) return loss;
    throw new UnsupportedError(`the learner's loss is ${name}, and here it is ${loss.name}`);
  }
}

async function encoded(groups: GradientCall['request']['groups'], encoder: QuestionEncoder): Promise<TrainGroup[]> {
  const prompts = new Map<string, EncodedPrompt>();
  const encodedGroups: TrainGroup[] = [];
  for (const { question, responses } of groups) {
    const prompt = prompts.get(question.id) ?? (await encodeQuestion(encoder, question));
    prompts.set(question.id, prompt);
    encodedGroups.push({ prompt, responses: responses as readonly TrainResponse[] });
  }
  return encodedGroups;
}
