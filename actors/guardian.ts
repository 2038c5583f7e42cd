/**
 * Built-in guardian: asks the canaries, on the samplers' threads. Beside the loop: its draws are named by its own question ids, so the training
 * draws what it would have drawn without it.
 */
import type { Config } from '../src/config/schema.ts';
import type { Dataset, Labels } from '../src/data/dataset.ts';
import { Random } from '../src/data/rng.ts';
import { extractAnswer } from '../src/learn/answer.ts';
import { canary, type AskCanaries } from '../src/learn/collapse/probe.ts';
import type { Classifier } from '../src/learn/judge.ts';
import type { Policy, SamplingParams } from '../src/policy/policy.ts';
import type { Question, Sample } from '../src/protocol/messages.ts';

export interface GuardianParts {
  readonly policy: Pick<Policy, 'sample'>;
  /** Canaries come from here, and only where it is empty from `train`. */
  readonly heldOut: Dataset;
  readonly train: Dataset;
  /** Only where the configuration lets the guardian have them. */
  readonly labels?: Labels | undefined;
  readonly grader: Classifier;
  readonly config: Pick<Config, 'seed' | 'sampling' | 'guardian' | 'loop'>;
}

/** Responses to the clean picture, and to the changed one. */
const EACH = 3;

interface Canary {
  readonly clean: Question;
  readonly changed: Question;
  readonly rightAnswers: readonly string[] | undefined;
}

interface Asked {
  readonly answer: string | null;
  readonly sure: boolean;
  readonly same: number;
  readonly asTrusted: boolean;
  readonly asOrigin: boolean;
  readonly right: boolean | undefined;
}

export function guardian(parts: GuardianParts): AskCanaries {
  const { policy, config } = parts;
  const responses = config.loop.jobQuestions * config.sampling.samples;
  let canaries: readonly Canary[] | undefined; // drawn at the first probe: drawing figures takes time

  return async ({ version, trusted, origin, closely = false }, signal) => {
    canaries ??= selectCanaries(parts);
    const questions = canaries.flatMap(({ clean, changed }) => [clean, changed]);
    const each = closely ? 2 * EACH : EACH;
    // As training began: what is asked does not follow a temperature that somebody changes.
    const params: SamplingParams = { ...config.sampling, samples: each };
    const atOnce = Math.max(1, Math.floor(responses / each));
    const replies: (readonly Sample[])[] = [];
    for (let start = 0; start < questions.length; start += atOnce) {
      const job = questions.slice(start, start + atOnce);
      replies.push(...(await policy.sample({ questions: job, params, seed: config.seed, version }, signal)).groups);
    }
    const asked: Asked[] = [];
    for (const [i, { rightAnswers }] of canaries.entries()) {
      const given = [...replies[2 * i]!, ...replies[2 * i + 1]!].map(({ text }) => extractAnswer(text));
      asked.push(await compared(parts.grader, given, each, trusted?.answers[i], origin?.answers[i], rightAnswers));
    }
    const right = asked.flatMap((each) => (each.right === undefined ? [] : [each.right]));
    return {
      version,
      answers: asked.map(({ answer }) => answer),
      sure: asked.map(({ sure }) => sure),
      same: asked.map(({ same }) => same),
      ...(trusted === undefined ? {} : { asTrusted: asked.map(({ asTrusted }) => asTrusted) }),
      ...(origin === undefined ? {} : { asOrigin: asked.map(({ asOrigin }) => asOrigin) }),
      ...(right.length === 0 ? {} : { right }),
    };
  };
}

async function compared(
  grader: Classifier,
  given: readonly (string | null)[],
  each: number,
  trusted: string | null | undefined,
  origin: string | null | undefined,
  rightAnswers: readonly string[] | undefined,
): Promise<Asked> {
  const classes = await grader.classify([...given, trusted ?? null, origin ?? null, ...(rightAnswers ?? [])]);
  const { winner, sure, same } = canary(classes.slice(0, each), classes.slice(each, given.length));
  const is = (own: number | undefined): boolean => winner >= 0 && own === winner;
  const [asTrusted, asOrigin, ...right] = classes.slice(given.length);
  return {
    answer: winner < 0 ? null : given[classes.indexOf(winner)]!,
    sure,
    same,
    asTrusted: is(asTrusted),
    asOrigin: is(asOrigin),
    right: rightAnswers === undefined ? undefined : right.some(is),
  };
}

/** In a seeded order of their own. */
function selectCanaries({ heldOut, train, labels, config }: GuardianParts): readonly Canary[] {
  const pool = heldOut.size > 0 ? heldOut : train;
  const order = new Random(config.seed, 'canaries').shuffle(Array.from({ length: pool.size }, (_, i) => i));
  return order.slice(0, config.guardian.canaries).map((i): Canary => {
    const question = pool.question(i);
    const label = labels?.label(question.id);
    return {
      clean: { ...question, id: `canary:${question.id}` },
      changed: {
        ...question,
        id: `canary:${question.id}:changed`,
        pictures: question.pictures.map((of) => ({ type: 'disturbed', of, seed: config.seed })),
      },
      rightAnswers: label === undefined ? undefined : [label, ...(labels?.alternatives?.(question.id) ?? [])],
    };
  });
}
