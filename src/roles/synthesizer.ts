/**
 * Built-in synthesizer: the policy writes questions about the training pictures (MM-UPT, arXiv 2505.22453, section
 * 3.3). Direct: it sees a picture. In context: it sees a picture and a question about it, and writes another one. No
 * answer and no label is asked for or seen.
 */
import type { Config } from '../config/schema.ts';
import type { Dataset } from '../data/dataset.ts';
import { Random } from '../data/rng.ts';
import { InputError } from '../protocol/errors.ts';
import type { PictureRef, Question } from '../protocol/messages.ts';
import type { Call } from '../protocol/performer.ts';
import type { Synthesize, SynthesizeRequest, Written } from '../protocol/ports.ts';
import type { Sampler } from '../policy/sampler.ts';
import { sampleUnlessRefused, type Refused, type SampleAll } from './refusing.ts';

/** Placeholder of the seed question in `synthesis.inContextPrompt`. */
const SEED = '{question}';

export interface SynthesizerParts {
  readonly sampler: Pick<Sampler, 'sample'>;
  readonly train: Dataset;
  readonly config: Pick<Config, 'seed' | 'synthesis'>;
  /** Called once for each picture, with its question if any, that the policy refuses. */
  readonly tell: (text: string) => void;
}

export interface Draft {
  /** The policy's prompt. */
  readonly prompt: Question;
  readonly origin: 'direct' | 'in-context';
  readonly seed: Question | null;
  /** Source of its picture, for the message when it is refused. */
  readonly from: string;
}

/** Prompt number `n` of a stream of prompts, the same for the same seed. */
export function drafting(
  train: Dataset,
  config: SynthesizerParts['config'],
  stream = 'synthesis',
): (n: number) => Draft {
  const { mode, directPrompt, inContextPrompt } = config.synthesis;
  let pictures: readonly PictureRef[] | undefined; // listing them may take time, so do it once
  return (n) => {
    const random = new Random(config.seed, stream, n);
    const inContext = mode === 'in-context' || (mode === 'both' && random.chance(0.5));
    const id = `${inContext ? 'in-context' : 'direct'}/${config.seed}/${n}`;
    if (train.size === 0) {
      pictures ??= train.pictures();
      return {
        prompt: { id, text: directPrompt, pictures: [random.pick(pictures)], origin: 'dataset', verbatim: true },
        origin: 'direct',
        seed: null,
        from: train.name,
      };
    }
    const seed = train.question(random.int(0, train.size - 1));
    const text = inContext ? inContextPrompt.replace(SEED, () => seed.text) : directPrompt;
    const prompt: Question = { id, text, pictures: seed.pictures, origin: 'dataset', verbatim: true };
    const from = `${train.where?.(seed.id) ?? train.name}: question ${seed.id}`;
    return { prompt, origin: inContext ? 'in-context' : 'direct', seed: inContext ? seed : null, from };
  };
}

/**
 * Skips an unreadable picture and a question that is too long. @throws InputError when in-context questions are
 * requested from a data set without questions.
 */
export function synthesizer({ sampler, train, config, tell }: SynthesizerParts): Synthesize {
  const { mode, temperature, maxNewTokens } = config.synthesis;
  if (train.size === 0 && mode !== 'direct')
    throw new InputError(`${train.name} has pictures and no questions: set synthesis.mode to direct`);
  const draft = drafting(train, config);

  /** Refusals by prompt, so that another draft of the same prompt is not asked. */
  const refused: Refused = new Map();
  const told = new Set<string>();

  return async ({ from, count, version }, signal) => {
    const drafts = Array.from({ length: count }, (_, i) => draft(from + i)).filter(
      ({ prompt }) => !refused.has(contentOf(prompt)),
    );
    const params = { samples: 1, temperature, topP: 1, topK: 0, maxNewTokens };
    const sample: SampleAll = async (questions) =>
      (await sampler.sample({ questions, params, seed: config.seed, version }, signal)).groups;
    const now: Refused = new Map();
    const prompts = drafts.map(({ prompt }) => prompt);
    const replies = await sampleUnlessRefused(prompts, sample, now);
    return drafts.flatMap(({ prompt, origin, seed, from }) => {
      const [sample] = replies.get(prompt.id) ?? [];
      const reason = now.get(prompt.id);
      if (reason !== undefined) {
        refused.set(contentOf(prompt), reason);
        const text = `nothing is written about ${from}: ${reason}`;
        if (!told.has(text)) tell(text);
        told.add(text);
      }
      if (sample === undefined) return [];
      const question: Question = {
        id: prompt.id,
        text: sample.text,
        pictures: prompt.pictures,
        origin,
        ...(seed ? { parentId: seed.id } : {}),
      };
      return { question, seed, finish: sample.finish };
    });
  };
}

export function writing(
  request: SynthesizeRequest,
  { sampleSeconds }: Config['timeouts'],
): Call<Synthesize, readonly Written[]> {
  return {
    doing: `writing ${request.count} questions with version ${request.version}`,
    seconds: sampleSeconds,
    run: (port, signal) => port(request, signal),
  };
}

const contentOf = ({ text, pictures }: Question): string => JSON.stringify([text, pictures]);
