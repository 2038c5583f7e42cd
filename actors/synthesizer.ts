/**
 * Built-in synthesizer: the policy writes questions about the training pictures (MM-UPT, arXiv 2505.22453, section 3.3). Direct: it sees a
 * picture. In context: it sees a picture and a question about it, and writes another one. No answer and no label is asked for or seen.
 */
import type { Config } from '../src/config/schema.ts';
import type { Dataset } from '../src/data/dataset.ts';
import { Random } from '../src/data/rng.ts';
import { InputError } from '../src/protocol/errors.ts';
import type { PictureRef, Question } from '../src/protocol/messages.ts';
import type { Synthesize } from '../src/protocol/ports.ts';
import type { Policy } from '../src/policy/policy.ts';

/** What stands for the seed question in `synthesis.inContextPrompt`. */
const SEED = '{question}';

export interface SynthesizerParts {
  readonly policy: Pick<Policy, 'sample'>;
  readonly train: Dataset;
  readonly config: Pick<Config, 'seed' | 'synthesis'>;
}

interface Draft {
  /** What the policy is asked. */
  readonly prompt: Question;
  readonly origin: 'direct' | 'in-context';
  readonly seed: Question | null;
}

/** @throws InputError where in-context questions are wanted of a data set that has none. */
export function synthesizer({ policy, train, config }: SynthesizerParts): Synthesize {
  const { mode, directPrompt, inContextPrompt, temperature, maxNewTokens } = config.synthesis;
  if (train.size === 0 && mode !== 'direct') throw new InputError(`${train.name} has pictures and no questions: set synthesis.mode to direct`);
  let pictures: readonly PictureRef[] | undefined; // listing them may take time

  const draft = (n: number): Draft => {
    const random = new Random(config.seed, 'synthesis', n);
    const inContext = mode === 'in-context' || (mode === 'both' && random.chance(0.5));
    const id = `${inContext ? 'in-context' : 'direct'}/${config.seed}/${n}`;
    if (train.size === 0) {
      pictures ??= train.pictures();
      return {
        prompt: { id, text: directPrompt, pictures: [random.pick(pictures)], origin: 'dataset', verbatim: true },
        origin: 'direct',
        seed: null,
      };
    }
    const seed = train.question(random.int(0, train.size - 1));
    const text = inContext ? inContextPrompt.replace(SEED, () => seed.text) : directPrompt;
    const prompt: Question = { id, text, pictures: seed.pictures, origin: 'dataset', verbatim: true };
    return { prompt, origin: inContext ? 'in-context' : 'direct', seed: inContext ? seed : null };
  };

  return async ({ from, count, version }, signal) => {
    const drafts = Array.from({ length: count }, (_, i) => draft(from + i));
    const params = { samples: 1, temperature, topP: 1, topK: 0, maxNewTokens };
    const { groups } = await policy.sample({ questions: drafts.map(({ prompt }) => prompt), params, seed: config.seed, version }, signal);
    return drafts.map(({ prompt, origin, seed }, i) => {
      const { text, finish } = groups[i]![0]!;
      const question: Question = { id: prompt.id, text, pictures: prompt.pictures, origin, ...(seed ? { parentId: seed.id } : {}) };
      return { question, seed, finish };
    });
  };
}
